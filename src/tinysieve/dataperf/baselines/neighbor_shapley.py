"""Shapley values of a 1-nearest-neighbour classifier: what DataScope ranks by, in closed form and no second."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataperf.baselines.ranker import RankingEvidence
from tinysieve.dataperf.submissions import Order
from tinysieve.ground.arrays import IntArray


def neighbor_shapley(evidence: RankingEvidence, rng: np.random.Generator) -> Order:
    """Rows by importance, least (most harmful) first; draws nothing from `rng`."""
    values = neighbor_shapley_values(evidence)
    return np.argsort(values)


def neighbor_shapley_values(evidence: RankingEvidence) -> NDArray[np.float64]:
    """Share of each train row in the validation accuracy of its nearest neighbour's label (Jia et al. 2019, theorem 1, K = 1).

    For one validation row and train rows sorted by distance, with u(i) = 1 where the labels agree:
    v(last) = (u(last) - u(null)) / N, v(i) = v(i + 1) + (u(i) - u(i + 1)) / i; the mean over validation rows counts.

    Returns:
        float64 [N]; their sum is the accuracy with all rows less that of the null model.
    """
    nearest = np.argsort(squared_distances(evidence.val, evidence.train), axis=1, kind="stable")
    agrees = (evidence.labels[nearest] == evidence.val_labels[:, np.newaxis]).astype(np.float64)
    null = np.equal(evidence.val_labels, worst_constant(evidence.val_labels)).astype(np.float64)
    after = np.column_stack([agrees[:, 1:], null])
    places = np.arange(1, agrees.shape[1] + 1)
    sorted_values = np.cumsum(((agrees - after) / places)[:, ::-1], axis=1)[:, ::-1]
    values = np.empty_like(sorted_values)
    np.put_along_axis(values, nearest, sorted_values, axis=1)
    return np.asarray(values.mean(axis=0), np.float64)


def squared_distances(rows: NDArray[np.floating], others: NDArray[np.floating]) -> NDArray[np.float64]:
    """Squared Euclidean distances float64 [len(rows), len(others)]."""
    left, right = rows.astype(np.float64), others.astype(np.float64)
    squares = (left**2).sum(axis=1)[:, np.newaxis] + (right**2).sum(axis=1) - 2 * left @ right.T
    return np.maximum(squares, 0)


def worst_constant(val_labels: IntArray) -> int:
    """The label that is rarest among the validation labels (the smaller one where equal): the model that knows nothing.

    >>> worst_constant(np.array([0, 1, 1]))
    0
    """
    values, counts = np.unique(val_labels, return_counts=True)
    return int(values[counts.argmin()])
