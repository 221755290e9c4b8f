"""Selection `representativeness`: photos that stand for many first."""

from __future__ import annotations

import numpy as np

from tinysieve.dataset.classes import Codes
from tinysieve.filtering.evidence.typicality import representativeness
from tinysieve.filtering.filter import FEATURES, Evidence
from tinysieve.filtering.selection.way import Rows, Way, highest_first

CLUSTERS = 20


class Representativeness(Way):
    """By the distance to the centre of a cluster of the photos to choose from."""

    name = "representativeness"
    describes = "nearest to the centre of its cluster first"
    needs = (FEATURES,)

    def order(self, evidence: Evidence, rows: Rows, labels: Codes, rng: np.random.Generator) -> Rows:
        """See `Way`."""
        return highest_first(rows, representativeness(evidence.features[rows], min(CLUSTERS, len(rows)), rng))
