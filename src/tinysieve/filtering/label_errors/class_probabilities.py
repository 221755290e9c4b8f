"""Out-of-fold probabilities of any number of classes, in closed form from one streaming pass over the features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinysieve.filtering.label_errors.fold_moments import CHUNK, FloatArray, FoldMoments, score
from tinysieve.filtering.label_errors.logistic_polish import polish
from tinysieve.filtering.label_errors.out_of_fold import assign_folds, check_rows
from tinysieve.filtering.label_errors.temperature import fit_temperature, softmax

# The curvature of the log loss is at most about a quarter of that of the squared loss, and so is the penalty that shrinks alike.
POLISH_PENALTY = 0.25


def class_probabilities(
    features: NDArray[np.floating],
    labels: NDArray[np.integer],
    classes: int,
    folds: int,
    rng: np.random.Generator,
    *,
    groups: NDArray[np.integer] | None = None,
    polish_passes: int = 0,
    chunk: int = CHUNK,
) -> FloatArray:
    """P(class) of every row, by models that have not seen its label.

    Ridge regression on one column a class gives scores, a temperature on the out-of-fold scores makes probabilities. With
    `polish_passes` the scores start a logistic regression instead, which fits better where classes are well apart and costs
    a pass over the features each.

    Args:
        features: float [N, D], may be a memory map.
        labels: int [N], each 0..classes-1, negative for unlabelled.
        classes: K.
        folds: parts, at least 2.
        rng: who is in which fold.
        groups: int [N]; rows with the same number stay in one fold.
        polish_passes: 0 for ridge; 10 are enough for most of what logistic regression gains.
        chunk: rows in memory at a time.

    Returns:
        float32 [N, K], rows sum to 1.

    Raises:
        InputError: shapes disagree, or a class has fewer labelled groups than there are folds.
    """
    check_rows(features, labels, groups)
    fold_of = assign_folds(labels, folds, rng, groups, [f"class {label}" for label in range(classes)])
    moments = FoldMoments.gather(features, labels, fold_of, folds, np.eye(classes, dtype=np.float32), chunk)
    weights, strength = moments.ridge()
    known = labels >= 0
    scores = score(features, moments.shift, labels, fold_of, weights, chunk)
    temperature = np.float32(fit_temperature(scores[known], labels[known]))
    if polish_passes:
        start = weights / temperature
        weights = polish(start, features, labels, fold_of, moments, POLISH_PENALTY * strength, polish_passes, chunk)
        scores = score(features, moments.shift, labels, fold_of, weights, chunk)
        temperature = np.float32(fit_temperature(scores[known], labels[known]))
    return softmax(scores / temperature)
