"""How far a filter can be believed: the share of its votes against given labels that are right, with an interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.classes import UNLABELED, Codes
from tinysieve.dataset.samples import Mask
from tinysieve.filtering.opinion import Opinions
from tinysieve.ground.statistics import wilson_interval


@dataclass(frozen=True)
class Share:
    """A share in [0, 1] with its interval of 95 %."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class FilterPrecision:
    """What became of one filter's votes.

    Args:
        filter: its name.
        against: votes against a given label, count.
        precision: share of them that are right; None without any.
        recall: share of all wrong labels that it votes against; None where none is expected.
    """

    filter: str
    against: int
    precision: Share | None
    recall: float | None


def filter_precision(opinions: Sequence[Opinions], labels: Codes, eligible: Mask,
                     p_wrong: NDArray[np.floating]) -> list[FilterPrecision]:
    """Estimate each filter's precision and recall from probabilities of error (1 or 0 where a person has looked).

    The expected number of right votes is the sum of `p_wrong` over them; the interval is Wilson's for that many.

    Args:
        opinions: of N samples each.
        labels: int8 [N], given labels.
        eligible: bool [N].
        p_wrong: float [N] in [0, 1], probability that the given label is wrong.
    """
    labelled = eligible & (labels > UNLABELED)
    expected = float(p_wrong[labelled].sum())
    made = []
    for opinion in opinions:
        against = labelled & opinion.votes & (opinion.proposed != labels)
        right, votes = float(p_wrong[against].sum()), int(against.sum())
        made.append(FilterPrecision(opinion.filter, votes, wilson(right, votes) if votes else None,
                                    right / expected if expected > 0 else None))
    return made


def wilson(right: float, total: float) -> Share:
    """Wilson's score interval (Wilson 1927) at 95 %; counts may be expected ones and need not be whole.

    Raises:
        InputError: not 0 <= right <= total, or nothing was counted.

    >>> share = wilson(8, 10)
    >>> round(share.low, 3), round(share.high, 3)
    (0.49, 0.943)
    """
    interval = wilson_interval(right, total)
    return Share(min(right / total, 1.0), interval.low, interval.high)
