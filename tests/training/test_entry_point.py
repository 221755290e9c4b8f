"""The challenge's entry point, but for the training itself: arguments, recipes, errors, exit codes, progress."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

import data_centric_track as entry

SCRIPT = Path(entry.__file__)


def test_help_is_fast_and_loads_nothing_heavy():
    code = (
        "import sys, data_centric_track as entry\n"
        "try: entry.arguments(['--help'])\nexcept SystemExit: pass\n"
        "print([name for name in ('tensorflow', 'keras', 'torch', 'cv2', 'numpy') if name in sys.modules])"
    )
    started = time.monotonic()
    seen = subprocess.run([sys.executable, "-c", code], cwd=SCRIPT.parent, capture_output=True, text=True, check=True)
    assert seen.stdout.splitlines()[-1] == "[]"
    assert "--recipe" in seen.stdout
    assert time.monotonic() - started < 5


def test_the_defaults_are_the_challenge():
    recipe = entry.chosen_recipe(entry.arguments([]))
    assert (recipe.name, recipe.batch_size, recipe.epochs, recipe.comparable) == ("challenge-1", 512, 100, True)
    assert entry.arguments([]).output.name == "wv_quality_mcunet-320kb-1mb_vww.tflite"


def test_other_epochs_are_another_recipe():
    recipe = entry.chosen_recipe(entry.arguments(["--recipe", "seed", "--epochs", "14"]))
    assert (recipe.name, recipe.comparable) == ("seed+epochs=14", False)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--recipe", "best"], "recipe 'best' does not exist"),
        (["--epochs", "0"], "epochs = 0"),
        (["--dataset", "nowhere"], "0 folders named train"),
        (["--output", "nowhere/model.tflite"], "nowhere is not a folder"),
    ],
)
def test_a_users_mistake_is_exit_code_2_without_a_traceback(argv, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert entry.main(argv) == 2
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_rate_leaves_start_up_out(capsys, monkeypatch):
    clock = iter([0.0, 100.0, 101.0, 140.0])
    monkeypatch.setattr(entry.time, "monotonic", lambda: next(clock))
    show = entry.console("train")
    for done in (0, 10, 20, 410):
        show(done, 410)
    assert "410 of 410 images, 10 images/s" in capsys.readouterr().err
