"""How many right labels a cut through doubtful ones is expected to take with it."""

from __future__ import annotations

import numpy as np

from tinysieve.filtering.label_errors.confident_joint import Counts
from tinysieve.filtering.label_errors.probability_matrix import Doubles, Labels, Probabilities


def right_label_probability(pred_probs: Probabilities, labels: Labels, joint: Counts) -> Doubles:
    """P(the given label is right | image, given label), float64 [N].

    A model that learnt from noisy labels predicts noisy labels: p~ = T' p, where T[j, k] = P(given k | true j) comes from the
    joint and p is the probability of the true class (Natarajan et al. 2013). Solved for p, cut off at 0 and 1, Bayes' rule gives
    T[k, k] p_k / p~_k for a label k.

    Args:
        pred_probs: out-of-fold probabilities, float [N, K], of calibrated models.
        labels: given labels, int [N].
        joint: int64 [K, K], estimated numbers of samples, rows given, columns true class.

    >>> right_label_probability(np.array([[.9, .1], [.5, .5], [.1, .9]]), np.array([0, 0, 0]), np.array([[90, 10], [10, 90]]))
    array([1. , 0.9, 0. ])
    """
    given_of_true = (joint / np.maximum(joint.sum(axis=0, keepdims=True), 1)).T
    noisy = np.asarray(pred_probs, np.float64)
    # The pseudo-inverse stands for classes that the joint cannot tell apart.
    true = np.clip(noisy @ np.linalg.pinv(given_of_true), 0, None)
    true /= np.maximum(true.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    rows = np.arange(len(labels))
    expected = true @ given_of_true
    own = given_of_true[labels, labels] * true[rows, labels]
    return np.clip(own / np.maximum(expected[rows, labels], np.finfo(float).tiny), 0, 1)
