"""The strategy of the benchmark's container template: of random images, those closest to the mean example."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinysieve.dataperf.strategies.pool import Pool
from tinysieve.dataperf.train_set import TrainSet


@dataclass(frozen=True)
class NClosest:
    """Random images; those closest to the centroid of the known positives get 1, the others 0.

    The template took positions within the sample for rows of the pool; here they are what they should be.

    Args:
        n_random: images drawn.
        n_closest: of them called positive.
    """

    n_random: int = 500
    n_closest: int = 50

    def choose(self, pool: Pool, rng: np.random.Generator) -> TrainSet:
        """Draw the train set."""
        centroid = pool.exact(pool.positives).mean(0)
        drawn = rng.permutation(len(pool.ids))[: self.n_random]
        order = np.argsort(((pool.exact(drawn) - centroid) ** 2).sum(1), kind="stable")
        return pool.train_set(drawn[order[: self.n_closest]], drawn[order[self.n_closest :]])
