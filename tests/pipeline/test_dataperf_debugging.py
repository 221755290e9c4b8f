"""`dataperf debugging` as a user of the original meets it, and orders that go to and fro between it and the review."""

from __future__ import annotations

import json
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pyarrow.csv as pacsv
import pytest
from debugging_folder import DATA_ID, TRAIN, WRONG, write_folder, write_lines
from tiny_run import TinyRun

from tests.command_here import tinysieve
from tinysieve.dataperf.baselines.ranker import load_evidence
from tinysieve.dataperf.debugging_setup import DebuggingSetup, TaskSetup
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.config.read import load_config
from tinysieve.pipeline.dataperf.rankings import RANKINGS, _wrong_probability
from tinysieve.pipeline.engine.stages import Run
from tinysieve.pipeline.review.order import queue_in_order, save_queue_as_submission
from tinysieve.pipeline.stages.ingest import samples_of
from tinysieve.pipeline.stages.policy import REVIEW_QUEUE


def debugging(folder: Path, *arguments: str) -> CompletedProcess[str]:
    return tinysieve("dataperf", "debugging", *arguments, folder=folder)


def test_from_a_folder_to_pictures(tmp_path: Path) -> None:
    write_folder(tmp_path)
    made = debugging(tmp_path, "create-baselines", "--json")
    assert made.returncode == 0, made.stderr
    assert [Path(path).name for path in json.loads(made.stdout)] == [
        f"{DATA_ID}_random.txt", f"{DATA_ID}_neighbor_shapley (datascope).txt"]
    scored = debugging(tmp_path)
    assert scored.returncode == 0, scored.stderr
    assert scored.stdout.startswith(f"On task [{DATA_ID}]: Accuracy before cleaning: 0.")
    result = json.loads((tmp_path / "results" / f"{DATA_ID}_evaluation.json").read_text())
    assert len(result["submitted_evaluations"]) == 2 * TRAIN
    drawn = debugging(tmp_path, "plot", "--json")
    assert drawn.returncode == 0, drawn.stderr
    starts = {".png": b"\x89PNG", ".svg": b"<?xml"}
    paths = [tmp_path / path for path in json.loads(drawn.stdout)]
    assert len(paths) == 4
    assert all(path.read_bytes().startswith(starts[path.suffix]) for path in paths)


def test_a_wrong_line_is_exit_code_2_after_all_else(tmp_path: Path) -> None:
    """With the bare argument `docker` and its setup file."""
    write_folder(tmp_path)
    (tmp_path / "task_setup.yml").rename(tmp_path / "task_setup_docker.yml")
    write_lines(tmp_path, "good", "0\n")
    write_lines(tmp_path, "bad", "0\n1\n-3\n")
    done = debugging(tmp_path, "docker")
    assert done.returncode == 2
    assert f"{DATA_ID}_bad.txt:3" in done.stderr
    assert list(json.loads((tmp_path / "results" / f"{DATA_ID}_evaluation.json").read_text())["auc_score"]) == ["good"]


@pytest.mark.parametrize("name", RANKINGS)
def test_our_rankings_find_planted_errors(tmp_path: Path, name: str) -> None:
    evidence = load_evidence(*_first(write_folder(tmp_path)))
    order = RANKINGS[name](evidence, np.random.default_rng(0))
    assert sorted(order) == list(range(TRAIN))
    assert (order[:WRONG] < WRONG).mean() > 0.6
    np.testing.assert_array_equal(order, RANKINGS[name](evidence, np.random.default_rng(0)))


def _first(setup: DebuggingSetup) -> tuple[DebuggingSetup, TaskSetup]:
    return setup, setup.tasks[0]


def test_noise_of_one_class_is_found_as_such() -> None:
    """Looks say 0.9 or 0.1; all of class 1 keep their label and half of class 0 lost theirs: a 1 that looks like 0 is
    then almost surely wrong, a 0 that looks like 1 less so."""
    p_one = np.repeat([0.95, 0.05, 0.05, 0.95], [50, 50, 50, 1])
    given_one = np.repeat([True, True, False, False], [50, 50, 50, 1])
    wrong = _wrong_probability(p_one, given_one)
    assert wrong[50] > 0.9
    assert wrong[50] > wrong[150] > wrong[0]


@pytest.fixture
def run(tiny: TinyRun) -> Run:
    return Run(load_config(tiny.config), tiny.run)


def test_a_queue_goes_out_as_a_submission_and_comes_back(run: Run, tmp_path: Path) -> None:
    samples = samples_of(run)
    rows = np.flatnonzero(~samples.in_split("test"))[[3, 1, 2]]
    wanted = tmp_path / "mine.txt"
    wanted.write_text("".join(f"{row}\n" for row in [*rows, rows[0]]))
    mine = Run(run.config, tmp_path / "run")
    for name in ("ingest", "versions"):
        (tmp_path / "run").mkdir(exist_ok=True)
        (tmp_path / "run" / name).symlink_to(run.folder / name)
    queue = queue_in_order(mine, wanted)
    table = pacsv.read_csv(queue).to_pydict()
    assert table["sample_id"] == samples.sample_ids.take(rows.tolist()).to_pylist()
    assert table["reason"][0] == "place 1 in mine.txt"
    save_queue_as_submission(mine, queue, tmp_path / "back.txt")
    assert (tmp_path / "back.txt").read_text().split() == [str(row) for row in rows]
    assert queue.name == REVIEW_QUEUE.file


def test_a_test_row_in_an_order_is_refused_with_its_line(run: Run, tmp_path: Path) -> None:
    samples = samples_of(run)
    train, test = (int(np.flatnonzero(samples.in_split(name))[0]) for name in ("train", "test"))
    order = tmp_path / "order.txt"
    order.write_text(f"{train}\n{test}\n")
    with pytest.raises(InputError, match="test split") as caught:
        queue_in_order(run, order)
    assert caught.value.where == f"{order}:2"
