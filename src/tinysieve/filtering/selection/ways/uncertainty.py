"""Selection `uncertainty`: photos first of which the out-of-fold classifier is least sure."""

from __future__ import annotations

import numpy as np

from tinysieve.dataset.classes import Codes
from tinysieve.filtering.filter import OUT_OF_FOLD, Evidence
from tinysieve.filtering.selection.way import Rows, Way, highest_first


class Uncertainty(Way):
    """By the distance of the out-of-fold probability to one half."""

    name = "uncertainty"
    describes = "nearest to the border between the classes first"
    needs = (OUT_OF_FOLD,)

    def order(self, evidence: Evidence, rows: Rows, labels: Codes, rng: np.random.Generator) -> Rows:
        """See `Way`."""
        return highest_first(rows, -np.abs(evidence.p_positive[rows] - np.float32(0.5)))
