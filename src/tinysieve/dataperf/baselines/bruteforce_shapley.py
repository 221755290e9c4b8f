"""Shapley values by their definition: every subset is fitted, so only tiny tasks will ever finish."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataperf.baselines.ranker import RankingEvidence
from tinysieve.dataperf.baselines.subset_accuracy import SubsetAccuracy
from tinysieve.dataperf.submissions import Order
from tinysieve.ground.errors import InputError

MOST_ROWS = 20


def bruteforce_shapley(evidence: RankingEvidence, rng: np.random.Generator) -> Order:
    """Rows by exact Shapley value, least (most harmful) first; draws nothing from `rng`.

    Raises:
        InputError: more than 20 rows.
    """
    return np.argsort(bruteforce_values(evidence), kind="stable")


def bruteforce_values(evidence: RankingEvidence) -> NDArray[np.float64]:
    """Mean gain of a row over all orders (Shapley 1953): sum over subsets S without it of |S|! (N - |S| - 1)! / N! gains.

    Returns:
        float64 [N]; their sum is the accuracy with all rows less that with none.

    Raises:
        InputError: more than 20 rows.
    """
    count = len(evidence.labels)
    if count > MOST_ROWS:
        raise InputError(f"bruteforce_shapley of {count} rows", why=f"it would fit 2^{count} subsets",
                         fix=f"use at most {MOST_ROWS} rows, or 'neighbor_shapley (datascope)', which is exact for one neighbour")
    accuracy = SubsetAccuracy(evidence)
    members = (np.arange(2**count)[:, np.newaxis] >> np.arange(count)) & 1 == 1
    worth = np.array([accuracy(chosen) for chosen in members])
    sizes = members.sum(axis=1)
    weights = np.array([1 / (count * math.comb(count - 1, size)) for size in range(count)])
    values = np.empty(count)
    for row in range(count):
        without = np.flatnonzero(~members[:, row])
        values[row] = (weights[sizes[without]] * (worth[without | 1 << row] - worth[without])).sum()
    return values
