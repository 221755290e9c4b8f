"""The selection benchmark: scores to the last bit, joins as Spark makes them, and every file from outside checked."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selection_data import DIM, write_benchmark, write_rows, write_setup

from tinysieve.dataperf.embedding_rows import EmbeddingRows
from tinysieve.dataperf.embedding_store import open_parquet
from tinysieve.dataperf.logistic_regression import fit
from tinysieve.dataperf.selection import evaluate, joined, read_test_set, result_text, write_results
from tinysieve.dataperf.selection_scores import Confusion, Scores, confusion
from tinysieve.dataperf.selection_setup import read_setup
from tinysieve.dataperf.train_set import TrainSet, read_train_set, write_train_set
from tinysieve.ground.errors import InputError


def scores_of(setup_file: Path) -> tuple[dict[str, Scores], list[str], list[str]]:
    """Results, what was said, and what was warned of."""
    said: list[str] = []
    warned: list[str] = []
    setup = read_setup(setup_file)
    return evaluate(setup, open_parquet(setup.embeddings), said.append, warned.append), said, warned


@pytest.mark.parametrize("name", ["setup_plain", "setup_dups"])
def test_the_originals_json_to_the_last_bit(shared: Path, name: str) -> None:
    folder = shared / "data" / "dataperf_selection"
    results, said, warned = scores_of(folder / f"{name}.yaml")
    assert result_text(results) == (folder / "expected" / f"{name}.json").read_text()
    assert said == ["Loading embeddings"] + [
        line for task in results for line in (f"Evaluating task: {task}", f"Loading training data for {task}...")]
    assert warned == []


def test_the_published_floats_follow_from_the_confusion_matrices(shared: Path) -> None:
    published = json.loads((shared / "data/dataperf_selection/data/results/result_for_random_500.json").read_text())
    counts = {"Cupcake": (32, 26, 37, 42), "Hawk": (17, 18, 84, 26), "Sushi": (67, 38, 40, 17)}
    for task, (true_positives, false_positives, false_negatives, true_negatives) in counts.items():
        assert result_text({task: Confusion(true_positives, false_positives, false_negatives, true_negatives).scores()}) == (
            json.dumps({task: published[task]}, indent=4))
    # The published order of tasks and of scores is ours.
    assert list(published) == list(counts)


def test_nothing_called_or_nothing_there_is_zero_and_not_an_error() -> None:
    assert Confusion(0, 0, 5, 5).scores() == Scores(0.5, 0.0, 0.0, 0.0)
    assert Confusion(0, 3, 0, 1).scores() == Scores(0.25, 0.0, 0.0, 0.0)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_scores_are_those_of_scikit_learn(pairs: list[tuple[bool, bool]]) -> None:
    from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

    predicted, labels = (np.array(side) for side in zip(*pairs, strict=True))
    ours = confusion(predicted, labels).scores()
    assert ours.accuracy == accuracy_score(labels, predicted)
    assert ours.recall == recall_score(labels, predicted, zero_division=0)
    assert ours.precision == precision_score(labels, predicted, zero_division=0)
    assert ours.f1 == pytest.approx(f1_score(labels, predicted, zero_division=0), abs=1e-15)


def test_the_fit_is_a_minimum_of_the_stated_loss() -> None:
    rng = np.random.default_rng(0)
    vectors, labels = rng.normal(size=(80, 4)), rng.random(80) < 0.4
    model = fit(vectors, labels)
    signs = np.where(labels, 1.0, -1.0)

    def loss(weights: np.ndarray, intercept: float) -> float:
        return float(np.log1p(np.exp(-signs * (vectors @ weights + intercept))).sum() + weights @ weights / 2)

    here = loss(model.weights, model.intercept)
    for step in rng.normal(scale=0.05, size=(50, 5)):
        assert loss(model.weights + step[:4], model.intercept + step[4]) > here
    assert model.converged


def test_opposite_labels_give_the_opposite_model() -> None:
    rng = np.random.default_rng(1)
    vectors, labels = rng.normal(size=(60, 5)), rng.random(60) < 0.5
    there, back = fit(vectors, labels), fit(vectors, ~labels)
    np.testing.assert_allclose(there.weights, -back.weights, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from("abcde"), max_size=12), st.lists(st.sampled_from("abcdx"), max_size=12))
def test_join_pairs_as_many_times_as_both_sides_hold_the_id(left_ids: list[str], right_ids: list[str]) -> None:
    train = TrainSet(tuple(left_ids), np.zeros(len(left_ids), bool))
    left, right = joined(train, EmbeddingRows(tuple(right_ids), np.zeros((len(right_ids), 1))))
    assert [left_ids[row] for row in left] == [right_ids[row] for row in right]
    assert len(left) == sum(left_ids.count(name) * right_ids.count(name) for name in set(left_ids))


def test_order_of_rows_and_of_parts_changes_nothing(tmp_path: Path) -> None:
    setup = write_benchmark(tmp_path)
    before = scores_of(setup)[0]
    train = read_train_set(tmp_path / "data/A.csv")
    order = np.random.default_rng(0).permutation(len(train))
    write_train_set(TrainSet(tuple(train.ids[row] for row in order), train.labels[order]), tmp_path / "data/A.csv")
    first, last = (tmp_path / f"data/emb.parquet/part-0000{number}.snappy.parquet" for number in (0, 2))
    last.rename(tmp_path / "x")
    first.rename(last)
    (tmp_path / "x").rename(first)
    assert scores_of(setup)[0] == before


def test_a_single_file_is_as_good_as_a_directory(tmp_path: Path) -> None:
    setup = write_benchmark(tmp_path)
    before = scores_of(setup)[0]
    whole = pa.concat_tables(pq.read_table(path) for path in open_parquet(tmp_path / "data/emb.parquet").parts)
    pq.write_table(whole, tmp_path / "data/whole.parquet")
    write_setup(tmp_path, {task: [f"{task}.csv", f"{task}.parquet"] for task in "AB"}, emb_file="whole.parquet")
    assert scores_of(setup)[0] == before


@pytest.mark.parametrize("kind", [pa.list_(pa.float32()), pa.large_list(pa.float64()), pa.list_(pa.float64(), DIM)])
def test_every_kind_of_list_is_read(tmp_path: Path, kind: pa.DataType) -> None:
    vectors = np.arange(4 * DIM, dtype=np.float64).reshape(4, DIM)
    pq.write_table(pa.table({"ImageID": list("abcd"), "embedding": pa.array(list(vectors), kind)}), tmp_path / "e.parquet")
    rows = open_parquet(tmp_path / "e.parquet").rows(["c", "a", "unknown"])
    assert rows.ids == ("a", "c")
    np.testing.assert_array_equal(rows.vectors, vectors[[0, 2]])


def test_only_wanted_rows_are_kept_and_all_of_them(tmp_path: Path) -> None:
    write_benchmark(tmp_path, parts=5, rows=50)
    store = open_parquet(tmp_path / "data/emb.parquet")
    everything = list(store.batches())
    ids = [name for batch in everything for name in batch.ids]
    vectors = np.concatenate([batch.vectors for batch in everything])
    assert store.count() == len(ids) == 250
    wanted = np.random.default_rng(0).permutation(250)[:40]
    rows = store.rows(ids[row] for row in wanted)
    assert rows.ids == tuple(ids[row] for row in np.sort(wanted))
    np.testing.assert_array_equal(rows.vectors, vectors[np.sort(wanted)])


def test_unknown_ids_are_dropped_counted_and_named(tmp_path: Path) -> None:
    setup = write_benchmark(tmp_path)
    before, _, quiet = scores_of(setup)
    with (tmp_path / "data/A.csv").open("a") as csv:
        csv.writelines(f"x,1,nowhere{row}\n" for row in range(7))
    after, _, warned = scores_of(setup)
    assert (after, quiet) == (before, [])
    assert warned == ["A: 7 of 37 rows dropped, their ids have no embedding: "
                      "nowhere0, nowhere1, nowhere2, nowhere3, nowhere4, ..."]


def test_over_a_thousand_rows_warns_of_the_online_limit(tmp_path: Path) -> None:
    setup = write_benchmark(tmp_path)
    with (tmp_path / "data/B.csv").open("a") as csv:
        csv.writelines(f"x,{row % 2},id{row % 120:04d}\n" for row in range(971))
    assert scores_of(setup)[2] == ["B: 1,001 rows; the online challenge refuses more than 1,000"]


def test_an_id_that_the_embeddings_hold_twice_weighs_twice(tmp_path: Path) -> None:
    setup = write_benchmark(tmp_path)
    first = tmp_path / "data/emb.parquet/part-00000.snappy.parquet"
    (first.parent / "part-00009.parquet").write_bytes(first.read_bytes())
    train = read_train_set(tmp_path / "data/A.csv")
    doubled = [row for row, name in enumerate(train.ids) if name < "id0040"]
    by_embedding, _, warned = scores_of(setup)
    (first.parent / "part-00009.parquet").unlink()
    write_train_set(TrainSet(train.ids + tuple(train.ids[row] for row in doubled),
                             np.concatenate([train.labels, train.labels[doubled]])), tmp_path / "data/A.csv")
    assert scores_of(setup)[0]["A"] == by_embedding["A"]
    assert f"A: {len(doubled)} rows have several embeddings" in warned[0]


def test_an_empty_join_is_an_error(tmp_path: Path) -> None:
    setup = write_benchmark(tmp_path)
    (tmp_path / "data/A.csv").write_text("ImageID,Confidence\nnowhere,1\nelsewhere,0\n")
    with pytest.raises(InputError, match="none of the 2 ids of A has an embedding"):
        scores_of(setup)


@pytest.mark.parametrize(("csv", "message"), [
    (b"ImageID,confidence\nid0001,1\n", 'Train file does not have "Confidence" column'),
    (b"Confidence\n1\n", 'Train file does not have "ImageID" column'),
    (b"ImageID,Confidence,ImageID\nid0001,1,a\n", 'column "ImageID" twice'),
    (b"ImageID,Confidence\nid0001,1\nid0002,0.6\n", r"Confidence is '0.6'\n  where: .*A.csv:3"),
    (b"ImageID,Confidence\nid0001, 1\n", "Confidence is ' 1'"),
    (b"ImageID,Confidence\nid0001,\n", "Confidence is ''"),
    (b"ImageID,Confidence\nid0001,1\n\xff\xfe,0\n", "are all 1"),
    (b"ImageID,Confidence\nid0001,1,9\n", r"3 cells, and the header has 2\n  where: .*A.csv:2"),
    (b"", "the table is empty"),
    (b"ImageID,Confidence\n", "none of the 0 ids"),
    (b"ImageID,Confidence\nid0001,1\nid0002,1\n", "the 2 train rows of A are all 1"),
])
def test_a_broken_train_csv_is_named(tmp_path: Path, csv: bytes, message: str) -> None:
    setup = write_benchmark(tmp_path)
    (tmp_path / "data/A.csv").write_bytes(csv)
    with pytest.raises(InputError, match=message):
        scores_of(setup)


@pytest.mark.parametrize(("embedding", "message"), [
    ([[0.0] * DIM, [float("nan")] + [0.0] * (DIM - 1)], "b has an embedding with a value that is not finite"),
    ([[0.0] * DIM, [float("inf")] + [0.0] * (DIM - 1)], "not finite"),
    ([[0.0] * DIM, [None] + [0.0] * (DIM - 1)], "not finite"),
    ([[0.0] * DIM, [0.0] * (DIM - 1)], f"b has an embedding with {DIM - 1} numbers, not {DIM}"),
    ([[0.0] * DIM, None], "b has an embedding with 0 numbers"),
    (["text", "text"], "embedding is string, not a list of numbers"),
])
def test_a_broken_embedding_is_named(tmp_path: Path, embedding: list[object], message: str) -> None:
    pq.write_table(pa.table({"ImageID": ["a", "b"], "embedding": embedding}), tmp_path / "e.parquet")
    with pytest.raises(InputError, match=message):
        open_parquet(tmp_path / "e.parquet").rows(["a", "b"])


def test_a_broken_embedding_that_nobody_wants_stops_nobody(tmp_path: Path) -> None:
    vectors = np.zeros((2, DIM))
    vectors[1, 0] = np.nan
    write_rows(tmp_path / "e.parquet", ["a", "b"], vectors)
    assert open_parquet(tmp_path / "e.parquet").rows(["a"]).ids == ("a",)


def test_the_checks_have_the_originals_words(tmp_path: Path) -> None:
    setup = write_benchmark(tmp_path)
    tasks = {task: [f"{task}.csv", f"{task}.parquet"] for task in "AB"}
    write_setup(tmp_path, tasks, dim=256)
    with pytest.raises(InputError, match=rf"^Embedding file dim={DIM}, but setup file specifies dim=256"):
        scores_of(setup)
    write_setup(tmp_path, tasks, emb_file="B.csv.parquet")
    pq.write_table(pa.table({"ImageID": ["a"]}), tmp_path / "data/B.csv.parquet")
    with pytest.raises(InputError, match=r'^Embedding file does not have "embedding" column'):
        scores_of(setup)
    with pytest.raises(InputError, match=r"^Test file dim=6, but setup file specifies dim=7"):
        read_test_set(tmp_path / "data/A.parquet", 7)
    with pytest.raises(InputError, match=r'emb.parquet: Train file does not have "Confidence" column'):
        read_test_set(tmp_path / "data/emb.parquet", DIM)


@pytest.mark.parametrize(("labels", "message"), [(["1", "0.5"], r"Confidence is '0.5'\n  where: .*row 1"), (["1", None], "is ''"),
                                                 ([1.0, 0.25], "Confidence is '0.25'")])
def test_a_test_label_other_than_0_or_1_is_named(tmp_path: Path, labels: list[object], message: str) -> None:
    vectors = pa.array(list(np.zeros((2, DIM))), pa.list_(pa.float64()))
    pq.write_table(pa.table({"Confidence": labels, "embedding": vectors}), tmp_path / "t.parquet")
    with pytest.raises(InputError, match=message):
        read_test_set(tmp_path / "t.parquet", DIM)


def test_labels_written_as_numbers_are_labels(tmp_path: Path) -> None:
    vectors = pa.array(list(np.zeros((2, DIM))), pa.list_(pa.float64()))
    pq.write_table(pa.table({"Confidence": [1, 0], "embedding": vectors}), tmp_path / "t.parquet")
    assert read_test_set(tmp_path / "t.parquet", DIM).labels.tolist() == [True, False]


def test_broken_and_missing_parts_are_named(tmp_path: Path) -> None:
    write_benchmark(tmp_path)
    folder = tmp_path / "data/emb.parquet"
    part = folder / "part-00001.snappy.parquet"
    whole = part.read_bytes()
    part.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"part-00001.snappy.parquet cannot be read"):
        open_parquet(folder).rows(["id0001"])
    pq.write_table(pa.table({"other": [1]}), part)
    with pytest.raises(InputError, match=r"part-00001.snappy.parquet has no column ImageID"):
        open_parquet(folder).rows(["id0001"])
    (folder / "_temporary").mkdir()
    with pytest.raises(InputError, match="is not finished"):
        open_parquet(folder)
    with pytest.raises(InputError, match="does not exist"):
        open_parquet(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty/_SUCCESS").touch()
    with pytest.raises(InputError, match="has no Parquet part"):
        open_parquet(tmp_path / "empty")


@pytest.mark.parametrize(("changed", "message"), [
    ({"dim": "256"}, "dim is '256'"), ({"dim": True}, "dim is True"), ({"dim": None}, "no key 'dim'"),
    ({"emb_file": 3}, "emb_file is 3"), ({"eval_tasks": "A"}, "eval_tasks is 'A'"), ({"eval_tasks": []}, "eval_tasks is"),
    ({"eval_tasks": ["A", "A"]}, "names a task twice"), ({"eval_tasks": ["C"]}, "no key 'C'"), ({"A": ["A.csv"]}, "task A is"),
    ({"data_dir": None}, "no key 'data_dir'.*docker_data_dir"),
])
def test_a_broken_setup_is_named(tmp_path: Path, changed: dict[str, object], message: str) -> None:
    write_benchmark(tmp_path)
    path = write_setup(tmp_path, {"A": ["A.csv", "A.parquet"]}, **{"eval_tasks": ["A"], **changed})
    with pytest.raises(InputError, match=message):
        read_setup(path)


@pytest.mark.parametrize("text", [b"\xff\xfe\x00", b"a: [1", b"- 1\n- 2\n", b""])
def test_a_setup_that_is_no_mapping_is_refused(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "setup.yaml").write_bytes(text)
    with pytest.raises(InputError):
        read_setup(tmp_path / "setup.yaml")


def test_docker_takes_the_other_data_folder(tmp_path: Path) -> None:
    write_benchmark(tmp_path)
    path = write_setup(tmp_path, {"A": ["A.csv", "A.parquet"]}, docker_data_dir="elsewhere")
    assert read_setup(path).embeddings == tmp_path / "data/emb.parquet"
    assert read_setup(path, docker=True).embeddings == tmp_path / "elsewhere/emb.parquet"


def test_the_result_file_has_the_originals_name_and_layout(tmp_path: Path) -> None:
    path = write_results({"A": Scores(1.0, 0.5, 0.25, 0.125)}, tmp_path / "results", datetime(2023, 4, 5, 6, 7, 8, tzinfo=UTC))
    assert path.name == "result_UTC-2023-04-05-06-07-08.json"
    assert path.read_text() == ('{\n    "A": {\n        "accuracy": 1.0,\n        "recall": 0.5,\n        "precision": 0.25,\n'
                                '        "f1": 0.125\n    }\n}')
