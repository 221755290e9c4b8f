"""Ridge regression of every fold's complement from one streaming pass over the features.

All that ridge regression needs of the data is each fold's Gram matrix: the model that leaves a fold out is solved from the
sum of the others, exactly and without iterations, and its squared error on the left-out fold follows from that fold's own
Gram matrix, so the strength is chosen without looking at the data again. Memory does not grow with the number of rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from tinysieve.ground.errors import InputError

FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# A feature whose variance is a smaller share of its mean square than this is constant: the rest is float32's rounding.
_CONSTANT = 1e-5
# Ridge strengths as a share of the mean variance of a feature: a few thousand noisy labels like 10, many clean ones 0.01.
STRENGTHS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
CHUNK = 16_384


@dataclass(frozen=True, eq=False)
class FoldMoments:
    """Sums over the rows of each of F folds, with a 1 appended to the D features, for C target columns.

    Args:
        shift: float32 [D], what `prepared_chunks` takes from every feature: sums of squares far from 0 would lose the variance.
        gram: float64 [F, D + 1, D + 1], sums of x x^T.
        target: float64 [F, D + 1, C], sums of x y^T.
        squares: float64 [F], sums of |y|^2.
    """

    shift: FloatArray
    gram: DoubleArray
    target: DoubleArray
    squares: DoubleArray

    @classmethod
    def gather(
        cls, features: NDArray[np.floating], labels: NDArray[np.integer], fold_of: IntArray, folds: int, targets: FloatArray,
        chunk: int = CHUNK,
    ) -> FoldMoments:
        """One pass over the labelled rows.

        Args:
            features: float [N, D], may be a memory map.
            labels: int [N], negative for rows that must not teach.
            fold_of: int64 [N], each 0..folds-1.
            folds: F.
            targets: float32 [K, C], what each class is to be mapped to.
            chunk: rows in memory at a time.
        """
        size, columns = features.shape[1] + 1, targets.shape[1]
        gram, target = np.zeros((folds, size, size)), np.zeros((folds, size, columns))
        shift = typical_row(features, labels >= 0)
        for rows, prepared in prepared_chunks(features, shift, chunk, labels >= 0):
            wanted = targets[labels[rows]]
            for fold in range(folds):
                mine = fold_of[rows] == fold
                own = prepared[mine]
                gram[fold] += own.T @ own
                target[fold] += own.T @ wanted[mine]
        counts = np.zeros((folds, len(targets)))
        np.add.at(counts, (fold_of[labels >= 0], labels[labels >= 0]), 1)
        return cls(shift, gram, target, counts @ (targets.astype(np.float64) ** 2).sum(axis=1))

    @property
    def folds(self) -> int:
        """How many folds."""
        return len(self.gram)

    def ridge(self, strengths: tuple[float, ...] = STRENGTHS) -> tuple[FloatArray, float]:
        """Weights of each fold's complement, at the strength with the least out-of-fold squared error.

        Returns:
            float32 [F, D + 1, C], the last row the intercept, and the strength.
        """
        total, pull = self.gram.sum(axis=0), self.target.sum(axis=0)
        # More threads gain little on matrices of this size, and where other work keeps the cores busy they wait for each
        # other: five times slower.
        with threadpool_limits(1):
            solved = np.stack([solve_ridge(total - gram, pull - target, strengths)
                               for gram, target in zip(self.gram, self.target, strict=True)])
        best = int(np.argmin([self._error(solved[:, number]) for number in range(len(strengths))]))
        return solved[:, best].astype(np.float32), strengths[best]

    def _error(self, weights: DoubleArray) -> float:
        """Sum over folds of the squared error on the fold itself: |y|^2 - 2 w.X'y + w.X'X w."""
        return float(sum(self.squares[fold] + (weight * (self.gram[fold] @ weight - 2 * self.target[fold])).sum()
                         for fold, weight in enumerate(weights)))


def solve_ridge(gram: DoubleArray, target: DoubleArray, strengths: tuple[float, ...]) -> DoubleArray:
    """Weights float64 [strengths, D + 1, C] of standardised features from sums over rows; the last row is the intercept.

    A feature that is constant over the rows gets the weight 0.

    Raises:
        InputError: the features are no finite numbers, or too large for float32's sums.
    """
    from scipy.linalg import LinAlgError, cho_factor, cho_solve

    count = gram[-1, -1]
    mean, target_mean = gram[:-1, -1] / count, target[-1] / count
    covariance = gram[:-1, :-1] / count - np.outer(mean, mean)
    deviation = np.sqrt(np.maximum(np.diag(covariance), 1e-8))
    correlation = covariance / np.outer(deviation, deviation)
    pull = (target[:-1] / count - np.outer(mean, target_mean)) / deviation[:, np.newaxis]
    constant = np.diag(covariance) <= _CONSTANT * np.diag(gram)[:-1] / count
    correlation[constant], correlation[:, constant], pull[constant] = 0, 0, 0
    eye = np.eye(len(mean))
    try:
        slopes = np.stack([cho_solve(cho_factor(correlation + strength * eye), pull) for strength in strengths])
    except (LinAlgError, ValueError) as error:  # not positive, not finite
        raise _unsolvable() from error
    slopes /= deviation[:, np.newaxis]
    return np.concatenate([slopes, (target_mean - mean @ slopes)[:, np.newaxis]], axis=1)


def _unsolvable() -> InputError:
    return InputError("the features' correlations cannot be solved", why="some are not finite, or so large that sums lose them",
                      fix="look for NaN and infinity, and standardise the features")


def score(
    features: NDArray[np.floating], shift: FloatArray, labels: NDArray[np.integer], fold_of: IntArray, weights: FloatArray,
    chunk: int = CHUNK,
) -> FloatArray:
    """Score every row by a model that has not seen it: float32 [N, C]; `shift` is that of the moments.

    A labelled row is scored by the model of the other folds, an unlabelled one by the mean of all models.
    """
    scores = np.empty((len(labels), weights.shape[2]), np.float32)
    group_of = np.where(labels >= 0, fold_of, len(weights))
    models = np.concatenate([weights, weights.mean(axis=0, keepdims=True)])
    for rows, prepared in prepared_chunks(features, shift, chunk):
        for group in np.unique(group_of[rows]):
            mine = group_of[rows] == group
            scores[rows[mine]] = prepared[mine] @ models[group]
    return scores


def typical_row(features: NDArray[np.floating], wanted: NDArray[np.bool_]) -> FloatArray:
    """Mean of the first rows that are wanted, bool [N], as signed roots: float32 [D], 0 where there are none.

    Raises:
        InputError: a NaN or an infinity among them.
    """
    some = np.flatnonzero(wanted)[:CHUNK]
    if not len(some):
        return np.zeros(features.shape[1], np.float32)
    typical = signed_root(np.asarray(features[some], np.float32)).mean(axis=0, dtype=np.float64)
    if not np.isfinite(typical).all():
        raise _unsolvable()
    return typical.astype(np.float32)


def signed_root(raw: FloatArray) -> FloatArray:
    """Square root that keeps the sign: it tames the few large ones."""
    return np.copysign(np.sqrt(np.abs(raw)), raw)


def prepared_chunks(
    features: NDArray[np.floating], shift: FloatArray, chunk: int, wanted: NDArray[np.bool_] | None = None
) -> Iterator[tuple[IntArray, FloatArray]]:
    """Row numbers and prepared features: signed square root less `shift`, then a 1 for the intercept."""
    for start in range(0, len(features), chunk):
        rows = np.arange(start, min(start + chunk, len(features)))
        if wanted is not None:
            rows = rows[wanted[rows]]
        raw = np.asarray(features[start : start + chunk], np.float32)[rows - start]
        prepared = np.empty((raw.shape[0], raw.shape[1] + 1), np.float32)
        np.subtract(signed_root(raw), shift, out=prepared[:, :-1])
        prepared[:, -1] = 1
        yield rows, prepared
