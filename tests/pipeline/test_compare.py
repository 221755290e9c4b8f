"""Two finished runs side by side: what differs, and whether it is chance; refused where the tests are not the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from report_run import TEST, UNLABELED_IMAGES, decide, make_images, make_run, record_again
from typer.testing import CliRunner

from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.versions import first_version
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.commands.compare import commands
from tinysieve.pipeline.compare.run_comparison import RunComparison, compare_runs
from tinysieve.pipeline.compare.shared_images import counted
from tinysieve.pipeline.console.comparison import comparison_text
from tinysieve.pipeline.engine.stages import Run
from tinysieve.pipeline.stages.ingest import SAMPLES, samples_of, version_store, versions_of
from tinysieve.pipeline.stages.recorded_run import open_recorded


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The mended model is wrong on the first two test images only."""
    folder = tmp_path_factory.mktemp("compared")
    return make_run(folder / "a", make_images(folder))


@pytest.fixture
def other(run: Run, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run.folder, tmp_path / "b", ignore=shutil.ignore_patterns("*.npy.tmp", ".lock")))


def compared(a: Path, b: Path) -> RunComparison:
    return compare_runs(open_recorded(a), open_recorded(b), np.random.default_rng(0))


def edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    record_again(path.parent)


def answer(folder: Path, right: np.ndarray, order: np.ndarray | None = None) -> None:
    """Make the mended model of a run right on these test images (bool [N]), stored in this order."""
    samples = SampleTable.load(folder / "ingest/samples.parquet")
    rows = np.flatnonzero(samples.in_split("test"))
    answers = np.where(right, samples.labels[rows], 1 - samples.labels[rows])
    logits = np.where(np.arange(2) == answers[:, None], 2, -2).astype(np.float32)
    order = np.arange(len(rows)) if order is None else order
    np.savez(folder / "verify/logits.npz", rows=rows[order], int8=logits[order], baseline=logits[order])
    record_again(folder / "verify")


def change_samples(folder: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    path = folder / "ingest/samples.parquet"
    SampleTable(change(SampleTable.load(path).table)).save(path)
    record_again(path.parent)


def test_a_run_does_not_differ_from_itself(run: Run) -> None:
    found = compared(run.folder, run.folder)
    assert [found.recipe, found.settings, found.model, found.verdict, found.data.trained] == [()] * 5
    assert found.refused == ""
    assert found.data.common == len(samples_of(run))
    assert found.significance is not None
    assert found.significance.same_answer == TEST
    one = found.significance.b_against_a
    assert (one.difference, one.mcnemar.p_value, one.better, one.worse) == (0.0, 1.0, False, False)
    assert "both models give the same predictions" in comparison_text(found)


def test_significance_has_the_exact_p_and_its_mirror(run: Run, other: Path) -> None:
    """A is wrong on 8 of 12, B on none: 8 discordant images, p = 2 * 0.5^8."""
    mine = Path(shutil.copytree(run.folder, other.with_name("a")))
    answer(mine, np.arange(TEST) >= 8)
    answer(other, np.full(TEST, True))
    forth, back = compared(mine, other).significance, compared(other, mine).significance
    assert forth is not None
    assert back is not None
    one, mirror = forth.b_against_a, back.b_against_a
    assert one.difference == pytest.approx(8 / 12)
    assert one.mcnemar.p_value == pytest.approx(2 * 0.5**8)
    assert (one.mcnemar.only_first_right, one.mcnemar.only_second_right, one.better, one.worse) == (0, 8, True, False)
    assert mirror.difference == -one.difference
    assert (mirror.mcnemar.only_first_right, mirror.better, mirror.worse) == (8, False, True)


def test_a_model_with_one_answer_is_named_beside_the_result(run: Run, other: Path) -> None:
    samples = samples_of(run)
    answer(other, samples.labels[samples.in_split("test")] == 1)
    found = compared(run.folder, other)
    assert found.significance is not None
    assert "B answers person for every image" in found.significance.one_answer
    assert "B answers person for every image: the difference does not measure the labels" in comparison_text(found)


def test_the_order_of_stored_answers_does_not_matter(run: Run, other: Path) -> None:
    """The same answers, stored in another order of the images, are no difference on any image."""
    answer(other, np.arange(TEST) >= 2, np.random.default_rng(1).permutation(TEST))
    one = compared(run.folder, other).significance
    assert one is not None
    assert one.same_answer == TEST


def test_other_tests_are_refused_with_a_reason(run: Run, other: Path) -> None:
    first = int(np.flatnonzero(samples_of(run).in_split("test"))[0])

    def relabel(table: pa.Table) -> pa.Table:
        labels = table["label"].to_pylist()
        labels[first] = "background" if labels[first] == "person" else "person"
        return table.set_column(table.column_names.index("label"), "label", pa.array(labels, table["label"].type))

    change_samples(other, relabel)
    found = compared(run.folder, other)
    assert found.significance is None
    assert "0 test images only in A, 0 only in B, 1 with another label" in found.refused
    assert [(one.split, one.a != one.b) for one in found.data.as_ingested] == [("test", True)]
    assert "not comparable: the frozen test splits differ" in comparison_text(found)


def test_images_of_one_run_alone_are_counted_by_split(run: Run, other: Path) -> None:
    """B's table ends before A's unlabeled images and its last two test images."""
    keep = len(samples_of(run)) - UNLABELED_IMAGES
    rows = [row for row in range(len(samples_of(run)))
            if samples_of(run).table["split"][row].as_py() != "unlabeled"]
    tests = [row for row in rows if samples_of(run).table["split"][row].as_py() == "test"]
    kept = [row for row in rows if row not in tests[-2:]]
    assert len(rows) == keep
    change_samples(other, lambda table: table.take(pa.array(kept)))
    shutil.rmtree(other / "versions")
    first = first_version(SAMPLES.of_folder(other))
    version_store(other).adopt(first)
    edit(other / "train-mended/train-mended.json", lambda one: one.update(version=first.id))
    answer(other, np.full(TEST - 2, True))
    found = compared(run.folder, other)
    assert (found.data.only_a, found.data.only_b) == ({"test": 2, "unlabeled": UNLABELED_IMAGES}, {})
    assert "2 test images only in A" in found.refused


def test_labels_recipe_settings_model_and_verdict_are_named(run: Run, other: Path) -> None:
    """B was trained on the original labels: the six decisions of `decide` are what A has more."""
    root = versions_of(run).resolve("0")
    edit(other / "train-mended/train-mended.json", lambda one: one.update(version=root))
    edit(other / "train-mended/train-mended.json", lambda one: one["recipe"].update(epochs=9))
    record_again(other / "detect", settings={"kind": "boxes"})
    edit(other / "verify/verify.json", lambda one: one["budgets"][1].update(met=True))
    (other / "quantize-mended/model.tflite").write_bytes(b"another")
    record_again(other / "quantize-mended")
    found = compared(run.folder, other)
    assert counted(found.data.trained) == {"background -> person": 2, "person -> no label": 2, "person -> background": 1,
                                           "dropped -> background": 1}
    assert len(found.data.trained) == len(decide(samples_of(run), versions_of(run).load("0")))
    assert [(one.name, one.a, one.b) for one in found.recipe] == [("epochs", 3, 9)]
    assert [(one.name, one.b) for one in found.settings] == [("detect.settings.kind", "boxes")]
    assert [one.name for one in found.model] == ["sha256"]
    assert [(one.name, one.a, one.b) for one in found.verdict] == [("gates.arena", "missed", "met")]
    text = comparison_text(found)
    assert "epochs  3 -> 9" in text
    assert "gates.arena  missed -> met" in text
    assert json.loads(json.dumps(found.to_json()))["significance"]["b_against_a"]["better"] is False


def test_folders_that_are_no_finished_run_are_refused(run: Run, other: Path) -> None:
    with pytest.raises(InputError, match="no such run folder"):
        open_recorded(other / "nowhere")
    record_again(other / "verify", needs={"ingest": "another"})
    with pytest.raises(InputError, match="'verify' is older than stage 'ingest'"):
        open_recorded(other)
    (other / "policy/stage.json").write_text("{}")
    with pytest.raises(InputError, match="record cannot be read"):
        open_recorded(other)
    shutil.rmtree(other / "policy")
    with pytest.raises(InputError, match="stage 'policy' has not finished"):
        open_recorded(other)


def test_the_command_prints_json(run: Run) -> None:
    done = CliRunner().invoke(commands, [str(run.folder), str(run.folder), "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["data"]["common"] == len(samples_of(run))
