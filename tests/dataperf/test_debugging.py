"""The evaluation of cleaning orders: the original's numbers, the properties of the measure, hostile files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from debugging_folder import DATA_ID, TRAIN, WRONG, write_folder, write_lines, write_rows
from hypothesis import given, settings
from hypothesis import strategies as st

from tinysieve.dataperf.debugging import CleaningCurve, LabelScore, TaskEvaluation, cleaned_labels, cleaning_curve, evaluate
from tinysieve.dataperf.debugging_data import DebuggingTask, LabelledRows, load_task, read_rows, read_true_labels
from tinysieve.dataperf.debugging_run import evaluate_task, evaluate_tasks
from tinysieve.dataperf.debugging_setup import DebuggingSetup, find_setup, load_setup
from tinysieve.dataperf.ranking import fair_fraction, standings
from tinysieve.dataperf.submissions import find_submissions, ignored_files, read_seconds, read_submission, write_submission
from tinysieve.ground.errors import InputError


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> DebuggingSetup:
    return write_folder(tmp_path_factory.mktemp("debugging"))


@pytest.fixture(scope="module")
def task(setup: DebuggingSetup) -> DebuggingTask:
    return load_task(setup, setup.tasks[0])


@pytest.fixture(scope="module")
def score(task: DebuggingTask) -> LabelScore:
    return LabelScore(task)


def points(data: dict[str, Any]) -> dict[str, list[tuple[float, int]]]:
    return {method: [(one["accuracy"], one["fixes"]) for one in data["submitted_evaluations"] if one["submission"] == method]
            for method in data["auc_score"]}


@pytest.mark.parametrize("data_id", ["01g317-flipped", "04hgtk-flipped", "01g317"])
def test_every_value_of_the_original(shared: Path, tmp_path: Path, data_id: str) -> None:
    folder = shared / "data" / "dataperf_debugging"
    paths = {"embedding_folder": folder / "embeddings", "groundtruth_folder": folder / "data",
             "submission_folder": folder / "submissions", "results_folder": tmp_path}
    one = {"data_id": data_id, "train_size": 300, "noise_level": 0.3, "test_size": 500, "val_size": 100}
    setup = DebuggingSetup.model_validate({"paths": paths, "tasks": [one], "folder": tmp_path})
    outcome = evaluate_task(setup, setup.tasks[0], ())
    assert outcome.failures == ()
    got = json.loads((tmp_path / f"{data_id}_evaluation.json").read_text())
    expected = json.loads((folder / "expected" / f"{data_id}_evaluation.json").read_text())
    assert got.keys() == expected.keys()
    assert got["before_acc"] == expected["before_acc"]
    assert got["auc_score"] == expected["auc_score"]
    assert points(got) == points(expected)


def test_only_the_wrong_rows_are_fitted(task: DebuggingTask) -> None:
    """An order that visits them all makes one label vector for each wrong row, and the one to start with."""
    score = LabelScore(task)
    cleaning_curve(task, "a", np.arange(TRAIN), score)
    assert score.fits <= 1 + WRONG
    before = score.fits
    cleaning_curve(task, "b", np.arange(TRAIN), score)
    assert score.fits == before


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_end_is_the_accuracy_of_true_labels(task: DebuggingTask, score: LabelScore, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(TRAIN)
    curve = cleaning_curve(task, "any", order, score)
    assert curve.accuracies[-1] == score(task.true_labels)
    assert curve.fixes == tuple(range(1, TRAIN + 1))
    assert 0 <= curve.fraction_fixes < 1


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_permuting_rows_and_indexes_together_changes_nothing(task: DebuggingTask, score: LabelScore, seed: int) -> None:
    """True within one batch, as here (40 rows): its gradient is a sum over rows. Beyond 64 rows a permutation would
    move rows into other batches, and the original's numbers change with it."""
    rng = np.random.default_rng(seed)
    order, moved = np.arange(WRONG), rng.permutation(TRAIN)
    train = LabelledRows(task.train.features[moved], task.train.labels[moved],
                         tuple(task.train.filenames[row] for row in moved))
    other = DebuggingTask(task.data_id, task.budget, train, task.true_labels[moved], task.test)
    there = cleaning_curve(other, "m", np.argsort(moved)[order], LabelScore(other))
    assert there == cleaning_curve(task, "m", order, score)


def test_a_row_with_a_right_label_changes_nothing(task: DebuggingTask, score: LabelScore) -> None:
    right = np.arange(WRONG, TRAIN)
    assert set(cleaning_curve(task, "m", right, score).accuracies) == {score(task.train.labels)}


def test_a_short_order_stands_still(task: DebuggingTask, score: LabelScore) -> None:
    """Still a record for every inspection of the budget; the target comes from its own last accuracy."""
    curve = cleaning_curve(task, "short", np.arange(5), score)
    assert len(curve.accuracies) == TRAIN
    assert curve.fixes == (1, 2, 3, 4) + (5,) * (TRAIN - 4)
    assert len(set(curve.accuracies[4:])) == 1


def test_a_repeated_row_costs_an_inspection(task: DebuggingTask) -> None:
    steps = [(labels.copy(), fixes) for labels, fixes in cleaned_labels(task, np.array([0, 0, 1]))]
    assert [fixes for _, fixes in steps[:4]] == [1, 2, 3, 3]
    assert (steps[0][0] == steps[1][0]).all()
    assert (steps[1][0] != steps[2][0]).sum() == 1


def test_result_has_the_originals_keys(task: DebuggingTask) -> None:
    data = evaluate(task, [("m", np.arange(2))]).as_json()
    assert list(data) == ["before_acc", "submitted_evaluations", "auc_score"]
    assert list(data["submitted_evaluations"][0]) == ["submission", "accuracy", "fixes"]
    assert data["auc_score"]["m"]["auc"] == -1


@pytest.mark.parametrize(("text", "line"), [("0\n\n1\n", 2), ("0\n1.0\n", 2), ("0\n1\n-1\n", 3), (f"{TRAIN}\n", 1), ("x", 1)])
def test_a_wrong_line_is_named(setup: DebuggingSetup, text: str, line: int) -> None:
    path = write_lines(setup.folder, "hostile", text)
    try:
        with pytest.raises(InputError) as caught:
            read_submission(path, TRAIN, TRAIN)
    finally:
        path.unlink()
    assert caught.value.where == f"{path}:{line}"


@pytest.mark.parametrize("content", [b"", b"\xff\xfe0\n"])
def test_no_text_or_nothing_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "toy_m.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"empty|cannot be read"):
        read_submission(path, TRAIN, TRAIN)


def test_what_int_takes_is_taken(tmp_path: Path) -> None:
    """No last newline, Windows line ends, blanks and a plus; what stands after the budget is no index."""
    path = tmp_path / "toy_m.txt"
    path.write_bytes(b" 3\r\n+2 \r\n1\n999")
    assert read_submission(path, TRAIN, 3).tolist() == [3, 2, 1]


def test_a_wrong_submission_stops_no_other(setup: DebuggingSetup) -> None:
    write_lines(setup.folder, "good", "0\n1\n2")
    path = write_lines(setup.folder, "bad", "0\n\n")
    try:
        outcome, = evaluate_tasks(setup, setup.tasks, (), workers=1)
    finally:
        path.unlink()
    assert [failure.where for failure in outcome.failures] == [f"{path}:2"]
    assert outcome.evaluation is not None
    assert [curve.method for curve in outcome.evaluation.curves] == ["good"]
    assert outcome.file is not None
    assert list(json.loads(outcome.file.read_text())["auc_score"]) == ["good"]


def test_a_task_without_files_stops_no_other(setup: DebuggingSetup) -> None:
    """In two processes; the errors come back whole."""
    lost = setup.tasks[0].model_copy(update={"data_id": "lost"})
    there, gone = evaluate_tasks(setup, (setup.tasks[0], lost), (), workers=2)
    assert there.evaluation is not None
    assert gone.evaluation is None
    assert "lost_train_0.3_40.parquet does not exist" in gone.failures[0].what
    assert gone.failures[0].fix


def test_an_unknown_method_is_named(setup: DebuggingSetup) -> None:
    outcome = evaluate_task(setup, setup.tasks[0], ("nobody",))
    assert "no submission 'nobody'" in outcome.failures[0].what


def test_methods_are_named_as_in_the_original(tmp_path: Path) -> None:
    """Ending and task go wherever they stand; time files and other tasks do not count."""
    for name in ("a_b.txt_x.txt", "a_c_a_d.txt", "time_a_b.txt", "ab_c.txt", "a_e.csv", "timed_b.txt"):
        (tmp_path / name).write_text("0")
    assert list(find_submissions(tmp_path, "a")) == ["b_x", "c_d"]


def test_two_files_of_one_method_are_refused(tmp_path: Path) -> None:
    for name in ("a_b.txt", "a_a_b.txt"):
        (tmp_path / name).write_text("0")
    with pytest.raises(InputError, match="second submission called 'b'"):
        find_submissions(tmp_path, "a")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = write_submission(tmp_path, "a", "m", np.array([2, 0, 1]), 0.25)
    assert path.read_text() == "2\n0\n1\n"
    assert read_submission(path, 3, 3).tolist() == [2, 0, 1]
    assert read_seconds(tmp_path, "a", "m") == 0.25
    assert read_seconds(tmp_path, "a", "other") is None
    (tmp_path / "time_a_m.txt").write_text("soon")
    with pytest.raises(InputError, match="no number"):
        read_seconds(tmp_path, "a", "m")


def test_of_equal_names_the_first_row_counts(setup: DebuggingSetup, task: DebuggingTask) -> None:
    assert task.true_labels[0] == 0
    assert (task.true_labels != task.train.labels).nonzero()[0].tolist() == list(range(WRONG))
    with pytest.raises(InputError, match="no row for the train file 'nobody'"):
        read_true_labels(setup.groundtruth_of(setup.tasks[0]), ("nobody",))


@pytest.mark.parametrize(("features", "labels", "what"), [
    ([[1.0, 2], [np.nan, 1]], [0, 1], "finite"),
    ([[1.0, 2], [1]], [0, 1], "another length"),
    ([[1.0, 2], [2, 1]], [0, 2], "not 0 or 1"),
])
def test_wrong_rows_are_named(tmp_path: Path, features: list[list[float]], labels: list[int], what: str) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"filename": ["a", "b"], "encoding": features, "label": labels}), path)
    with pytest.raises(InputError, match=what) as caught:
        read_rows(path)
    assert caught.value.where.endswith("row 1")


def test_train_and_test_of_other_dimensions_are_refused(tmp_path: Path) -> None:
    setup = write_folder(tmp_path)
    path = setup.embeddings_of(setup.tasks[0], "test")
    rows = read_rows(path)
    write_rows(path, rows.features[:, :3], rows.labels, list(rows.filenames))
    with pytest.raises(InputError, match="12 dimensions and test 3"):
        load_task(setup, setup.tasks[0])


@pytest.mark.parametrize(("old", "new", "what"), [
    (f"data_id: {DATA_ID}", "data_id: ../x", "tasks.0.data_id"),
    (f"train_size: {TRAIN}", "train_size: 0", "tasks.0.train_size"),
    ("embedding_folder", "embeddings", "paths.embedding_folder"),
    ("tasks:", "tasks: [", "not YAML"),
])
def test_wrong_settings_are_named(tmp_path: Path, old: str, new: str, what: str) -> None:
    write_folder(tmp_path)
    path = tmp_path / "task_setup.yml"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InputError, match=what):
        load_setup(path)


def test_both_spellings_and_the_docker_file_are_found(tmp_path: Path) -> None:
    for name in ("task_setup.yaml", "task_setup_docker.yml"):
        (tmp_path / name).touch()
    assert find_setup(tmp_path, docker=False).name == "task_setup.yaml"
    assert find_setup(tmp_path, docker=True).name == "task_setup_docker.yml"
    with pytest.raises(InputError):
        find_setup(tmp_path / "none", docker=True)


def test_names_in_capitals_and_a_mark_in_front_are_read(tmp_path: Path) -> None:
    (tmp_path / "a_M.TXT").write_bytes(b"\xef\xbb\xbf2\r\n0\r\n")
    (path,) = find_submissions(tmp_path, "a").values()
    assert list(find_submissions(tmp_path, "a")) == ["M"]
    assert read_submission(path, 3, 3).tolist() == [2, 0]


def test_files_of_no_task_are_named_with_the_reason(tmp_path: Path) -> None:
    for name in ("a_b.txt", "time_a_b.txt", "a.txt", "b_x.txt", "a_b.csv", "notes.txt", ".gitkeep"):
        (tmp_path / name).write_text("0")
    assert ignored_files(tmp_path, {"a"}) == [
        ("a.txt", "no method in the name"), ("a_b.csv", "does not end in .txt"), ("b_x.txt", "no task 'b' in the setup"),
        ("notes.txt", "not called TASK_METHOD.txt")]


def curve(method: str, accuracies: tuple[float, ...], lines: int) -> CleaningCurve:
    return CleaningCurve(method, accuracies, tuple(min(step + 1, lines) for step in range(len(accuracies))))


def test_only_complete_methods_are_ranked_and_a_short_list_is_held_against_the_true_labels() -> None:
    """Four lines that change nothing are the best by their own end: 0 of the inspections. The true labels they never reach."""
    whole, short = curve("whole", (0.6, 0.7, 0.8, 0.8), 4), curve("short", (0.6, 0.6, 0.6, 0.6), 1)
    assert (short.fraction_fixes, whole.fraction_fixes) == (0.0, 0.5)
    first = TaskEvaluation("a", 0.6, 0.8, (short, whole, curve("once", (0.8,) * 4, 4)))
    second = TaskEvaluation("b", 0.6, 0.8, (short, whole))
    ranked = standings([first, second])
    assert [(standing.method, standing.is_complete, standing.mean) for standing in ranked] == [
        ("whole", True, 0.5), ("short", True, 1.0), ("once", False, 0.0)]
    assert ranked[1].short == (("a", 1, 4), ("b", 1, 4))
    assert ranked[2].tasks == 1


def test_a_short_list_that_ends_above_the_true_labels_keeps_its_score() -> None:
    good = curve("good", (0.6, 0.9, 0.9, 0.9), 2)
    assert fair_fraction(good, 0.8) == good.fraction_fixes == 0.25
