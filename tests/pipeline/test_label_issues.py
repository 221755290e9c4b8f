"""`label-issues` and `clean-view` as a user meets them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tiny_run import make_images, write_config
from typer.testing import CliRunner

from tinysieve.filtering.filter import OUT_OF_FOLD
from tinysieve.filtering.label_errors.label_errors import find_label_errors
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.cli import app
from tinysieve.pipeline.config.read import load_config
from tinysieve.pipeline.engine.stages import Run, run_stages
from tinysieve.pipeline.label_issues.arrays import read_labels, read_probabilities
from tinysieve.pipeline.label_issues.clean_view import CleanView, Cut, clean_view
from tinysieve.pipeline.main_job import stages_until
from tinysieve.pipeline.stages.filters import evidence_stages
from tinysieve.pipeline.stages.ingest import samples_of, versions_of
from tinysieve.pipeline.stages.out_of_fold import classifier_factory


def arrays(count: int = 200, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    true = np.arange(count) % classes
    logits = rng.normal(size=(count, classes)) + 3 * np.eye(classes)[true]
    labels = np.where(rng.random(count) < 0.1, (true + 1) % classes, true)
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), labels


@pytest.fixture
def probabilities(tmp_path: Path) -> Path:
    np.save(tmp_path / "p.npy", arrays()[0])
    return tmp_path / "p.npy"


def write_labels(folder: Path, kind: str, labels: np.ndarray) -> Path:
    path = folder / f"labels.{kind}"
    match kind:
        case "npy":
            np.save(path, labels.astype(np.int8))
        case "npz":
            np.savez(path, given=labels)
        case "csv":
            path.write_text("name,given\n" + "".join(f"x{row},{label}\n" for row, label in enumerate(labels)))
        case "txt":
            path.write_text("".join(f"{label}\n" for label in labels))
        case "parquet":
            import pyarrow as pa

            pq.write_table(pa.table({"label": labels}), path)
    return path


@pytest.mark.parametrize("kind", ["npy", "npz", "csv", "txt", "parquet"])
def test_labels_of_every_format(tmp_path: Path, probabilities: Path, kind: str) -> None:
    pred_probs, labels = arrays()
    np.testing.assert_array_equal(read_probabilities(probabilities), pred_probs)
    np.testing.assert_array_equal(read_labels(write_labels(tmp_path, kind, labels), pred_probs), labels)


def test_the_command_writes_every_row_worst_first(tmp_path: Path) -> None:
    pred_probs, labels = arrays()
    np.savez(tmp_path / "both.npz", pred_probs=pred_probs.astype(np.float16), given=labels)
    both, out = str(tmp_path / "both.npz"), tmp_path / "deep" / "issues.parquet"
    told = CliRunner().invoke(app, ["label-issues", "--probabilities", both, "--labels", both, "--out", str(out), "--json"])
    assert told.exit_code == 0, told.output
    summary, table = json.loads(told.stdout), pq.read_table(out)
    found = find_label_errors(pred_probs.astype(np.float16), labels)
    assert table.column_names[:5] == ["row", "given_label", "predicted_labels", "is_label_issue", "label_quality"]
    np.testing.assert_array_equal(table["row"].to_numpy(), found.order)
    assert summary["issues"] == table["is_label_issue"].to_numpy().sum() == len(found.issues)
    assert summary["worst_rows"] == found.issues[:10].tolist()
    before = out.read_bytes()
    CliRunner().invoke(app, ["label-issues", "--probabilities", both, "--out", str(out)])
    assert out.read_bytes() == before


def test_probabilities_alone_ask_for_the_labels(tmp_path: Path, probabilities: Path) -> None:
    told = CliRunner().invoke(app, ["label-issues", "--probabilities", str(probabilities), "--out", str(tmp_path / "o.parquet")])
    assert isinstance(told.exception, InputError)
    assert "--labels FILE" in told.exception.fix
    assert not (tmp_path / "o.parquet").exists()


def test_the_output_is_checked_before_anything_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    os.mkfifo("pipe")
    for out in (".", "", "file/o.parquet", "x" * 300, "/proc/tinysieve/o.parquet", "pipe"):
        told = CliRunner().invoke(app, ["label-issues", "--probabilities", "absent.npz", "--out", out])
        assert isinstance(told.exception, InputError), out
        assert "absent" not in str(told.exception)
    assert Path("pipe").is_fifo()


@pytest.mark.parametrize("out", ["both.npz", "labels.npy", "link.npz"])
def test_an_input_is_never_the_output(tmp_path: Path, out: str) -> None:
    pred_probs, labels = arrays()
    np.savez(tmp_path / "both.npz", pred_probs=pred_probs, given=labels)
    (tmp_path / "link.npz").symlink_to("both.npz")
    before = {path: path.read_bytes() for path in (tmp_path / "both.npz", write_labels(tmp_path, "npy", labels))}
    words = ["--probabilities", str(tmp_path / "both.npz"), *(["--labels", str(tmp_path / out)] if "npy" in out else [])]
    told = CliRunner().invoke(app, ["label-issues", *words, "--out", str(tmp_path / out)])
    assert isinstance(told.exception, InputError)
    assert "both input and output" in told.exception.what
    assert {path: path.read_bytes() for path in before} == before


def test_two_classes_are_told_which_filters_differ(tmp_path: Path) -> None:
    pred_probs, labels = arrays(classes=2)
    np.savez(tmp_path / "two.npz", pred_probs=pred_probs, given=labels)
    two, out = str(tmp_path / "two.npz"), str(tmp_path / "o.parquet")
    said = CliRunner().invoke(app, ["label-issues", "--probabilities", two, "--out", out])
    assert "filters that differ for two classes: prune_by_noise_rate, confident_learning, predicted_neq_given" in said.output


@pytest.mark.parametrize("method", ["self_confidence", "margin", "entropy"])
def test_methods_by_name(tmp_path: Path, probabilities: Path, method: str) -> None:
    labels = write_labels(tmp_path, "npy", arrays()[1])
    CliRunner().invoke(app, ["label-issues", "--probabilities", str(probabilities), "--labels", str(labels), "--out",
                             str(tmp_path / "o.parquet"), "--method", method, "--filter", "confident_learning"])
    found = find_label_errors(*arrays(), "confident_learning", method)
    np.testing.assert_array_equal(pq.read_table(tmp_path / "o.parquet")["row"].to_numpy(), found.order)


@pytest.mark.parametrize(("text", "kind", "message", "where"), [
    ("0\n1\ntwo\n", "txt", "'two' is not an integer", ":3"),
    ("given\n0\nperson\n1\n", "csv", "'person' is not an integer", ":3"),
    ("a,b\n0,1\n", "csv", "no column 'given'", ":1"),
    ("0\n1\n2\n", "txt", "3 labels for 200 rows", ""),
    ("0\n" * 199 + "7\n", "txt", "label 7 is outside 0..2", "row 199"),
    ("0\n" * 200, "txt", "class 1 never occurs", ""),
])
def test_bad_labels_name_file_row_and_remedy(
    tmp_path: Path, probabilities: Path, text: str, kind: str, message: str, where: str
) -> None:
    path = tmp_path / f"labels.{kind}"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_labels(path, read_probabilities(probabilities))
    assert str(path) in caught.value.where
    assert where in caught.value.where
    assert caught.value.fix


def test_bad_probabilities_name_file_row_and_remedy(tmp_path: Path) -> None:
    pred_probs, _ = arrays()
    pred_probs[17] *= 100
    np.save(tmp_path / "p.npy", pred_probs)
    with pytest.raises(InputError, match="sum to 100") as caught:
        read_probabilities(tmp_path / "p.npy")
    assert caught.value.where == f"{tmp_path / 'p.npy'}, row 17"
    np.savez(tmp_path / "p.npz", other=pred_probs)
    with pytest.raises(InputError, match="no array 'pred_probs'"):
        read_probabilities(tmp_path / "p.npz")
    np.save(tmp_path / "pickled.npy", np.array([{}]), allow_pickle=True)
    for name in ("pickled.npy", "absent.npy", "p.csv"):
        with pytest.raises(InputError):
            read_probabilities(tmp_path / name)


EVERYTHING = Cut("predicted_neq_given", max_change=1.0)


def silent(view: CleanView) -> None:
    """Nobody to tell."""


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A configuration and a run up to its opinions; the change limit is lifted, for its labels say nothing about its pictures."""
    base = tmp_path_factory.mktemp("judged")
    make_images(base / "images")
    path = write_config(base / "config.yaml", base / "images", base / "run")
    path.write_text(path.read_text().replace("kind: default,", "kind: default, max_change: 1,"))
    config = load_config(path)
    run_stages(Run(config, config.run), stages_until(config, "policy")[:-1], lambda status: None)
    return path, base / "run"


@pytest.fixture
def run(judged: tuple[Path, Path], tmp_path: Path) -> Run:
    """A copy of that run to work on."""
    shutil.copytree(judged[1], tmp_path / "run")
    return Run(load_config(judged[0]), tmp_path / "run")


def test_the_clean_view_is_a_ledger_that_can_be_undone(run: Run) -> None:
    before, images = versions_of(run).load("HEAD"), sorted(run.folder.rglob("*"))
    view = clean_view(run, EVERYTHING, silent)
    after = versions_of(run).load("HEAD")
    assert (view.parent, view.version) == (before.id, after.id)
    assert view.pruned == view.issues == after.ledger.num_rows > 0
    assert set(after.ledger["action"].to_pylist()) == {"drop"}
    train = samples_of(run).in_split("train")
    np.testing.assert_array_equal(after.labels[~train], before.labels[~train])
    dropped = {row["sample_id"] for row in view.table.to_pylist() if row["is_label_issue"]}
    assert dropped == set(after.ledger["sample_id"].to_pylist())
    # The version's three files, and nothing else, certainly no image.
    made = set(run.folder.rglob("*")) - set(images)
    assert {path.parent.name for path in made} == {"versions"}
    assert versions_of(run).undo().id == before.id


def test_evidence_brings_the_stages_that_it_reads_and_no_detector(judged: tuple[Path, Path]) -> None:
    """Also where no filter that is on needs the features themselves."""
    config = load_config(judged[0], ("filter.presence_head=false", "filter.out_of_fold=false", "filter.neighbors=false",
                                     "filter.detector={kind: ultralytics, weights: nowhere.pt}"))
    names = [stage.name for stage in evidence_stages(config, OUT_OF_FOLD)]
    assert names.index("embed") < names.index("out-of-fold")
    assert "detect" not in names


@pytest.mark.parametrize("words", ["--prune-fraction 1.3", "--filter both", "--filter sieve", "--method luck"])
def test_what_cannot_be_asked_for_is_refused_before_a_stage_runs(tmp_path: Path, words: str) -> None:
    make_images(tmp_path / "images")
    config = write_config(tmp_path / "config.yaml", tmp_path / "images", tmp_path / "run")
    told = CliRunner().invoke(app, ["clean-view", "--config", str(config), *words.split()])
    assert isinstance(told.exception, InputError)
    assert told.exception.fix
    assert not (tmp_path / "run" / "ingest").exists()


def test_prune_fraction_drops_the_worst_and_relabels_the_rest(run: Run) -> None:
    view = clean_view(run, replace(EVERYTHING, prune_fraction=0.5), silent)
    assert (view.pruned, view.relabelled) == (round(0.5 * view.issues), view.issues - round(0.5 * view.issues))
    ledger = {row["sample_id"]: row for row in versions_of(run).load("HEAD").ledger.to_pylist()}
    issues = [row for row in view.table.to_pylist() if row["is_label_issue"]]
    actions = [ledger[row["sample_id"]]["action"] for row in issues]
    assert actions == ["drop"] * view.pruned + ["relabel"] * view.relabelled
    for row in issues[view.pruned :]:
        assert ledger[row["sample_id"]]["new_label"] == row["predicted_labels"]
    with pytest.raises(InputError, match=r"not in \[0, 1\]"):
        replace(EVERYTHING, prune_fraction=1.5)


def test_the_clean_view_has_a_limit_and_words_of_its_own(run: Run) -> None:
    """The policy's limit is not asked: here it is 1, and 0 of the cut counts; with the policy's at 0 the cut goes on."""
    with pytest.raises(InputError, match=r"the clean view would take .* are expected to be labelled right") as caught:
        clean_view(run, replace(EVERYTHING, max_change=0.0), silent)
    assert caught.value.where == "--max-change 0"
    assert versions_of(run).load("HEAD").parent is None
    strict = replace(run.config.policy, max_change=0.0)
    made = clean_view(Run(run.config.model_copy(update={"policy": strict}), run.folder), EVERYTHING, silent)
    assert versions_of(run).load("HEAD").id == made.version != made.parent


def test_what_will_be_lost_is_said_before_it_is_done_and_a_dry_run_does_nothing(run: Run) -> None:
    heads: list[tuple[str, float]] = []

    def announce(view: CleanView) -> None:
        heads.append((versions_of(run).load("HEAD").id, view.right_expected))

    before = versions_of(run).load("HEAD").id
    dry = clean_view(run, EVERYTHING, announce, save=False)
    assert versions_of(run).load("HEAD").id == before
    made = clean_view(run, EVERYTHING, announce)
    assert heads == [(before, made.right_expected)] * 2
    assert 0 <= made.right_expected <= made.issues
    assert dry.counts() == made.counts()


def test_a_second_pass_predicts_with_its_own_probabilities(run: Run) -> None:
    """Of two classes the predicted one has at least half; quality, and who may be an issue, are the first pass's."""
    tables = [clean_view(run, replace(EVERYTHING, second_pass=again), silent, save=False).table for again in (False, True)]
    first, second = ({row["sample_id"]: row for row in table.to_pylist()} for table in tables)
    assert min(row["predicted_probability"] for row in second.values()) >= 0.5
    assert any(row["predicted_probability"] != first[one]["predicted_probability"] for one, row in second.items())
    assert {one: row["label_quality"] for one, row in second.items()} == {one: row["label_quality"] for one, row in first.items()}
    issues = [{one for one, row in rows.items() if row["is_label_issue"]} for rows in (first, second)]
    assert issues[1] <= issues[0]


WITHOUT_DETECTORS = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("ultralytics", "torch", "torchvision", "openvino", "onnxruntime"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hidden())
from tinysieve.pipeline.cli import main
main()
"""


def test_clean_view_needs_images_and_labels_only(tmp_path: Path) -> None:
    """In a process where no detector's package can be imported, with a configuration that names a detector."""
    make_images(tmp_path / "images")
    path = write_config(tmp_path / "config.yaml", tmp_path / "images", tmp_path / "run")
    path.write_text(path.read_text().replace("kind: presence_head", "kind: ultralytics, weights: yolo11n.pt"))

    def asked(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", WITHOUT_DETECTORS, *words, "-c", str(path)], capture_output=True, text=True,
                              cwd=tmp_path)

    made = asked("clean-view", "--filter", "predicted_neq_given", "--max-change", "1", "--json")
    assert made.returncode == 0, made.stderr
    view = json.loads(made.stdout)
    assert view["labels"] == 24
    assert view["version"] != view["parent"]
    assert f"at least {view['right_expected']:,.0f} of these {view['issues']} are expected to be labelled right" in made.stderr
    assert {folder.name for folder in (tmp_path / "run").iterdir()} >= {"ingest", "embed", "out-of-fold", "versions"}
    assert not (tmp_path / "run/detect").exists()
    # What does need the detector says so, in the same process: it was hidden indeed.
    assert asked("filter").returncode == 3


def test_clean_view_by_command(run: Run, judged: tuple[Path, Path], tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["clean-view", "-c", str(judged[0]), "-o", f"run={run.folder}", "--json", "--filter",
                                    "predicted_neq_given", "--out", str(tmp_path / "judged.parquet")])
    assert told.exit_code == 0, told.output
    summary, table = json.loads(told.stdout), pq.read_table(tmp_path / "judged.parquet")
    assert summary["labels"] == table.num_rows == 24
    assert table.column_names[:2] == ["sample_id", "filepath"]


def test_a_clean_view_that_cannot_be_listed_is_not_made(run: Run, judged: tuple[Path, Path], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    config = judged[0].read_bytes()
    for out in (tmp_path, tmp_path / "pipe", judged[0] / "o.parquet", judged[0]):
        told = CliRunner().invoke(app, ["clean-view", "-c", str(judged[0]), "-o", f"run={run.folder}", "--filter",
                                        "predicted_neq_given", "--out", str(out)])
        assert isinstance(told.exception, InputError), out
        assert versions_of(run).load("HEAD").parent is None
    assert judged[0].read_bytes() == config


@pytest.mark.parametrize(("setting", "problem"), [
    ("filter.backbone={kind: array, file: features.npy}", "presence head"),
    ("filter.backbone={kind: vgg}", "filter.backbone"),
    ("filter.classifier={kind: ridge, polish_passes: -1}", "polish_passes"),
])
def test_backbones_and_classifiers_are_checked(judged: tuple[Path, Path], setting: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        load_config(judged[0], (setting, "filter.detector={kind: boxes, file: x}"))


def test_an_array_from_a_file_is_a_backbone(run: Run, judged: tuple[Path, Path], tmp_path: Path) -> None:
    """Features that tell the label give out-of-fold probabilities that agree with it; later stages notice nothing."""
    samples = samples_of(run)
    rng = np.random.default_rng(0)
    features = rng.normal(size=(len(samples), 6)) + 4 * samples.labels[:, np.newaxis]
    np.save(tmp_path / "features.npy", features)
    backbone = f"filter.backbone={{kind: array, file: {tmp_path / 'features.npy'}}}"
    config = load_config(judged[0], (backbone, "filter.label_errors=true", "filter.presence_head=false"))
    run_stages(Run(config, run.folder), stages_until(config, "policy")[:-1], lambda status: None)
    np.testing.assert_allclose(np.load(run.folder / "embed/embeddings.npy"), features, rtol=1e-3, atol=1e-3)
    p_positive = np.load(run.folder / "out-of-fold/p_positive.npy")
    train = samples.in_split("train")
    assert ((p_positive > 0.5) == samples.labels)[train].mean() > 0.9
    assert (run.folder / "filters/label_errors/opinions.parquet").exists()


@pytest.mark.parametrize("classifier", [
    "{kind: ridge, polish_passes: 3}",
    "{kind: python, make: 'sklearn.linear_model:LogisticRegression', arguments: {C: 0.1, max_iter: 500}, trusted: true}",
])
def test_another_classifier_by_name(run: Run, judged: tuple[Path, Path], classifier: str) -> None:
    config = load_config(judged[0], (f"filter.classifier={classifier}",))
    before = np.load(run.folder / "out-of-fold/p_positive.npy")
    run_stages(Run(config, run.folder), stages_until(config, "policy")[:-1], lambda status: None)
    after = np.load(run.folder / "out-of-fold/p_positive.npy")
    assert after.shape == before.shape
    assert (after != before).any()


@pytest.mark.parametrize("name", ["sklearn.linear_model", "no_such_module:x", "sklearn.linear_model:Ridge", "math:pi"])
def test_a_classifier_that_is_none(name: str) -> None:
    with pytest.raises(InputError, match=f"classifier '{name}'"):
        classifier_factory(name, {})
