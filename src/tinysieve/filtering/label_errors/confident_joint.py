"""Confident learning: how many labels of each class really belong to which other class (Northcutt et al. 2021, section 3).

A sample is confidently of class j when P(j) reaches the mean P(j) of the samples that are labelled j; counting
(given label, confident class) pairs estimates the joint distribution of given and true labels without knowing any.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinysieve.filtering.label_errors.probability_matrix import (
    CHUNK_VALUES,
    Doubles,
    Labels,
    Probabilities,
    class_columns,
    code_type,
    own_class,
)

Counts = NDArray[np.int64]
Codes = NDArray[np.signedinteger]

# A probability this little below a limit still reaches it: rounding must not decide.
SLACK = 1e-6
UNSURE = -1
# Above every probability, and above every one less another.
OUT_OF_REACH = 2.0


def confident_thresholds(pred_probs: Probabilities, labels: Labels) -> Doubles:
    """Mean self-confidence of each class: float64 [K], t_k = mean P(k) over the samples labelled k.

    A class that never occurs gets OUT_OF_REACH: nothing tells how sure a model of it would be, so no sample is confidently of it.

    Args:
        pred_probs: out-of-fold probabilities, float [N, K].
        labels: given labels, int [N].

    >>> confident_thresholds(np.array([[.9, .1], [.7, .3], [.4, .6]]), np.array([0, 0, 1]))
    array([0.8, 0.6])
    """
    classes = pred_probs.shape[1]
    sums = np.zeros(classes)
    for start, columns in class_columns(pred_probs):
        given = labels[start : start + columns.shape[1]]
        sums += np.bincount(given, own_class(columns, given), classes)
    counts = np.bincount(labels, minlength=classes)
    means = np.divide(sums, counts, out=np.full(classes, OUT_OF_REACH), where=counts > 0)
    return np.maximum(means, 2 * SLACK)


def most_probable(columns: Doubles) -> tuple[Codes, Doubles]:
    """Class with the largest probability (the first of equals) and that probability: [n] each, from float64 [K, n]."""
    predicted = np.zeros(columns.shape[1], code_type(len(columns)))
    best = columns[0].copy()
    for label in range(1, len(columns)):
        np.copyto(predicted, label, where=columns[label] > best)
        np.maximum(best, columns[label], out=best)
    return predicted, best


def confident_class(columns: Doubles, thresholds: Doubles, predicted: Codes) -> Codes:
    """The class a sample confidently belongs to: the one that reaches its threshold, of several the most probable, else UNSURE.

    Args:
        columns: float64 [K, n].
        thresholds: float64 [K].
        predicted: int [n], the most probable class.

    >>> confident_class(np.array([[.9, .5, .4], [.1, .5, .6]]), np.array([.8, .5]), np.array([0, 0, 1]))
    array([0, 1, 1], dtype=int8)
    """
    reached = np.zeros(columns.shape[1], np.int32)
    counted = np.full(columns.shape[1], UNSURE, code_type(len(columns)))
    for label, threshold in enumerate(thresholds):
        reaches = columns[label] >= threshold - SLACK
        reached += reaches
        np.copyto(counted, label, where=reaches)
    np.copyto(counted, predicted, where=reached > 1, casting="same_kind")
    return counted


def count_joint(labels: Labels, confident: Codes, classes: int) -> Counts:
    """Counts of (given, confident) pairs, int64 [K, K]; every class is granted one right label at least."""
    pairs = np.zeros(classes * (classes + 1), np.int64)
    for start in range(0, len(labels), CHUNK_VALUES):
        rows = slice(start, start + CHUNK_VALUES)
        # The column before the first class takes the unsure.
        codes = labels[rows].astype(np.int64) * (classes + 1) + (confident[rows] - UNSURE)
        pairs += np.bincount(codes, minlength=len(pairs))
    joint = pairs.reshape(classes, classes + 1)[:, 1:].copy()
    np.fill_diagonal(joint, np.maximum(joint.diagonal(), 1))
    return joint


def calibrate_joint(joint: Counts, label_counts: Counts) -> Counts:
    """Scale each row to the number of samples with that label, in whole numbers that keep the sum (largest remainder).

    Args:
        joint: int64 [K, K], rows given, columns confident class.
        label_counts: int64 [K].

    >>> calibrate_joint(np.array([[8, 2], [1, 3]]), np.array([15, 10]))
    array([[12,  3],
           [ 3,  7]])
    """
    exact = joint / joint.sum(axis=1, keepdims=True) * label_counts[:, np.newaxis]
    whole = np.floor(exact + SLACK).astype(np.int64)
    missing = label_counts - whole.sum(axis=1)
    order = np.argsort(whole - exact, axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable")
    return whole + (rank < missing[:, np.newaxis])


def estimated_errors(joint: Counts) -> int:
    """Label errors that a calibrated joint stands for: all off its diagonal.

    >>> estimated_errors(np.array([[12, 3], [2, 8]]))
    5
    """
    return int(joint.sum() - np.trace(joint))
