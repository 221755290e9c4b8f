"""A classifier that has not seen a sample's label, against that label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from tinysieve.filtering.filter import OUT_OF_FOLD, Evidence, Filter
from tinysieve.filtering.filters.probable_label import probable_label
from tinysieve.filtering.opinion import Opinions
from tinysieve.filtering.score import Score, log_odds

NEAREST = 1e-3


@dataclass(frozen=True)
class OutOfFold(Filter):
    """Out-of-fold probabilities as votes."""

    enabled: bool = True
    sure: Annotated[float, Field(ge=0.5, le=1)] = 0.6

    name = "out_of_fold"
    describes = "a classifier on image features that has not seen the sample's label"

    @property
    def needs(self) -> tuple[str, ...]:
        """Out-of-fold probabilities."""
        return (OUT_OF_FOLD,)

    def opine(self, evidence: Evidence) -> Opinions:
        """Vote for the probable class; see `probable_label`."""
        return probable_label(evidence.p_positive, self.name, self.name, self.sure, evidence.samples.classes)

    def scores(self, evidence: Evidence, opinions: Opinions) -> tuple[Score, ...]:
        """The log-odds."""
        return (Score(self.name, self.name, log_odds(evidence.p_positive, NEAREST)),)
