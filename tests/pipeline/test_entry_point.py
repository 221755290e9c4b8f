"""The challenge's entry point: arguments, recipes, errors, exit codes, and the line that the challenge reads."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_run import ROOT, TinyRun, make_images

import data_centric_track as entry
from tinysieve.pipeline.engine.stages import run_stages
from tinysieve.pipeline.stages.ingest import INGEST, INGEST_FACTS, samples_of
from tinysieve.pipeline.stages.recipes import recipe_of


def test_help_loads_nothing_heavy() -> None:
    code = ("import sys, data_centric_track as entry\n"
            "try: entry.arguments(['--help'])\nexcept SystemExit: pass\n"
            "print([name for name in ('tensorflow', 'keras', 'torch', 'cv2', 'numpy') if name in sys.modules])")
    seen = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert seen.stdout.splitlines()[-1] == "[]"
    assert "--recipe" in seen.stdout


def test_the_defaults_are_the_challenge() -> None:
    options = entry.arguments([])
    recipe = recipe_of(entry.open_run(options).config)
    assert (recipe.name, recipe.batch_size, recipe.epochs, recipe.comparable) == ("challenge-1", 512, 100, True)
    assert options.output.name == "wv_quality_mcunet-320kb-1mb_vww.tflite"


def test_other_epochs_are_another_recipe() -> None:
    recipe = recipe_of(entry.open_run(entry.arguments(["--recipe", "seed", "--epochs", "14"])).config)
    assert (recipe.name, recipe.comparable) == ("seed+epochs=14", False)


@pytest.mark.parametrize(("argv", "words"), [
    (["--epochs", "0"], "--epochs: Input should be greater than or equal to 1"),
    (["--seed", "99999999999999999999"], "--seed: Input should be less than or equal to 4294967295"),
    (["--holdout", "3"], "--holdout: Input should be less than or equal to 1"),
    (["--dataset", "nowhere"], "image folder nowhere does not exist"),
    (["--output", "nowhere/model.tflite"], "nowhere is not a folder"),
])
def test_a_users_mistake_is_exit_code_2_without_a_traceback(
    argv: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert entry.main(argv) == 2
    assert words in capsys.readouterr().err


def test_a_split_without_a_folder_is_named_and_drawn_on_demand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_images(tmp_path / "data")
    shutil.rmtree(tmp_path / "data/test")
    monkeypatch.chdir(tmp_path)
    assert entry.main([]) == 2
    said = capsys.readouterr().err
    assert "there is no folder for the split 'test'" in said
    assert "--holdout 0.1" in said
    run = entry.open_run(entry.arguments(["--holdout", "0.25"]))
    run_stages(run, (INGEST,), lambda status: None)
    assert INGEST_FACTS.of(run).drawn == ("test",)
    # A quarter of 12 photos of each class.
    assert int(samples_of(run).in_split("test").sum()) == 6
    entry.say_drawn(run)
    assert "drawn from train" in capsys.readouterr().err


def test_it_writes_the_model_and_the_challenges_line(tiny: TinyRun, tmp_path: Path) -> None:
    """The finished tiny run is the work folder, so only conversion and evaluation are left to do."""
    shutil.copytree(tiny.run, tmp_path / "work")
    command = [sys.executable, "data_centric_track.py", "--dataset", str(tiny.images), "--recipe", "demo", "--epochs", "2",
               "--batch-size", "16", "--seed", "0", "--work", str(tmp_path / "work"), "--output", str(tmp_path / "m.tflite")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "skip train-baseline: up to date" in done.stderr
    assert re.search(r"^Tflite model test accuracy: [01]\.\d+$", done.stdout, re.MULTILINE)
    model = (tmp_path / "m.tflite").read_bytes()
    assert model[4:8] == b"TFL3"
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert [line for line in again.stderr.splitlines() if line.startswith("run ")] == []
    assert again.stdout == done.stdout
    assert (tmp_path / "m.tflite").read_bytes() == model
