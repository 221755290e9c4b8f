"""Opinions from any classifier's probabilities: out-of-fold, presence head, or a file."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tinysieve.dataset.classes import NEGATIVE, PERSON_TASK, POSITIVE, ClassNames
from tinysieve.filtering.filter import Evidence, Filter
from tinysieve.filtering.opinion import ABSTAIN, Opinions, opine
from tinysieve.filtering.score import Score, log_odds
from tinysieve.ground.errors import InputError

# Probabilities this near to 0 or 1 count as that.
NEAREST = 1e-3


@dataclass(frozen=True)
class ProbabilityFilter(Filter):
    """A filter that is a classifier: votes where it is sure, and scores with its log-odds."""

    sure: Annotated[float, Field(ge=0.5, le=1)] = 0.6

    @abstractmethod
    def probabilities(self, evidence: Evidence) -> NDArray[np.floating]:
        """float [N] in [0, 1], probability of the positive class; NaN where there is none."""

    def opine(self, evidence: Evidence) -> Opinions:
        """Vote for the probable class; see `probable_label`."""
        return probable_label(self.probabilities(evidence), self.name, self.name, self.sure, evidence.samples.classes)

    def scores(self, evidence: Evidence, opinions: Opinions) -> tuple[Score, ...]:
        """The log-odds."""
        return (Score(self.name, self.name, log_odds(self.probabilities(evidence), NEAREST)),)


def probable_label(p_positive: NDArray[np.floating], name: str, signal: str, sure: float,
                   classes: ClassNames = PERSON_TASK) -> Opinions:
    """Vote for the probable class where its probability is at least `sure`.

    Args:
        p_positive: float [N], probability of the positive class; NaN where there is none.
        name: name of the filter.
        signal: what the probabilities rest on.
        sure: in [0.5, 1].
        classes: names for the reasons.

    Raises:
        InputError: `sure` or a probability is out of range.
    """
    if not 0.5 <= sure <= 1:
        raise InputError(f"limit {sure} of filter '{name}' is not in [0.5, 1]")
    known = ~np.isnan(p_positive)
    if ((p_positive < 0) | (p_positive > 1)).any():
        raise InputError(f"filter '{name}' got a probability outside [0, 1]")
    filled = np.where(known, p_positive, 0.5)
    cases = [
        (~known, ABSTAIN, f"{name} has not seen it"),
        (filled >= sure, POSITIVE, f"{name} says {classes.positive}"),
        (filled <= 1 - sure, NEGATIVE, f"{name} says {classes.negative}"),
    ]
    return opine(name, signal, cases, np.maximum(filled, 1 - filled), f"{name} is not sure")
