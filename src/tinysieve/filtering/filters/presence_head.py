"""The shipped presence head as a witness beside a detector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tinysieve.filtering.filter import FEATURES, Evidence
from tinysieve.filtering.filters.probable_label import ProbabilityFilter


@dataclass(frozen=True)
class PresenceHead(ProbabilityFilter):
    """Votes of the shipped head; off where the head itself is the detector, which would be the same signal twice."""

    enabled: bool = True
    sure: Annotated[float, Field(ge=0.5, le=1)] = 0.8

    name = "presence_head"
    describes = "the shipped classifier of the positive class"

    @property
    def needs(self) -> tuple[str, ...]:
        """EfficientNet-Lite0's features."""
        return (FEATURES,)

    def probabilities(self, evidence: Evidence) -> NDArray[np.floating]:
        """The head on the stored features."""
        from tinysieve.filtering.evidence.presence_head import load_head

        return load_head(evidence.head_class).probabilities(evidence.features)
