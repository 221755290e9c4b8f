"""What a detector's boxes say against (or for) a given label, in both directions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinysieve.dataset.classes import NEGATIVE, PERSON_TASK, POSITIVE, UNLABELED, ClassNames, Codes
from tinysieve.dataset.samples import Mask
from tinysieve.filtering.evidence.box_scores import BoxScores, box_scores
from tinysieve.filtering.evidence.crop_rule import NONE, NOT_EXAMINED, PRESENT, TOO_SMALL, CropRule, Presence, presence
from tinysieve.filtering.evidence.presence_limits import PresenceLimits
from tinysieve.filtering.filter import BOXES, Evidence, Filter
from tinysieve.filtering.opinion import ABSTAIN, Opinions, opine
from tinysieve.filtering.score import Score, log_odds

# Probabilities this near to 0 or 1 count as that: a detector's 0.02 says no less than its 0.
_NEAREST_BOX, _SMALLEST_AREA = 0.02, 0.002


@dataclass(frozen=True)
class Disagreement(Filter):
    """The detector's boxes against given labels, and its scores for the consensus."""

    enabled: bool = True

    name = "disagreement"
    describes = "the detector's boxes against the given label"

    @property
    def needs(self) -> tuple[str, ...]:
        """Boxes alone."""
        return (BOXES,)

    def opine(self, evidence: Evidence) -> Opinions:
        """See `disagreement`."""
        samples, limits = evidence.samples, evidence.box_limits
        seen = presence_under(evidence, evidence.rule, limits.negative)
        return disagreement(seen, samples.labels, limits, evidence.detector, samples.classes)

    def scores(self, evidence: Evidence, opinions: Opinions) -> tuple[Score, ...]:
        """See `detector_scores`."""
        samples, (examined, boxes) = evidence.samples, evidence.boxes
        seen = box_scores(boxes, examined, samples.numbers("width"), samples.numbers("height"), evidence.rule,
                          evidence.box_limits.negative)
        return detector_scores(seen, evidence.detector)


def presence_under(evidence: Evidence, rule: CropRule, threshold: float) -> Presence:
    """What the boxes mean under a rule of crop and area, with boxes from `threshold` on."""
    samples, (examined, boxes) = evidence.samples, evidence.boxes
    return presence(boxes, examined, samples.numbers("width"), samples.numbers("height"), rule, threshold)


def disagreement(seen: Presence, labels: Codes, limits: PresenceLimits, signal: str,
                 classes: ClassNames = PERSON_TASK) -> Opinions:
    """The detector's opinion of labelled samples; an examined image without any box is evidence of the negative class.

    Args:
        seen: presence under the data set's crop-and-area rule, taken at confidence `limits.negative`.
        labels: int8 [N]; samples without a label get no opinion here.
        limits: when to vote.
        signal: name of the detector.
        classes: names for the reasons.
    """
    return opine("disagreement", signal, presence_cases(seen, labels > UNLABELED, limits, classes), presence_confidence(seen),
                 "without a label, or not examined")


def presence_cases(seen: Presence, relevant: Mask, limits: PresenceLimits,
                   classes: ClassNames) -> Sequence[tuple[Mask, int, str]]:
    """Cases of `opine` for the samples that are relevant, bool [N]."""
    sure, word = seen.confidence >= np.float32(limits.positive), classes.positive
    return [
        (~relevant | (seen.codes == NOT_EXAMINED), ABSTAIN, "not asked, or not examined"),
        ((seen.codes == PRESENT) & sure, POSITIVE, f"{word} box inside the crop, large enough"),
        (seen.codes == PRESENT, ABSTAIN, f"doubtful {word} box"),
        (seen.codes == TOO_SMALL, ABSTAIN, f"only {word} boxes too small or outside the crop"),
        (seen.codes == NONE, NEGATIVE, f"no {word} box"),
    ]


def presence_confidence(seen: Presence) -> np.ndarray:
    """float [N]: how sure the boxes are of what they say."""
    return np.where(seen.codes == NONE, 1 - seen.confidence, seen.confidence)


def detector_scores(seen: BoxScores, signal: str) -> tuple[Score, ...]:
    """The best box's log-odds, whether there is any, and the logarithm of its area."""
    silent, any_box = np.isnan(seen.confidence), seen.confidence > 0
    area = np.where(any_box, np.log(np.maximum(seen.area_fraction, _SMALLEST_AREA) / _SMALLEST_AREA), 0.0)
    return (Score("box", signal, log_odds(seen.confidence, _NEAREST_BOX)),
            Score("any_box", signal, np.where(silent, np.nan, any_box.astype(np.float64))),
            Score("box_area", signal, np.where(silent, np.nan, area)))
