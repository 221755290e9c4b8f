"""Data parameters of a folder a class, and of stored trajectories: identify, keep, train on."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from test_query import settings as query_settings
from typer.testing import CliRunner

from tinysieve.dataset.classes import DROPPED
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.commands.data_parameters import commands
from tinysieve.pipeline.config.sections import config_of
from tinysieve.pipeline.engine.stages import Run, run_stages
from tinysieve.pipeline.experiments.class_folders import read_class_folders
from tinysieve.pipeline.label_issues.stored_trajectories import keep_stored
from tinysieve.pipeline.stages.ingest import INGEST, samples_of, versions_of

COLOURS = {"blue": (20, 40, 200), "green": (30, 190, 40), "red": (200, 30, 30)}
WRONG = {"red/0.png", "red/1.png", "green/0.png", "blue/0.png"}


def write_folders(folder: Path, count: int = 24) -> None:
    """Noisy pictures of three colours; those in WRONG have another class's colour."""
    rng, names = np.random.default_rng(0), list(COLOURS)
    for number, (name, colour) in enumerate(COLOURS.items()):
        (folder / name / "deep").mkdir(parents=True)
        for picture in range(count):
            file = f"{name}/{picture}.png"
            shown = COLOURS[names[(number + 1) % 3]] if file in WRONG else colour
            noise = rng.integers(0, 50, (20, 24, 3)) + np.array(shown) * 0.8
            Image.fromarray(noise.astype(np.uint8)).save(folder / file)
    (folder / "red" / "5.png").rename(folder / "red" / "deep" / "5.jpg")
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


@pytest.mark.parametrize("options", [["--from", "t.npy"], ["--read-epoch", "3"], ["--keep", "0.5"]])
def test_steps_that_need_each_other_say_so(options: list[str]) -> None:
    with pytest.raises(InputError, match=r"belong together|needs --from"):
        CliRunner().invoke(commands, options, catch_exceptions=False)
