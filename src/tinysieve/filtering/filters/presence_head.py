"""The shipped presence head as a witness beside a detector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tinysieve.filtering.filter import FEATURES, Evidence, Filter
from tinysieve.filtering.filters.probable_label import probable_label
from tinysieve.filtering.opinion import Opinions
from tinysieve.filtering.score import Score, log_odds

NEAREST = 1e-3


@dataclass(frozen=True)
class PresenceHead(Filter):
    """Votes of the shipped head; off where the head itself is the detector, which would be the same signal twice."""

    enabled: bool = True
    sure: Annotated[float, Field(ge=0.5, le=1)] = 0.8

    name = "presence_head"
    describes = "the shipped classifier of the positive class"

    @property
    def needs(self) -> tuple[str, ...]:
        """EfficientNet-Lite0's features."""
        return (FEATURES,)

    def opine(self, evidence: Evidence) -> Opinions:
        """Vote for the probable class; see `probable_label`."""
        return probable_label(_probabilities(evidence), self.name, self.name, self.sure, evidence.samples.classes)

    def scores(self, evidence: Evidence, opinions: Opinions) -> tuple[Score, ...]:
        """The log-odds."""
        return (Score(self.name, self.name, log_odds(_probabilities(evidence), NEAREST)),)


def _probabilities(evidence: Evidence) -> NDArray[np.float32]:
    from tinysieve.filtering.evidence.presence_head import load_head

    return load_head(evidence.head_class).probabilities(evidence.features)
