"""What a detector's boxes say against (or for) a given label, in both directions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinysieve.dataset.classes import NEGATIVE, POSITIVE, UNLABELED, Codes
from tinysieve.filtering.evidence.crop_rule import NONE, NOT_EXAMINED, PERSON_PRESENT, TOO_SMALL, Presence
from tinysieve.filtering.opinion import ABSTAIN, Opinions, opine
from tinysieve.ground.errors import InputError


@dataclass(frozen=True)
class PresenceLimits:
    """When presence evidence is worth a vote.

    Args:
        person: a counting person box at or above this confidence votes person.
        background: no person box at or above this confidence votes background; between the two it abstains.
    """

    person: float
    background: float

    def __post_init__(self) -> None:
        if not 0 <= self.background <= self.person <= 1:
            raise InputError(f"limits background {self.background} and person {self.person} must be ordered in [0, 1]")


def disagreement(seen: Presence, labels: Codes, limits: PresenceLimits, signal: str) -> Opinions:
    """The detector's opinion of labelled samples; an examined image without any box is evidence of background.

    Args:
        seen: presence under the data set's crop-and-area rule, taken at confidence `limits.background`.
        labels: int8 [N]; samples without a label get no opinion here.
        limits: when to vote.
        signal: name of the detector.
    """
    return opine("disagreement", signal, _cases(seen, labels > UNLABELED, limits), _confidence(seen),
                 "without a label, or not examined")


def pseudo_label(seen: Presence, labels: Codes, limits: PresenceLimits, signal: str) -> Opinions:
    """The detector's opinion of unlabeled samples; abstains on small persons and doubtful boxes.

    Unlabeled images are not random: in Wake Vision most hold a person too small for the rule.
    """
    return opine("pseudo_label", signal, _cases(seen, labels == UNLABELED, limits), _confidence(seen),
                 "has a label, or not examined")


def seed_rule(seen: Presence, labels: Codes) -> Opinions:
    """The seed submission's rule: a person box means person, everything else means background.

    Args:
        seen: presence under the rule `any` at the threshold 0.3; unlabeled images need more than 0.4.
        labels: int8 [N].
    """
    person = seen.codes == PERSON_PRESENT
    unsure = person & (labels == UNLABELED) & (seen.confidence <= np.float32(0.4))
    cases = [
        (unsure, NEGATIVE, "person box at 0.4 or below: the rest is background"),
        (person, POSITIVE, "person box"),
        (np.ones(len(labels), bool), NEGATIVE, "no person box"),
    ]
    return opine("seed_rule", "detector", cases, np.ones(len(labels)), "never")


def _cases(seen: Presence, relevant: np.ndarray, limits: PresenceLimits) -> list[tuple[np.ndarray, int, str]]:
    sure = seen.confidence >= np.float32(limits.person)
    return [
        (~relevant | (seen.codes == NOT_EXAMINED), ABSTAIN, "not asked, or not examined"),
        ((seen.codes == PERSON_PRESENT) & sure, POSITIVE, "person box inside the crop, large enough"),
        (seen.codes == PERSON_PRESENT, ABSTAIN, "doubtful person box"),
        (seen.codes == TOO_SMALL, ABSTAIN, "only persons too small or outside the crop"),
        (seen.codes == NONE, NEGATIVE, "no person box"),
    ]


def _confidence(seen: Presence) -> np.ndarray:
    return np.where(seen.codes == NONE, 1 - seen.confidence, seen.confidence)
