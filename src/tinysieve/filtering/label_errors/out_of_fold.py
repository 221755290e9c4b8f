"""P(positive class) of every image by a linear classifier that has not seen that image's own label.

Ridge regression in closed form: one pass over the features gathers each fold's Gram matrix, the model that leaves a fold
out is solved from the sum of the others (exact, no iterations), and a second pass scores. On VOC 2007 features it finds
planted errors as well as logistic regression does, and it streams: memory does not grow with the number of images.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.classes import PERSON_TASK
from tinysieve.filtering.label_errors.fold_moments import CHUNK, FloatArray, FoldMoments, IntArray, score
from tinysieve.ground.errors import InputError

PERSON_TARGET = np.array([[0], [1]], np.float32)


def out_of_fold_probabilities(
    embeddings: NDArray[np.floating],
    labels: NDArray[np.int8],
    folds: int,
    rng: np.random.Generator,
    *,
    groups: NDArray[np.integer] | None = None,
    chunk: int = CHUNK,
) -> FloatArray:
    """How probable it is that the *given* labels call an image positive, judged from its look alone.

    A labelled row is scored by the model of the other folds, an unlabelled row by the mean of all fold models. The ridge
    strength is the one with the least out-of-fold squared error; Platt's sigmoid (Platt 1999) on the out-of-fold scores
    makes probabilities. With noisy labels these are probabilities of the noisy label: at 25 % noise each way a sure
    positive gets about 0.75.

    Args:
        embeddings: float [N, D], may be a memory map.
        labels: int8 [N]: POSITIVE, NEGATIVE, below 0 for unlabelled (also rows that must not teach, such as test).
        folds: parts, at least 2.
        rng: who is in which fold.
        groups: int [N]; rows with the same number (near-duplicates) stay in one fold.
        chunk: rows in memory at a time.

    Returns:
        float32 [N] in (0, 1).

    Raises:
        InputError: shapes disagree, or a class has fewer labelled groups than there are folds.
    """
    check_rows(embeddings, labels, groups)
    fold_of = assign_folds(labels, folds, rng, groups)
    moments = FoldMoments.gather(embeddings, labels, fold_of, folds, PERSON_TARGET, chunk)
    weights, _ = moments.ridge()
    return platt(score(embeddings, moments.shift, labels, fold_of, weights, chunk)[:, 0], labels)


def assign_folds(
    labels: NDArray[np.integer], folds: int, rng: np.random.Generator, groups: NDArray[np.integer] | None = None,
    names: Sequence[str] = PERSON_TASK.in_code_order,
) -> IntArray:
    """A fold for every row: groups whole, classes and sizes balanced over the folds.

    A group counts for the class of its first labelled row.

    Args:
        labels: int [N], each 0..K-1 or negative for unlabelled.
        folds: parts, at least 2.
        rng: deals the groups.
        groups: int [N]; each row its own group when not given.
        names: of the K classes, for errors.

    Returns:
        int64 [N], each 0..folds-1; 0 for groups without any label, where it means nothing.

    Raises:
        InputError: fewer labelled groups of a class than folds.
    """
    if folds < 2:
        raise InputError(f"{folds} folds", why="a row must be scored by models that have not seen it", fix="use at least 2")
    labelled = np.flatnonzero(labels >= 0)
    keys = labelled if groups is None else np.asarray(groups)[labelled]
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    group_class = labels[labelled][first]
    fold_of_group = np.zeros(len(first), np.int64)
    dealt = 0
    for label, name in enumerate(names):
        members = rng.permutation(np.flatnonzero(group_class == label))
        if len(members) < folds:
            raise InputError(
                f"{len(members)} groups labelled {name} for {folds} folds",
                why="each fold needs every class", fix="label more images, or set filter.folds lower",
            )  # fmt: skip
        fold_of_group[members] = (dealt + np.arange(len(members))) % folds
        dealt += len(members)
    fold_of = np.zeros(len(labels), np.int64)
    fold_of[labelled] = fold_of_group[group]
    return fold_of


def platt(scores: FloatArray, labels: NDArray[np.integer]) -> FloatArray:
    """Probabilities float32 [N] from scores [N] by a sigmoid fitted to the labelled rows (Platt 1999)."""
    from sklearn.linear_model import LogisticRegression

    known, column = labels >= 0, scores[:, np.newaxis].astype(np.float64)
    sigmoid = LogisticRegression(C=1e6).fit(column[known], labels[known])
    return np.asarray(sigmoid.predict_proba(column)[:, 1], np.float32)


def check_rows(features: NDArray[np.floating], labels: NDArray[np.integer], groups: NDArray[np.integer] | None) -> None:
    """Refuse features, labels and groups of different lengths.

    Raises:
        InputError: rows disagree, or the features are no matrix.
    """
    sizes = [len(features), len(labels)] + ([] if groups is None else [len(groups)])
    if features.ndim != 2 or len(set(sizes)) != 1:
        raise InputError(
            f"features {list(features.shape)}, labels {labels.shape}: rows disagree",
            why="row i of each belongs to the same image", fix="make features, labels and groups from one sample table",
        )  # fmt: skip
