"""The classifiers that sweeps train: closed-form ridge, or a small network that learns wrong labels by heart."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tinysieve.ground.errors import InputError
from tinysieve.pipeline.engine.quiet_imports import load_keras
from tinysieve.pipeline.experiments.problem import FoldedRidge, Labels, Learner, Problem

if TYPE_CHECKING:
    import keras

HIDDEN, EPOCHS, BATCH = 512, 10, 256
LEARNERS = ("network", "ridge")


def network_accuracy(problem: Problem, rows: NDArray[np.int64], labels: Labels, rng: np.random.Generator) -> float:
    """Test accuracy of a network with one hidden layer of 512, ten epochs of Adam: it has room to fit the noise too."""
    from tinysieve.filtering.label_errors.keras_classifier import KerasClassifier

    load_keras()
    import keras

    keras.utils.set_random_seed(int(rng.integers(2**31)))
    mean, deviation = problem.train[rows].mean(axis=0), problem.train[rows].std(axis=0) + 1e-6
    network = KerasClassifier(lambda: _network(problem.train.shape[1], problem.classes), EPOCHS, BATCH)
    network.fit(((problem.train[rows] - mean) / deviation).astype(np.float32), labels)
    predicted = network.predict_proba(((problem.test - mean) / deviation).astype(np.float32)).argmax(axis=1)
    return float((predicted == problem.test_labels).mean())


def _network(size: int, classes: int) -> keras.Model:
    import keras

    return keras.Sequential([keras.Input((size,)), keras.layers.Dense(HIDDEN, activation="relu"), keras.layers.Dense(classes)])


def learner_called(name: str, ridge: FoldedRidge) -> Learner:
    """The learner of that name, for the problem that `ridge` has folded.

    Raises:
        InputError: there is none.
    """
    check_learner(name)
    return ridge.accuracy if name == "ridge" else partial(network_accuracy, ridge.problem)


def check_learner(name: str) -> None:
    """Refuse an unknown learner before anything slow happens.

    Raises:
        InputError: there is none of that name.
    """
    if name not in LEARNERS:
        raise InputError(f"no learner '{name}'", fix="one of " + ", ".join(LEARNERS))
