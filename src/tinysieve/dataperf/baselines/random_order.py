"""Any order: what a method must beat."""

from __future__ import annotations

import numpy as np

from tinysieve.dataperf.baselines.ranker import RankingEvidence
from tinysieve.dataperf.submissions import Order


def random_order(evidence: RankingEvidence, rng: np.random.Generator) -> Order:
    """Every row once, shuffled by `rng` (the original did not seed it)."""
    return rng.permutation(len(evidence.labels))
