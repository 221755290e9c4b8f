"""Selection `label_quality`: labels first that the out-of-fold classifier confirms."""

from __future__ import annotations

import numpy as np

from tinysieve.dataset.classes import POSITIVE, Codes
from tinysieve.filtering.filter import OUT_OF_FOLD, Evidence
from tinysieve.filtering.selection.way import Rows, Way, highest_first


class LabelQuality(Way):
    """By the out-of-fold probability of the label; alone it takes the easiest photos, with `keep` it leaves the doubtful out."""

    name = "label_quality"
    describes = "most probable labels first"
    needs = (OUT_OF_FOLD,)

    def order(self, evidence: Evidence, rows: Rows, labels: Codes, rng: np.random.Generator) -> Rows:
        """See `Way`."""
        probable = evidence.p_positive[rows]
        return highest_first(rows, np.where(labels == POSITIVE, probable, 1 - probable))
