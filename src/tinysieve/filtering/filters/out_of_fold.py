"""A classifier that has not seen a sample's label, against that label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinysieve.filtering.filter import OUT_OF_FOLD, Evidence
from tinysieve.filtering.filters.probable_label import ProbabilityFilter


@dataclass(frozen=True)
class OutOfFold(ProbabilityFilter):
    """Out-of-fold probabilities as votes."""

    enabled: bool = True

    name = "out_of_fold"
    describes = "a classifier on image features that has not seen the sample's label"

    @property
    def needs(self) -> tuple[str, ...]:
        """Out-of-fold probabilities."""
        return (OUT_OF_FOLD,)

    def probabilities(self, evidence: Evidence) -> NDArray[np.floating]:
        """As the stage `out-of-fold` left them."""
        return evidence.p_positive
