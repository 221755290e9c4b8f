"""The last of the published steps: the same training on all labels and on the kept ones, each judged on true labels."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinysieve.filtering.data_parameters.temperatures import Temperatures
from tinysieve.filtering.data_parameters.trajectories import TrajectoryLog
from tinysieve.ground.atomic_files import write_text
from tinysieve.pipeline.experiments.tempered_training import Pictures, TrainingPlan, train

Bar = AbstractContextManager[Callable[[int, int], None]]
ProgressBars = Callable[[str, str], Bar]

# Names of the two trainings, and of their folders.
WITHOUT, RETRAINED = "without", "retrained"
ACCURACY = "accuracy.json"


def train_before_and_after(
    teach: Pictures, kept: NDArray[np.bool_], held_out: Pictures, test: Pictures, plan: TrainingPlan, folder: Path,
    bars: ProgressBars,
) -> dict[str, dict[str, float]]:
    """Train from scratch on all labels and on the kept, both without data parameters; a killed training goes on.

    A finished training is read, so that another choice repeats only the second.

    Args:
        teach: N pictures with given labels.
        kept: bool [N], those of the second training.
        held_out: pictures that teach nothing.
        test: true labels.
        plan: of both; the kept ones make fewer steps, since both have the same epochs.
        folder: receives the states, one folder a training.
        bars: makes a progress callback from a title and a unit.

    Returns:
        Test accuracy in [0, 1] of each training: `last` after the last epoch, `best` after the one that the test set likes best.
    """
    made = {}
    for name, rows in ((WITHOUT, np.ones_like(kept)), (RETRAINED, kept)):
        pictures = Pictures(teach.images[rows], teach.labels[rows], teach.classes)
        accuracies = _accuracies(pictures, held_out, test, plan, folder / name, partial(bars, name))
        made[name] = {"last": accuracies[-1], "best": max(accuracies)}
    return made


def _accuracies(teach: Pictures, held_out: Pictures, test: Pictures, plan: TrainingPlan, folder: Path,
                bar: Callable[[str], Bar]) -> list[float]:
    """Test accuracy after each epoch, from the file of the same training where it has finished."""
    identity, file = _identity(teach, test, plan), folder / ACCURACY
    stored = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    if stored.get("identity") == identity:
        return [float(value) for value in stored["test_accuracy"]]
    log = TrajectoryLog(folder, identity, len(teach.labels), plan.epochs)
    with bar("epochs") as report:
        made = train(teach, held_out, test, plan, Temperatures.start(len(teach.labels), teach.classes, None, None), log, report)
    accuracies = made.test_accuracy.tolist()
    write_text(file, json.dumps({"identity": identity, "test_accuracy": accuracies}) + "\n")
    return accuracies


def _identity(teach: Pictures, test: Pictures, plan: TrainingPlan) -> str:
    digest = hashlib.blake2b(json.dumps(asdict(plan), sort_keys=True).encode(), digest_size=16)
    for pictures in (teach, test):
        digest.update(pictures.labels.tobytes())
        digest.update(np.ascontiguousarray(pictures.images).tobytes())
    return digest.hexdigest()
