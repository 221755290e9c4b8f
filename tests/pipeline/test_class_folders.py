"""Data parameters of a folder a class, and of stored trajectories: identify, keep, train on."""

from __future__ import annotations

import csv
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from test_query import settings as query_settings
from typer.testing import CliRunner

from tinysieve.dataset.classes import DROPPED
from tinysieve.filtering.data_parameters.indexed_sgd import TableSettings
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.commands.data_parameters import commands
from tinysieve.pipeline.config.sections import config_of
from tinysieve.pipeline.engine.stages import Run, run_stages
from tinysieve.pipeline.experiments.class_folders import read_class_folders
from tinysieve.pipeline.experiments.folder_parameters import Learning, kept_of, read, stored, taught_rows, write
from tinysieve.pipeline.experiments.tempered_training import Pictures, Training, TrainingPlan
from tinysieve.pipeline.label_issues.stored_trajectories import keep_stored
from tinysieve.pipeline.stages.ingest import INGEST, samples_of, versions_of

COLOURS = {"blue": (20, 40, 200), "green": (30, 190, 40), "red": (200, 30, 30)}
WRONG = {"red/0.png", "red/1.png", "green/0.png", "blue/0.png"}


def write_folders(folder: Path, count: int = 24, wrong: Collection[str] = WRONG) -> None:
    """Noisy pictures of three colours; those in `wrong` have another class's colour."""
    rng, names = np.random.default_rng(0), list(COLOURS)
    for number, (name, colour) in enumerate(COLOURS.items()):
        (folder / name / "deep").mkdir(parents=True)
        for picture in range(count):
            file = f"{name}/{picture}.png"
            shown = COLOURS[names[(number + 1) % 3]] if file in wrong else colour
            noise = rng.integers(0, 50, (20, 24, 3)) + np.array(shown) * 0.8
            Image.fromarray(noise.astype(np.uint8)).save(folder / file)
    (folder / "red" / f"{min(5, count - 1)}.png").rename(folder / "red" / "deep" / "5.jpg")
    (folder / "red" / "notes.txt").write_text("not a picture")
    (folder / "empty").mkdir()


def silent(done: int, total: int) -> None:
    return None


def test_every_picture_below_a_class_is_read_and_what_cannot_be_is_named(tmp_path: Path) -> None:
    write_folders(tmp_path)
    whole = (tmp_path / "green/3.png").read_bytes()
    (tmp_path / "green/3.png").write_bytes(whole[:60])
    made = read_class_folders(tmp_path, 16, silent)
    assert made.classes == ("blue", "green", "red")
    assert made.images.shape == (71, 16, 16, 3)
    assert [path for path, _ in made.unread] == ["green/3.png"]
    assert "red/deep/5.jpg" in made.paths
    for path, label in zip(made.paths, made.labels, strict=True):
        assert path.startswith(made.classes[label])
    with pytest.raises(InputError, match="0 folders with pictures"):
        read_class_folders(tmp_path / "empty", 16, silent)
    with pytest.raises(InputError, match="no such folder"):
        read_class_folders(tmp_path / "absent", 16, silent)


def test_the_command_learns_on_pixels_and_reads_again_at_another_epoch(tmp_path: Path) -> None:
    write_folders(tmp_path / "photos")
    asked = ["--images", str(tmp_path / "photos"), "--side", "16", "--batch-size", "8", "--instance-rate", "4", "--json"]
    learnt = CliRunner().invoke(commands, [*asked, "--epochs", "12", "--out", str(tmp_path / "out")], catch_exceptions=False)
    assert learnt.exit_code == 0, learnt.output
    counts = json.loads(learnt.stdout)
    assert counts == json.loads((tmp_path / "out/data-parameters.json").read_text())
    table = pq.read_table(tmp_path / "out/triage.parquet")
    taught = set(table["filepath"].to_pylist()) & WRONG
    assert table.num_rows == counts["samples"] == 65
    assert taught
    assert set(table["filepath"].to_pylist()[: len(taught)]) == taught
    pages = {path.name for path in (tmp_path / "out/pictures").iterdir()}
    assert {f"rows-{name}.png" for name in COLOURS} <= pages
    again = CliRunner().invoke(commands, [*asked, "--from", str(tmp_path / "out"), "--read-epoch", "6", "--keep", "0.8",
                                          "--out", str(tmp_path / "again")], catch_exceptions=False)
    assert json.loads(again.stdout)["read_after_epoch"] == 6
    with (tmp_path / "again/kept.csv").open(newline="") as file:
        kept = [row["filepath"] for row in csv.DictReader(file)]
    assert len(kept) == round(0.8 * 65) + 7
    assert not taught & set(kept)


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pictures each training learnt from, in turn; of 24 test pictures half are right, and one more for each epoch.

    The real training is run by the CIFAR experiment's tests, through the same function.
    """
    seen: list[int] = []

    def taught(teach: Pictures, held_out: Pictures, test: Pictures, plan: TrainingPlan, *others: object) -> Training:
        seen.append(len(teach.labels))
        assert len(test.labels) == 24
        accuracy = (12 + np.arange(plan.epochs)[::-1]) / 24
        return Training(accuracy, np.zeros((plan.epochs, len(held_out.labels)), np.float32), np.ones((1, 1), np.float16))

    monkeypatch.setattr("tinysieve.pipeline.experiments.retraining.train", taught)
    monkeypatch.setattr("tinysieve.pipeline.experiments.folder_retraining.load_keras", lambda: None)
    monkeypatch.setattr("tinysieve.pipeline.pictures.trajectories.draw_triage", lambda *shown: None)
    return seen


def test_a_folder_is_trained_on_all_and_on_the_kept_and_judged_on_another(tmp_path: Path, trainings: list[int]) -> None:
    write_folders(tmp_path / "photos")
    write_folders(tmp_path / "others", 8, wrong=())
    # In any order, so that pictures of each class are kept.
    np.save(tmp_path / "t.npy", np.random.default_rng(0).random((65, 3)).astype(np.float16))
    asked = ["--images", str(tmp_path / "photos"), "--side", "16", "--batch-size", "8", "--epochs", "4", "--from",
             str(tmp_path / "t.npy"), "--read-epoch", "2", "--test", str(tmp_path / "others"), "--out", str(tmp_path / "out")]

    def judged(keep: float, *more: str) -> Any:
        return CliRunner().invoke(commands, [*asked, "--keep", str(keep), *more], catch_exceptions=False).stdout

    made = json.loads(judged(0.8, "--json"))["retraining"]
    assert made == json.loads((tmp_path / "out/retrained.json").read_text())
    assert (made["taught"], made["kept"], made["test_pictures"]) == (65, 52, 24)
    assert made["test_accuracy"] == {name: {"last": 12 / 24, "best": 15 / 24} for name in ("without", "retrained")}
    assert trainings == [65, 52]
    told = judged(0.6)
    # The training on all pictures had finished, and is read.
    assert trainings == [65, 52, 39]
    assert "accuracy on 24 test pictures after the last epoch" in told
    # Wilson's interval of 12 of 24.
    assert "all       65 pictures: 50.0 % (95 %: 31.4 to 68.6 %)" in told
    assert "kept      39 pictures: " in told


def test_a_test_folder_that_cannot_judge_is_refused_before_anything_is_learnt(tmp_path: Path) -> None:
    write_folders(tmp_path / "photos")
    asked = ["--images", str(tmp_path / "photos"), "--out", str(tmp_path / "out")]

    def refused(match: str, *options: str) -> None:
        with pytest.raises(InputError, match=match):
            CliRunner().invoke(commands, [*asked, *options], catch_exceptions=False)
        assert not (tmp_path / "out").exists()

    refused("--test needs --images and --keep", "--test", str(tmp_path / "photos"))
    refused("--test is the folder that teaches", "--keep", "0.6", "--test", str(tmp_path / "photos" / ".." / "photos"))
    write_folders(tmp_path / "others", 2, wrong=())
    (tmp_path / "others/red").rename(tmp_path / "others/rouge")
    refused("class 'rouge' of the test pictures teaches nothing", "--keep", "0.6", "--test", str(tmp_path / "others"))
    (tmp_path / "others/rouge").rename(tmp_path / "others/red")
    (tmp_path / "others/red/0.png").write_bytes((tmp_path / "others/red/0.png").read_bytes()[:60])
    refused("1 test pictures cannot be read", "--keep", "0.6", "--test", str(tmp_path / "others"))


def test_trajectories_of_another_seed_and_a_lost_class_are_refused(tmp_path: Path, trainings: list[int]) -> None:
    write_folders(tmp_path / "photos")
    given = read_class_folders(tmp_path / "photos", 16, silent)
    settings = [Learning(TrainingPlan("small", 3, 8, 0.1, seed), TableSettings(), None, 0.1, "tsne_plots") for seed in (0, 1)]
    rows, _ = taught_rows(given, settings[0])
    hot = np.ones((65, 3), np.float16)
    hot[given.labels[rows] == 1] = 9
    np.save(tmp_path / "trajectories.npy", hot)
    made = read(given, settings[0], stored(given, settings[0], tmp_path), 2)
    write(given, settings[0], made, tmp_path)
    assert len(stored(given, settings[0], tmp_path / "trajectories.npy")) == 65
    with pytest.raises(InputError, match=r"row \d+ of the trajectories is .*, not "):
        stored(given, settings[1], tmp_path)
    with pytest.raises(InputError, match=r"--keep 0\.6 leaves nothing of green"):
        kept_of(given, made, 0.6, per_class=False)
    assert kept_of(given, made, 0.6, per_class=True).sum() == sum(round(0.6 * n) for n in np.bincount(given.labels[rows]))


def ingested(folder: Path) -> Run:
    config = config_of(query_settings(folder))
    run = Run(config, config.run)
    run_stages(run, (INGEST,), lambda status: None)
    return run


@pytest.mark.parametrize(("level", "of_first_class"), [("dataset", 4), ("class", 6)])
def test_stored_trajectories_make_a_version_that_undo_takes_back(tmp_path: Path, level: str, of_first_class: int) -> None:
    run = ingested(tmp_path)
    samples, store = samples_of(run), versions_of(run)
    rows = np.flatnonzero(samples.in_split("train"))
    labels = samples.labels[rows]
    trajectories = np.ones((len(rows), 4), np.float16)
    # After the third epoch six of the first class and two of the other are the most suspect.
    hot = np.concatenate([np.flatnonzero(labels == 0)[:6], np.flatnonzero(labels == 1)[:2]])
    trajectories[hot, 2] = np.linspace(9, 2, 8)
    np.save(tmp_path / "t.npy", trajectories)
    kept = keep_stored(run, tmp_path / "t.npy", 3, 0.6, level)  # type: ignore[arg-type]
    assert (kept.samples, kept.kept, kept.by_class["background"]) == (20, 12, (10, of_first_class))
    gone = rows[store.load("HEAD").labels[rows] == DROPPED]
    assert len(gone) == 8
    if level == "dataset":
        assert set(gone) == set(rows[hot])
    assert store.undo().id == store.load("0").id


def test_trajectories_of_others_and_shares_of_nothing_are_refused(tmp_path: Path) -> None:
    run = ingested(tmp_path)
    np.save(tmp_path / "t.npy", np.ones((19, 4), np.float16))
    with pytest.raises(InputError, match="trajectories of 19 samples, but there are 20"):
        keep_stored(run, tmp_path / "t.npy", 1, 0.5, "dataset")
    with pytest.raises(InputError, match="not between 0 and 1"):
        keep_stored(run, tmp_path / "t.npy", 1, 1.0, "dataset")
    samples = samples_of(run)
    rows = np.flatnonzero(samples.in_split("train"))
    trajectories = np.ones((20, 4), np.float16)
    trajectories[samples.labels[rows] == 0] = 9
    np.save(tmp_path / "t.npy", trajectories)
    with pytest.raises(InputError, match="leaves nothing of background"):
        keep_stored(run, tmp_path / "t.npy", 1, 0.5, "dataset")
    ids = samples.sample_ids.take(pa.array(rows)).to_pylist()
    pq.write_table(pa.table({"sample_id": [*ids[1:], ids[0]], "trajectory_row": np.arange(20)}), tmp_path / "triage.parquet")
    with pytest.raises(InputError, match=f"row 0 of the trajectories is {ids[1]}, not {ids[0]}"):
        keep_stored(run, tmp_path / "t.npy", 1, 0.5, "class")
    assert versions_of(run).load("HEAD").id == versions_of(run).load("0").id


@pytest.mark.parametrize("options", [["--from", "t.npy"], ["--read-epoch", "3"], ["--keep", "0.5"]])
def test_steps_that_need_each_other_say_so(options: list[str]) -> None:
    with pytest.raises(InputError, match=r"belong together|needs --from"):
        CliRunner().invoke(commands, options, catch_exceptions=False)
