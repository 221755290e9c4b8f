"""Logistic regression of every fold's complement, started from the ridge solution and carried on by a few passes.

The step is that of a fixed-Hessian Newton method: half the Gram matrix bounds the curvature of the multinomial log loss
(Boehning 1992), so every pass lowers the loss, no step length is searched, and the factorisation is made once a fold.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinysieve.filtering.label_errors.fold_moments import CHUNK, DoubleArray, FloatArray, FoldMoments, IntArray, prepared_chunks
from tinysieve.filtering.label_errors.temperature import softmax


def polish(
    weights: FloatArray, features: NDArray[np.floating], labels: NDArray[np.integer], fold_of: IntArray, moments: FoldMoments,
    strength: float, passes: int, chunk: int = CHUNK,
) -> FloatArray:
    """Logistic weights float32 [F, D + 1, K] after so many passes over the features.

    Args:
        weights: float32 [F, D + 1, K], whose scores are logits to start from.
        features: float [N, D].
        labels: int [N], each 0..K-1 or negative for unlabelled.
        fold_of: int64 [N].
        moments: of the same folds.
        strength: penalty on the squared weights of standardised features.
        passes: each lowers every fold's penalised loss.
        chunk: rows in memory at a time.
    """
    solvers = [_Solver(moments.gram.sum(axis=0) - gram, strength) for gram in moments.gram]
    current = weights.astype(np.float64)
    for _ in range(passes):
        gradients = _gradients(current.astype(np.float32), features, moments.shift, labels, fold_of, chunk)
        current = np.stack([weight - solver.step(weight, gradient)
                            for weight, solver, gradient in zip(current, solvers, gradients, strict=True)])
    return current.astype(np.float32)


class _Solver:
    """The bound on one complement's curvature, factored."""

    def __init__(self, gram: DoubleArray, strength: float) -> None:
        from scipy.linalg import cho_factor

        self.count = gram[-1, -1]
        mean = gram[:-1, -1] / self.count
        variance = np.maximum(np.diag(gram)[:-1] / self.count - mean**2, 1e-8)
        self.penalty = np.append(strength * variance, 0)
        self.factor = cho_factor(gram / (2 * self.count) + np.diag(self.penalty))

    def step(self, weights: DoubleArray, gradient: DoubleArray) -> DoubleArray:
        from scipy.linalg import cho_solve

        return np.asarray(cho_solve(self.factor, gradient / self.count + self.penalty[:, np.newaxis] * weights))


def _gradients(
    weights: FloatArray, features: NDArray[np.floating], shift: FloatArray, labels: NDArray[np.integer], fold_of: IntArray,
    chunk: int,
) -> DoubleArray:
    """float64 [F, D + 1, K]: sums of x (p - y)^T over the rows outside each fold."""
    total = np.zeros(weights.shape)
    for rows, prepared in prepared_chunks(features, shift, chunk, labels >= 0):
        for fold, model in enumerate(weights):
            residual = softmax(prepared @ model)
            residual[np.arange(len(rows)), labels[rows]] -= 1
            residual[fold_of[rows] == fold] = 0
            total[fold] += prepared.T @ residual
    return total
