"""What each labelled sample is worth to a nearest-neighbour classifier: wrong labels are worth less than nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.classes import UNLABELED, Codes
from tinysieve.filtering.evidence.neighbors import NOBODY, Neighbors
from tinysieve.ground.errors import InputError

DoubleArray = NDArray[np.float64]
_CHUNK = 65_536


def knn_shapley(voters: Neighbors, labels: Codes, k: int) -> DoubleArray:
    """Shapley value of each labelled sample in classifying the other labelled ones, in O(N T) for T known neighbours.

    The recurrence of Jia et al. 2019 ("Efficient task-specific data valuation for nearest neighbor algorithms", theorem 1):
    with the others in order of distance, m_i = 1 where neighbour i has the evaluated label, and n others in all,

        s_n = m_n min(k, n) / (k n),    s_i = s_(i+1) + (m_i - m_(i+1)) / k * min(k, i) / i.

    Where only the T nearest are known, s_T is taken as 0, which errs by at most 1 / max(T, k) (theorem 2) and leaves every
    difference along one list exact. Near-duplicates should be taken out of `voters` first.

    Args:
        voters: of N samples, labelled ones only, nearest first.
        labels: int8 [N]; samples without a label get 0 and evaluate nothing.
        k: of the classifier.

    Returns:
        float64 [N]; above 0 it helps, below 0 it misleads.

    Raises:
        InputError: k below 1, or lengths differ.
    """
    if k < 1 or len(voters.rows) != len(labels):
        raise InputError(f"{k} neighbours, {len(voters.rows)} rows of neighbours and {len(labels)} labels",
                         fix="k must be at least 1, and rows and labels those of one sample table")
    values, labelled = np.zeros(len(labels)), np.flatnonzero(labels > UNLABELED)
    for start in range(0, len(labelled), _CHUNK):
        evaluated = labelled[start : start + _CHUNK]
        rows = voters.rows[evaluated]
        shares = _recurrence(rows, labels[rows] == labels[evaluated, np.newaxis], k, len(labelled) - 1)
        known = rows != NOBODY
        values += np.bincount(rows[known], shares[known], len(labels))
    return values / max(len(labelled) - 1, 1)


def _recurrence(rows: NDArray[np.int32], matches: NDArray[np.bool_], k: int, others: int) -> DoubleArray:
    """Shares float64 [B, T] of each neighbour in classifying each evaluated sample."""
    place = np.arange(1, rows.shape[1] + 1)
    known = rows != NOBODY
    hit = np.where(known, matches, False).astype(np.float64)
    steps = np.zeros(hit.shape)
    # A step leads from one known neighbour to the next; behind the last there is none.
    steps[:, :-1] = np.where(known[:, 1:], hit[:, :-1] - hit[:, 1:], 0) * np.minimum(k, place[:-1]) / (k * place[:-1])
    counts = known.sum(axis=1)
    last = np.take_along_axis(hit, np.maximum(counts - 1, 0)[:, np.newaxis], axis=1)[:, 0]
    base = np.where(counts == others, last * min(k, others) / (k * max(others, 1)), 0)
    return np.where(known, np.cumsum(steps[:, ::-1], axis=1)[:, ::-1] + base[:, np.newaxis], 0)
