"""Selection `uniqueness`: photos unlike all others first, copies last."""

from __future__ import annotations

import numpy as np

from tinysieve.dataset.classes import Codes
from tinysieve.filtering.evidence.typicality import uniqueness
from tinysieve.filtering.filter import NEIGHBORS, Evidence
from tinysieve.filtering.selection.way import Rows, Way, highest_first


class Uniqueness(Way):
    """By the distance to the nearest look-alikes, among all photos of the run."""

    name = "uniqueness"
    describes = "farthest from its nearest look-alikes first"
    needs = (NEIGHBORS,)

    def order(self, evidence: Evidence, rows: Rows, labels: Codes, rng: np.random.Generator) -> Rows:
        """See `Way`."""
        return highest_first(rows, uniqueness(evidence.neighbors)[rows])
