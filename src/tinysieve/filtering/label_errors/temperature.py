"""Temperature calibration: one number makes probabilities mean what they say (Guo et al. 2017, section 4.2)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinysieve.filtering.label_errors.fold_moments import FloatArray

# Of log temperature: from one hundredth, for scores of a regression, to a hundred, for networks that are far too sure.
RANGE = (-7.0, 5.0)


def softmax(logits: NDArray[np.floating]) -> FloatArray:
    """Probabilities float32 [N, K] of logits [N, K].

    >>> softmax(np.array([[0.0, 0.0], [2.0, 0.0]])).round(3)
    array([[0.5  , 0.5  ],
           [0.881, 0.119]], dtype=float32)
    """
    shifted = np.asarray(logits, np.float32) - logits.max(axis=1, keepdims=True)
    np.exp(shifted, out=shifted)
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), np.float32)


def log_loss(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Mean of -log P(label), labels in 0..K-1."""
    peak = logits.max(axis=1)
    normaliser = peak + np.log(np.exp(logits - peak[:, np.newaxis]).sum(axis=1))
    return float((normaliser - logits[np.arange(len(labels)), labels]).mean())


def fit_temperature(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """The temperature T > 0 with the least log loss of softmax(logits / T).

    Args:
        logits: float [N, K] of samples that the classifier has not seen; logarithms of probabilities are logits too.
        labels: int [N], each in 0..K-1.
    """
    from scipy.optimize import minimize_scalar

    fitted = minimize_scalar(lambda log: log_loss(logits / np.float32(np.exp(log)), labels), bounds=RANGE, method="bounded")
    return float(np.exp(fitted.x))


def cool(pred_probs: NDArray[np.floating], labels: NDArray[np.integer]) -> FloatArray:
    """Probabilities with the temperature that fits the labelled rows best: float32 [N, K]; no row's order of classes changes.

    Args:
        pred_probs: out-of-fold probabilities, float [N, K].
        labels: int [N], negative for unlabelled.
    """
    known = labels >= 0
    logits = np.log(np.maximum(pred_probs, np.float32(1e-12)), dtype=np.float32)
    return softmax(logits / np.float32(fit_temperature(logits[known], labels[known])))
