"""P(person) of every image by a linear classifier that has not seen that image's own label.

Ridge regression in closed form: one pass over the features gathers each fold's Gram matrix, the model that leaves a fold
out is solved from the sum of the others (exact, no iterations), and a second pass scores. On VOC 2007 features it finds
planted errors as well as logistic regression does, and it streams: memory does not grow with the number of images.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataset.errors import InputError

FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Ridge strengths as a share of the mean variance of a feature; clean labels like about 1, labels with 25 % noise about 10.
STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0)


def out_of_fold_probabilities(
    embeddings: NDArray[np.floating],
    labels: NDArray[np.int8],
    folds: int,
    rng: np.random.Generator,
    *,
    groups: NDArray[np.integer] | None = None,
    chunk: int = 16_384,
) -> FloatArray:
    """How probable it is that the *given* labels call an image person, judged from its look alone.

    A labelled row is scored by the model of the other folds, an unlabelled row by the mean of all fold models. The ridge
    strength is the one with the least out-of-fold squared error; Platt's sigmoid (Platt 1999) on the out-of-fold scores
    makes probabilities. With noisy labels these are probabilities of the noisy label: at 25 % noise each way a sure
    person gets about 0.75.

    Args:
        embeddings: float [N, D], may be a memory map.
        labels: int8 [N]: 1 person, 0 background, negative unlabelled (also rows that must not teach, such as test).
        folds: parts, at least 2.
        rng: who is in which fold.
        groups: int [N]; rows with the same number (near-duplicates) stay in one fold.
        chunk: rows in memory at a time.

    Returns:
        float32 [N] in (0, 1).

    Raises:
        InputError: shapes disagree, or a class has fewer labelled groups than there are folds.
    """
    _check_shapes(embeddings, labels, groups)
    fold_of = assign_folds(labels, folds, rng, groups)
    moments = [_Moments.empty(embeddings.shape[1] + 1) for _ in range(folds)]
    for rows, features in _chunks(embeddings, chunk, labels >= 0):
        for fold, moment in enumerate(moments):
            mine = fold_of[rows] == fold
            moment.add(features[mine], labels[rows][mine])
    weights = [_ridge(_Moments.total(moments[:fold] + moments[fold + 1 :])) for fold in range(folds)]
    scores = np.empty((len(labels), len(STRENGTHS)), np.float32)
    for rows, features in _chunks(embeddings, chunk, None):
        by_fold = np.stack([features @ weight for weight in weights])
        own = by_fold[fold_of[rows], np.arange(len(rows))]
        scores[rows] = np.where((labels[rows] >= 0)[:, np.newaxis], own, by_fold.mean(axis=0))
    return _calibrated(scores, labels)


def assign_folds(
    labels: NDArray[np.int8], folds: int, rng: np.random.Generator, groups: NDArray[np.integer] | None = None
) -> IntArray:
    """A fold for every row: groups whole, classes and sizes balanced over the folds.

    A group counts for the class of its first labelled row.

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
    for label in (0, 1):
        members = rng.permutation(np.flatnonzero(group_class == label))
        if len(members) < folds:
            raise InputError(
                f"{len(members)} groups labelled {'person' if label else 'background'} for {folds} folds",
                why="each fold needs both classes", fix="label more images, or lower the number of folds",
            )  # fmt: skip
        fold_of_group[members] = (dealt + np.arange(len(members))) % folds
        dealt += len(members)
    fold_of = np.zeros(len(labels), np.int64)
    fold_of[labelled] = fold_of_group[group]
    return fold_of


@dataclass
class _Moments:
    """Sums over rows of x x^T and x y, with a 1 appended to x: all that ridge regression needs of the data."""

    gram: DoubleArray
    target: DoubleArray

    @classmethod
    def empty(cls, size: int) -> _Moments:
        """Of no rows."""
        return cls(np.zeros((size, size)), np.zeros(size))

    @classmethod
    def total(cls, parts: list[_Moments]) -> _Moments:
        """Of the rows of all parts."""
        return cls(np.sum([part.gram for part in parts], axis=0), np.sum([part.target for part in parts], axis=0))

    def add(self, features: FloatArray, labels: NDArray[np.int8]) -> None:
        """Take in rows: features float32 [n, D + 1], labels 0 or 1 [n]."""
        self.gram += features.T @ features
        self.target += features.T @ labels.astype(np.float32)


def _ridge(moments: _Moments) -> FloatArray:
    """Weights float32 [D + 1, strengths] of standardised features, the last row the intercept."""
    from scipy.linalg import cho_factor, cho_solve

    count = moments.gram[-1, -1]
    mean, target_mean = moments.gram[:-1, -1] / count, moments.target[-1] / count
    covariance = moments.gram[:-1, :-1] / count - np.outer(mean, mean)
    deviation = np.sqrt(np.maximum(np.diag(covariance), 1e-8))
    correlation = covariance / np.outer(deviation, deviation)
    pull = (moments.target[:-1] / count - mean * target_mean) / deviation
    eye = np.eye(len(mean))
    columns = [cho_solve(cho_factor(correlation + strength * eye), pull) / deviation for strength in STRENGTHS]
    slopes = np.stack(columns, axis=1)
    return np.vstack([slopes, target_mean - mean @ slopes]).astype(np.float32)


def _calibrated(scores: FloatArray, labels: NDArray[np.int8]) -> FloatArray:
    from sklearn.linear_model import LogisticRegression

    known = labels >= 0
    errors = ((scores[known] - labels[known, np.newaxis]) ** 2).mean(axis=0)
    best = scores[:, [int(errors.argmin())]].astype(np.float64)
    sigmoid = LogisticRegression(C=1e6).fit(best[known], labels[known])
    return np.asarray(sigmoid.predict_proba(best)[:, 1], np.float32)


def _chunks(
    embeddings: NDArray[np.floating], chunk: int, wanted: NDArray[np.bool_] | None
) -> Iterator[tuple[IntArray, FloatArray]]:
    """Row numbers and prepared features: signed square root (it tames the few large ones), then a 1 for the intercept."""
    for start in range(0, len(embeddings), chunk):
        rows = np.arange(start, min(start + chunk, len(embeddings)))
        if wanted is not None:
            rows = rows[wanted[rows]]
        raw = np.asarray(embeddings[start : start + chunk], np.float32)[rows - start]
        prepared = np.empty((raw.shape[0], raw.shape[1] + 1), np.float32)
        prepared[:, :-1] = np.sign(raw) * np.sqrt(np.abs(raw))
        prepared[:, -1] = 1
        yield rows, prepared


def _check_shapes(
    embeddings: NDArray[np.floating], labels: NDArray[np.int8], groups: NDArray[np.integer] | None
) -> None:
    sizes = [len(embeddings), len(labels)] + ([] if groups is None else [len(groups)])
    if embeddings.ndim != 2 or len(set(sizes)) != 1:
        raise InputError(
            f"features {list(embeddings.shape)}, labels {labels.shape}: rows disagree",
            why="row i of each belongs to the same image", fix="make features, labels and groups from one sample table",
        )  # fmt: skip
