"""Random images as negatives: the baseline that a strategy must beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinysieve.dataperf.strategies.pool import Pool, Rows
from tinysieve.dataperf.train_set import TrainSet


@dataclass(frozen=True)
class RandomRows:
    """All known positives and random other images as negatives (known ones first): a class is rare in a large pool.

    Args:
        size: rows of the train set.
    """

    size: int = 500

    def choose(self, pool: Pool, rng: np.random.Generator) -> TrainSet:
        """Draw the train set."""
        positives = rng.permutation(pool.positives)[: self.size]
        return pool.train_set(positives, random_negatives(pool, self.size - len(positives), rng))


def random_negatives(pool: Pool, count: int, rng: np.random.Generator) -> Rows:
    """Known negatives first, then unknown rows taken for negatives; as many as there are, at most."""
    return np.concatenate([rng.permutation(pool.negatives), rng.permutation(pool.unknown())])[:count]
