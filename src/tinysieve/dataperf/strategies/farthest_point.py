"""The strategy of the 2023 winner as described: negatives spread over the pool, the train set picked by cross-validation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataperf.logistic_regression import fit
from tinysieve.dataperf.selection_scores import confusion
from tinysieve.dataperf.strategies.pool import Pool, Rows
from tinysieve.dataperf.train_set import TrainSet

_SPLIT_SEED = 23


@dataclass(frozen=True)
class FarthestPoint:
    """Candidates: the known positives, and negatives by farthest-point sampling. Of many small draws the best is kept.

    An outer stratified split holds a part of the candidates back; inner draws of `positives` and `negatives` rows from
    the rest are fitted, and the one with the best f1 on everything it did not draw wins.

    Args:
        candidates: negatives spread over the pool, from its first row on.
        positives: of a draw (published: 5 for two classes, 10 for the third).
        negatives: of a draw (published: 40, 90 and 20).
        folds: outer splits, and draws in each.
    """

    candidates: int = 1000
    positives: int = 5
    negatives: int = 40
    folds: int = 5

    def choose(self, pool: Pool, rng: np.random.Generator) -> TrainSet:
        """Pick the train set; the published splits have a seed of their own, so `rng` is not used."""
        spread = farthest_points(pool.vectors, self.candidates, pool.positives)
        known = np.concatenate([pool.negatives, spread[~np.isin(spread, pool.negatives)]])
        rows = np.concatenate([pool.positives, known])
        vectors, labels = pool.exact(rows), np.arange(len(rows)) < len(pool.positives)
        best, best_f1 = np.arange(len(rows)), -1.0
        for drawn in self._draws(labels):
            rest = np.setdiff1d(np.arange(len(rows)), drawn)
            predicted = fit(vectors[drawn], labels[drawn]).predict(vectors[rest])
            f1 = confusion(predicted, labels[rest]).scores().f1
            if f1 > best_f1:
                best, best_f1 = drawn, f1
        return pool.train_set(rows[best[labels[best]]], rows[best[~labels[best]]])

    def _draws(self, labels: NDArray[np.bool_]) -> Iterator[Rows]:
        splits = np.random.default_rng(_SPLIT_SEED)
        for _ in range(self.folds):
            kept = [splits.permutation(np.flatnonzero(labels == value)) for value in (True, False)]
            kept = [rows[: max(1, len(rows) - len(rows) // self.folds)] for rows in kept]
            for _ in range(self.folds):
                yield np.concatenate([splits.permutation(rows)[:count]
                                      for rows, count in zip(kept, (self.positives, self.negatives), strict=True)])


def farthest_points(vectors: NDArray[np.float32], count: int, excluded: Rows) -> Rows:
    """Greedy farthest-point sampling (Gonzalez 1985): each next row is the one farthest from all before it.

    Args:
        vectors: float32 [N, D]; the first row that is not excluded is the first point.
        count: rows wanted; fewer where the pool ends or only copies are left.
        excluded: rows that may not be taken.

    >>> farthest_points(np.array([[0.0], [1.0], [9.0], [4.0]], np.float32), 3, np.array([], np.int64)).tolist()
    [0, 2, 3]
    """
    squares = np.einsum("nd,nd->n", vectors, vectors)
    distance = np.full(len(vectors), np.inf, np.float32)
    distance[excluded] = -1
    chosen: list[int] = []
    while len(chosen) < count and (farthest := float(distance.max(initial=-1))) > 0:
        point = int(np.argmax(distance))
        chosen.append(point)
        to_point = np.maximum(squares - 2 * (vectors @ vectors[point]) + squares[point], 0)
        np.minimum(distance, to_point, out=distance, where=distance >= 0)
        distance[point] = -1 if farthest == np.inf else 0
    return np.array(chosen, np.int64)
