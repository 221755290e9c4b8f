"""The seed submission's own rule, for comparison: only the policy `seed` listens to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinysieve.dataset.classes import NEGATIVE, PERSON_TASK, POSITIVE, UNLABELED, ClassNames, Codes
from tinysieve.filtering.evidence.crop_rule import PRESENT, RULES, Presence
from tinysieve.filtering.filter import BOXES, Evidence, Filter
from tinysieve.filtering.filters.disagreement import presence_under
from tinysieve.filtering.opinion import Opinions, opine

CONFIDENCE = 0.3


@dataclass(frozen=True)
class SeedRule(Filter):
    """Any box means the positive class, none the negative one."""

    enabled: bool = True

    name = "seed_rule"
    describes = "the seed submission's rule: any box decides"

    @property
    def needs(self) -> tuple[str, ...]:
        """Boxes alone."""
        return (BOXES,)

    def opine(self, evidence: Evidence) -> Opinions:
        """See `seed_rule`."""
        seen = presence_under(evidence, RULES["any"], CONFIDENCE)
        return seed_rule(seen, evidence.samples.labels, evidence.samples.classes)


def seed_rule(seen: Presence, labels: Codes, classes: ClassNames = PERSON_TASK) -> Opinions:
    """The seed submission's rule: a box means the positive class, everything else the negative one.

    Args:
        seen: presence under the rule `any` at the threshold 0.3; unlabeled images need more than 0.4.
        labels: int8 [N].
        classes: names for the reasons.
    """
    present, word = seen.codes == PRESENT, classes.positive
    unsure = present & (labels == UNLABELED) & (seen.confidence <= np.float32(0.4))
    cases = [
        (unsure, NEGATIVE, f"{word} box at 0.4 or below: the rest is {classes.negative}"),
        (present, POSITIVE, f"{word} box"),
        (np.ones(len(labels), bool), NEGATIVE, f"no {word} box"),
    ]
    return opine("seed_rule", "detector", cases, np.ones(len(labels)), "never")
