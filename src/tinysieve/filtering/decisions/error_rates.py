"""How often given labels err, by class: read off where scores leave no doubt (Patrini et al. 2017, section 4.1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.classes import NEGATIVE, POSITIVE, Codes
from tinysieve.dataset.samples import Mask

Doubles = NDArray[np.float64]

# The share of each class, by the given labels, whose scores are taken as beyond doubt.
ANCHOR_SHARE = 0.5
HIGHEST_RATE = 0.45


@dataclass(frozen=True)
class ErrorRates:
    """How given labels err.

    Args:
        background_as_person: share of true backgrounds that are labelled person, [0, 0.5).
        person_as_background: share of true persons that are labelled background, [0, 0.5).
    """

    background_as_person: float
    person_as_background: float

    def odds_of(self, labels: Codes) -> Doubles:
        """log P(given | person) - log P(given | background), float64 [N]; 0 without a label."""
        person = np.log((1 - self.person_as_background) / self.background_as_person)
        background = np.log(self.person_as_background / (1 - self.background_as_person))
        return np.select([labels == POSITIVE, labels == NEGATIVE], [person, background], 0.0)


def rates_at_anchors(ranking: Doubles, given_person: Mask) -> ErrorRates:
    """Error rates of the labels of those that rank beyond doubt: the lowest and highest half of each class.

    A half count is added to each side, so that none found does not mean none possible.

    Args:
        ranking: float [N], higher where a person is more probable.
        given_person: bool [N].

    >>> rates_at_anchors(np.arange(12.0), np.arange(12) >= 6)
    ErrorRates(background_as_person=0.125, person_as_background=0.125)
    """
    order = np.argsort(ranking, kind="stable")
    persons = int(given_person.sum())
    low = given_person[order[: round(ANCHOR_SHARE * (len(order) - persons))]]
    high = given_person[order[len(order) - round(ANCHOR_SHARE * persons) :]]
    as_person = (low.sum() + 0.5) / (len(low) + 1)
    as_background = ((~high).sum() + 0.5) / (len(high) + 1)
    return ErrorRates(float(min(as_person, HIGHEST_RATE)), float(min(as_background, HIGHEST_RATE)))
