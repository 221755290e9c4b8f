"""Label quality: four ways to say how well a given label fits its probabilities, 0 surely wrong to 1 surely right.

`adjusted_margin` leads on every published set of probabilities that we measured; the others are there because people
know them. With two classes self-confidence and margin give one and the same order.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tinysieve.filtering.label_errors.confident_joint import confident_thresholds
from tinysieve.filtering.label_errors.probability_matrix import Doubles, Labels, Probabilities, class_columns, own_class

# What scores a chunk: float64 [K, n] probabilities, int [n] labels, float64 [K] thresholds -> float64 [n] in [0, 1].
Ranking = Callable[[Doubles, Labels, Doubles], Doubles]


def label_quality(pred_probs: Probabilities, labels: Labels, ranking: Ranking) -> Doubles:
    """Quality of every given label, float64 [N] in [0, 1], 0 surely wrong.

    Args:
        pred_probs: out-of-fold probabilities, float [N, K], rows sum to 1.
        labels: given labels, int [N], each in 0..K-1.
        ranking: one of RANKINGS.

    >>> label_quality(np.array([[.9, .1], [.8, .2], [.1, .9]]), np.array([0, 1, 1]), margin).round(2)
    array([0.9, 0.2, 0.9])
    """
    thresholds = confident_thresholds(pred_probs, labels)
    quality = np.empty(len(labels))
    for start, columns in class_columns(pred_probs):
        end = start + columns.shape[1]
        quality[start:end] = ranking(columns, labels[start:end], thresholds)
    return quality


def adjusted_margin(columns: Doubles, labels: Labels, thresholds: Doubles) -> Doubles:
    """Margin after removing each class's average confidence (Northcutt et al. 2021, section 3.3).

    A classifier that is timid about one class makes all its labels look wrong. With a_k = p_k - t_k + max(t), rescaled to
    sum to 1, the quality is (a_given - max of the other a + 1) / 2.

    >>> adjusted_margin(np.array([[.9, .8, .1], [.1, .2, .9]]), np.array([0, 1, 1]), np.array([.9, .55])).round(2)
    array([0.67, 0.41, 0.93])
    """
    scale = columns.sum(axis=0) + (thresholds.max() - thresholds).sum()
    return _quality_of_lead(_lead(columns - thresholds[:, np.newaxis], labels) / scale)


def self_confidence(columns: Doubles, labels: Labels, thresholds: Doubles) -> Doubles:
    """Probability of the given label; one that the tolerance of `check_probabilities` lets pass above 1 counts as 1."""
    return np.minimum(own_class(columns, labels), 1.0)


def margin(columns: Doubles, labels: Labels, thresholds: Doubles) -> Doubles:
    """(p_given - largest other p + 1) / 2, known as the normalized margin."""
    return _quality_of_lead(_lead(columns, labels))


def entropy(columns: Doubles, labels: Labels, thresholds: Doubles) -> Doubles:
    """Entropy weighted by confidence: w = H(p) / (ln K * p_given), quality ln(1 + w) / w.

    An unsure classifier and an improbable given label both lower it.
    """
    logs = np.log(np.minimum(columns, 1.0), out=np.zeros_like(columns), where=columns > 0)
    own = own_class(columns, labels)
    weighted = -(columns * logs).sum(axis=0) / np.log(len(columns)) / np.maximum(own, np.finfo(np.float64).tiny)
    # Without any entropy the label is surely right or surely wrong, which the ratio 0 / p does not tell.
    certain = (own > 0.5).astype(np.float64)
    return np.divide(np.log1p(weighted), weighted, out=certain, where=weighted > 0)


def _quality_of_lead(lead: Doubles) -> Doubles:
    """float64 [n] in [0, 1] of leads float64 [n] that rows summing to a little more than 1 may bring beyond [-1, 1]."""
    return np.clip((lead + 1) / 2, 0.0, 1.0)


def _lead(values: Doubles, labels: Labels) -> Doubles:
    """Value of the given class less the largest other one: float64 [n] from [K, n]."""
    given = np.asarray(labels, np.intp)
    own, others = own_class(values, given), values.copy()
    others.ravel()[given * values.shape[1] + np.arange(len(given))] = -np.inf
    return own - others.max(axis=0)


RANKINGS: dict[str, Ranking] = {
    "adjusted_margin": adjusted_margin, "self_confidence": self_confidence, "margin": margin, "entropy": entropy,
}
