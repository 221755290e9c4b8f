"""Triage of trajectories: easy, hard, or in need of review. Every sample gets one of the three."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, ClassVar

import numpy as np
from pydantic import ConfigDict, Field

from tinysieve.dataset.classes import Codes
from tinysieve.filtering.data_parameters.trajectories import TrajectorySummary
from tinysieve.ground.errors import InputError

EASY, HARD, NEED_REVIEW = 0, 1, 2
TRIAGE_NAMES = ("easy", "hard", "need review")


@dataclass(frozen=True)
class TriageRule:
    """Limits on temperatures.

    Args:
        hard_above: hard where the final temperature is above this.
        review_peak: need review where it was once above this ...
        review_swing: ... and its extremes are further apart than this ...
        review_final: ... and it ended at this or lower: it looked wrong for a while and then was learnt.

    Raises:
        InputError: a limit is not positive, or the need for review would swallow what is hard.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    hard_above: Annotated[float, Field(gt=0)]
    review_peak: Annotated[float, Field(gt=0)]
    review_swing: Annotated[float, Field(ge=0)]
    review_final: Annotated[float, Field(gt=0)]

    def __post_init__(self) -> None:
        if min(self.hard_above, self.review_peak, self.review_final) <= 0 or self.review_swing < 0:
            raise InputError(f"{self} has a limit that is not positive", why="temperatures are above 0")
        if not self.review_final <= min(self.hard_above, self.review_peak):
            raise InputError(
                f"triage: review_final {self.review_final} is above review_peak {self.review_peak} "
                f"or hard_above {self.hard_above}", why="to need review a temperature must have come down again",
                fix="lower review_final",
            )  # fmt: skip


# The published rules of h10sheikh/DataEnrichment, named for the scripts they stand in. The first labels every sample there;
# the second leaves some without a word, and those are easy here, being neither hard nor in need of review. (It needs no swing:
# from above 1.5 to 1.0 is more than none.) The first wants an end below 1.0, the second 1.0 or lower; temperatures are float32.
_BELOW_ONE = float(np.nextafter(np.float32(1), np.float32(0)))
RULES: Mapping[str, TriageRule] = MappingProxyType({
    "tsne_plots": TriageRule(1.6, 1.6, 0.5, _BELOW_ONE),
    "easy_hard_and_need_review": TriageRule(2.0, 1.5, 0.0, 1.0),
})


def triage(summary: TrajectorySummary, rule: TriageRule) -> Codes:
    """EASY, HARD or NEED_REVIEW for every trajectory, int8 [N].

    >>> rose_and_fell = TrajectorySummary(*(np.float32([x]) for x in (0.8, 2.8, 0.8, 1.2)))
    >>> TRIAGE_NAMES[triage(rose_and_fell, RULES["tsne_plots"])[0]]
    'need review'
    """
    swing = summary.highest - summary.lowest
    review = (summary.highest > rule.review_peak) & (swing > rule.review_swing) & (summary.final <= rule.review_final)
    return np.select([review, summary.final > rule.hard_above], [np.int8(NEED_REVIEW), np.int8(HARD)], np.int8(EASY))
