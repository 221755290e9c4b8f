"""A run is a function of data, recipe and seed: not of kills, not of threads, not of what ran before it."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.training.small_run import RECIPE, small_fit, small_images, small_network
from tinysieve.ground.errors import InputError
from tinysieve.training.checkpoint import load_weights, save_weights
from tinysieve.training.curves import read_history
from tinysieve.training.epochs import loss_and_accuracy, predict_logits
from tinysieve.training.fit import fit

# Keras reads TensorFlow's variables in a way that numpy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

ROOT = Path(__file__).resolve().parents[2]
RESULT_FILES = ("weights.npz", "state.npz", "history.jsonl")


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """The folder and the result of a run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("unbroken")
    return folder, small_fit(folder)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in RESULT_FILES}


def test_it_learns(unbroken):
    _, result = unbroken
    assert result.history[-1].train_loss < result.history[0].train_loss
    assert result.best_validation_accuracy == max(record.validation_accuracy for record in result.history)


def test_the_best_epoch_is_kept_and_the_first_of_equals(unbroken):
    _, result = unbroken
    accuracies = [record.validation_accuracy for record in result.history]
    assert result.best_epoch == 1 + accuracies.index(max(accuracies))
    model, (_, validation) = small_network(9), small_images()
    load_weights(model, result.weights_path)
    loss, accuracy = loss_and_accuracy(predict_logits(model, validation, lambda seen: None), validation.labels)
    best = result.history[result.best_epoch - 1]
    assert accuracy == best.validation_accuracy
    assert loss == pytest.approx(best.validation_loss, rel=1e-6)


def test_the_same_seed_gives_the_same_bytes(unbroken, tmp_path):
    folder, result = unbroken
    again = small_fit(tmp_path)
    assert bytes_of(tmp_path) == bytes_of(folder)
    assert again.history == result.history


def test_another_seed_gives_other_weights(unbroken, tmp_path):
    small_fit(tmp_path, seed=2)
    assert bytes_of(tmp_path)["weights.npz"] != bytes_of(unbroken[0])["weights.npz"]


@pytest.mark.parametrize("step", [0, 2, 4, 5, 7, 9, 12])
def test_stopping_at_any_step_changes_nothing(unbroken, tmp_path, step):
    calls = iter(range(step, -1, -1))

    def stop(done: int, total: int) -> None:
        if next(calls) == 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        small_fit(tmp_path, stop)
    small_fit(tmp_path)
    assert bytes_of(tmp_path) == bytes_of(unbroken[0])


def test_a_killed_process_is_continued_in_the_same_bytes(unbroken, tmp_path):
    def run(folder: Path, *more: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "tests.training.small_run", str(folder), *more]
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT / "src")}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(command, cwd=ROOT, env=environment, **pipes)

    killed = run(tmp_path / "killed", "wait")
    assert killed.stdout.readline() == b"now\n"
    killed.kill()
    killed.communicate()
    assert len(read_history(tmp_path / "killed")) == 1
    continued = run(tmp_path / "killed")
    continued.communicate()
    # Both processes were new: a model that served other trainings of this one before gives what theirs do.
    assert bytes_of(tmp_path / "killed") == bytes_of(unbroken[0])


def test_a_finished_run_is_not_run_again(unbroken):
    folder, result = unbroken
    seen = []
    assert small_fit(folder, lambda done, total: seen.append((done, total))) == result
    assert seen == [(3 * 40, 3 * 40)]


def test_progress_counts_images_of_all_epochs_and_their_validation(tmp_path):
    seen = []
    small_fit(tmp_path, lambda done, total: seen.append((done, total)))
    assert seen == [(0, 120)] + [(40 * epoch + done, 120) for epoch in range(3) for done in (8, 16, 24, 28, 40)]


def test_another_runs_state_is_not_continued(unbroken):
    folder, _ = unbroken
    with pytest.raises(InputError, match="another run"):
        small_fit(folder, seed=5)
    with pytest.raises(InputError, match="another run"):
        small_fit(folder, recipe=dataclasses.replace(RECIPE, rotation=0.1))


def test_a_loss_that_is_no_number_stops_the_run(tmp_path):
    def broken(seed: int):
        model = small_network(seed)
        model.set_weights([np.full_like(weight, np.nan) for weight in model.get_weights()])
        return model

    with pytest.raises(InputError, match="loss is not a number"):
        fit(*small_images(), RECIPE, 1, tmp_path, lambda done, total: None, build=broken)


def test_history_holds_no_durations(unbroken):
    folder, result = unbroken
    assert read_history(folder) == result.history
    assert "second" not in (folder / "history.jsonl").read_text()
    assert "seconds" in (folder / "timing.log.jsonl").read_text()


def test_weights_of_another_network_are_refused(tmp_path):
    import keras

    save_weights(small_network(1), tmp_path / "weights.npz")
    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="elsewhere")])
    with pytest.raises(InputError, match="not in both"):
        load_weights(other, tmp_path / "weights.npz")


def test_loss_and_accuracy_by_hand():
    logits = np.array([[0.0, 0.0], [0.0, 2.0], [0.0, 2.0]])
    loss, accuracy = loss_and_accuracy(logits, np.array([0, 1, 0]))
    softplus = np.log1p(np.exp(2.0))
    assert loss == pytest.approx((np.log(2) + (softplus - 2.0) + softplus) / 3)
    assert accuracy == pytest.approx(2 / 3)
