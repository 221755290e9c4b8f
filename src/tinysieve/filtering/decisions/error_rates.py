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
# Measured on 71 thousand verified rows of Wake Vision: shares of wrong labels among true backgrounds and true persons. They count
# as this many labels of each class; a hundred labels say more.
USUAL_RATES, USUAL_LABELS = (0.074, 0.053), 15


@dataclass(frozen=True)
class ErrorRates:
    """How given labels err.

    Args:
        negative_as_positive: share of true negatives that are labelled positive, [0, 0.5).
        positive_as_negative: share of true positives that are labelled negative, [0, 0.5).
    """

    negative_as_positive: float
    positive_as_negative: float

    def odds_of(self, labels: Codes) -> Doubles:
        """log P(given | positive) - log P(given | negative), float64 [N]; 0 without a label."""
        positive = np.log((1 - self.positive_as_negative) / self.negative_as_positive)
        negative = np.log(self.positive_as_negative / (1 - self.negative_as_positive))
        return np.select([labels == POSITIVE, labels == NEGATIVE], [positive, negative], 0.0)


def rates_at_anchors(ranking: Doubles, given_positive: Mask) -> ErrorRates:
    """Error rates of the labels of those that rank beyond doubt: the lowest and highest half of each class.

    The usual rates count as a few labels of each class, so that none found does not mean none possible.

    Args:
        ranking: float [N], higher where the class is more probable.
        given_positive: bool [N].

    >>> rates = rates_at_anchors(np.arange(12.0), np.arange(12) >= 6)  # (0 + 0.074 * 15) / (3 + 15) on one side
    >>> round(rates.negative_as_positive, 4), round(rates.positive_as_negative, 4)
    (0.0617, 0.0442)
    """
    order = np.argsort(ranking, kind="stable")
    positives = int(given_positive.sum())
    low = given_positive[order[: round(ANCHOR_SHARE * (len(order) - positives))]]
    high = given_positive[order[len(order) - round(ANCHOR_SHARE * positives) :]]
    shares = [(wrong.sum() + usual * USUAL_LABELS) / (len(wrong) + USUAL_LABELS)
              for wrong, usual in zip((low, ~high), USUAL_RATES, strict=True)]
    return ErrorRates(*(float(min(share, HIGHEST_RATE)) for share in shares))
