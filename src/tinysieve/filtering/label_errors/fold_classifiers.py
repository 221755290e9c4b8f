"""Out-of-fold probabilities by any classifier: scikit-learn's, skorch's nets, Keras models, or a user's own.

The protocol is the two methods that all of them have; what builds a fresh, untrained classifier is given, so that no fold
can learn from another.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tinysieve.filtering.label_errors.fold_moments import FloatArray, IntArray
from tinysieve.filtering.label_errors.out_of_fold import assign_folds, check_rows
from tinysieve.filtering.label_errors.probability_matrix import check_probabilities
from tinysieve.ground.errors import InputError

# Rows that are in memory at a time while a classifier is asked.
ASKED_AT_A_TIME = 4096


class Classifier(Protocol):
    """What learns from float32 features [n, ...] and int64 labels [n], and then gives probabilities."""

    def fit(self, features: FloatArray, labels: IntArray) -> Any:
        """Learn; every class 0..K-1 is among the labels."""
        ...

    def predict_proba(self, features: FloatArray) -> NDArray[np.floating]:
        """float [n, K], rows sum to 1, columns in the order of the class numbers."""
        ...


Remember = Callable[[int, Callable[[], FloatArray]], FloatArray]


def forget(fold: int, work: Callable[[], FloatArray]) -> FloatArray:
    """Keeps nothing: every fold is worked out."""
    return work()


def cross_validated_probabilities(
    make: Callable[[], Classifier],
    features: NDArray[np.floating],
    labels: NDArray[np.integer],
    classes: int,
    folds: int,
    rng: np.random.Generator,
    *,
    groups: NDArray[np.integer] | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> FloatArray:
    """P(class) of every row by classifiers that have not seen its label; unlabelled rows get the mean of all.

    Args:
        make: builds a fresh classifier; called once a fold.
        features: float [N, D]; each fold's rows are copied to float32.
        labels: int [N], each 0..classes-1, negative for unlabelled.
        classes: K.
        folds: parts, at least 2.
        rng: who is in which fold.
        groups: int [N]; rows with the same number stay in one fold.
        progress: told (done, total) folds.

    Returns:
        float32 [N, K].

    Raises:
        InputError: too few samples for the folds, or the classifier gives something else than probabilities.
    """
    check_rows(features.reshape(len(features), -1), labels, groups)
    return folded(make, lambda rows: np.asarray(features[rows], np.float32), labels, classes, folds, rng, groups=groups,
                  progress=progress)


def folded(
    make: Callable[[], Classifier],
    read: Callable[[IntArray], NDArray[Any]],
    labels: NDArray[np.integer],
    classes: int,
    folds: int,
    rng: np.random.Generator,
    *,
    groups: NDArray[np.integer] | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    remember: Remember = forget,
) -> FloatArray:
    """As `cross_validated_probabilities`, from rows that are read when a fold needs them.

    Args:
        make, labels, classes, folds, rng, groups, progress: as there.
        read: gives what the classifier takes for rows int64 [n]: features, or pictures.
        remember: given a fold's number and its work, which returns the answers of the fold; may know them from before.
    """
    fold_of = assign_folds(labels, folds, rng, groups, [f"class {label}" for label in range(classes)])
    free = np.flatnonzero(labels < 0)
    probabilities = np.zeros((len(labels), classes), np.float32)

    def answers(fold: int) -> FloatArray:
        mine = fold_of == fold
        taught, asked = np.flatnonzero((labels >= 0) & ~mine), np.flatnonzero((labels >= 0) & mine)
        classifier = make()
        classifier.fit(read(taught), labels[taught].astype(np.int64))
        return np.concatenate([_asked(classifier, read, rows, classes) for rows in (asked, free) if len(rows)])

    for fold in range(folds):
        asked = np.flatnonzero((labels >= 0) & (fold_of == fold))
        given = remember(fold, partial(answers, fold))
        probabilities[asked] = given[: len(asked)]
        probabilities[free] += given[len(asked):] / np.float32(folds)
        progress(fold + 1, folds)
    return probabilities


def _asked(classifier: Classifier, read: Callable[[IntArray], NDArray[Any]], rows: IntArray, classes: int) -> FloatArray:
    name, pieces = type(classifier).__name__, []
    for start in range(0, len(rows), ASKED_AT_A_TIME):
        some = rows[start:start + ASKED_AT_A_TIME]
        given = np.asarray(classifier.predict_proba(read(some)))
        if given.shape != (len(some), classes):
            raise InputError(f"{name}.predict_proba gave {list(given.shape)}, expected [{len(some)}, {classes}]",
                             why="one column a class, in the order of the class numbers", fix="end the model with a unit a class")
        check_probabilities(given, f"{name}.predict_proba")
        pieces.append(given.astype(np.float32))
    return np.concatenate(pieces)
