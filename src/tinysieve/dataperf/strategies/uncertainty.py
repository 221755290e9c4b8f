"""Uncertainty sampling without a person who answers: rows that the classifier half believes, with its own belief."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logit

from tinysieve.dataperf.logistic_regression import fit
from tinysieve.dataperf.strategies.pool import Pool, Rows
from tinysieve.dataperf.strategies.random_rows import random_negatives
from tinysieve.dataperf.train_set import TrainSet


@dataclass(frozen=True)
class Uncertainty:
    """Starts from the positives and as many negatives; each round adds rows at a stated belief on both sides.

    The modification: nobody labels the doubtful rows, and a label guessed at 0.5 is wrong half the time. So the rows taken
    are those whose probability is nearest to `belief` (as 1) and to 1 - `belief` (as 0).

    Args:
        size: rows of the train set.
        rounds: classifiers fitted one after the other, each on the rows of the one before and new ones.
        belief: probability in (0.5, 1) at which a row is as uncertain as it may be.
    """

    size: int = 200
    rounds: int = 5
    belief: float = 0.9

    def choose(self, pool: Pool, rng: np.random.Generator) -> TrainSet:
        """Pick the train set."""
        positives = rng.permutation(pool.positives)[: self.size // 2]
        negatives = random_negatives(pool, len(positives), rng)
        for left in range(self.rounds, 0, -1):
            step = (self.size - len(positives) - len(negatives)) // (2 * left)
            rows = np.concatenate([positives, negatives])
            model = fit(pool.exact(rows), np.arange(len(rows)) < len(positives))
            z = pool.vectors @ model.weights.astype(np.float32) + np.float32(model.intercept)
            free = np.setdiff1d(pool.unknown(), rows)
            positives = np.concatenate([positives, _nearest(z, free, float(logit(self.belief)), step)])
            negatives = np.concatenate([negatives, _nearest(-z, free, float(logit(self.belief)), step)])
        return pool.train_set(positives, negatives)


def _nearest(z: np.ndarray, free: Rows, target: float, count: int) -> Rows:
    """The rows on the positive side of `z` nearest to the target."""
    side = free[z[free] > 0]
    return side[np.argsort(np.abs(z[side] - target), kind="stable")[:count]]
