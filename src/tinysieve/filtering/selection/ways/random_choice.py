"""Selection `random`: what every other way must beat."""

from __future__ import annotations

import numpy as np

from tinysieve.dataset.classes import Codes
from tinysieve.filtering.filter import Evidence
from tinysieve.filtering.selection.way import Rows, Way


class RandomChoice(Way):
    """Any order."""

    name = "random"
    describes = "any, drawn by the seed"
    needs = ()

    def order(self, evidence: Evidence, rows: Rows, labels: Codes, rng: np.random.Generator) -> Rows:
        """See `Way`."""
        return rng.permutation(rows)
