"""What a detector's boxes say of samples without a label."""

from __future__ import annotations

from dataclasses import dataclass

from tinysieve.dataset.classes import PERSON_TASK, UNLABELED, ClassNames, Codes
from tinysieve.filtering.evidence.crop_rule import Presence
from tinysieve.filtering.evidence.presence_limits import PresenceLimits
from tinysieve.filtering.filter import BOXES, Evidence, Filter
from tinysieve.filtering.filters.disagreement import presence_cases, presence_confidence, presence_under
from tinysieve.filtering.opinion import Opinions, opine


@dataclass(frozen=True)
class PseudoLabel(Filter):
    """The detector's opinion of unlabeled samples."""

    enabled: bool = True

    name = "pseudo_label"
    describes = "the detector's boxes where there is no label"

    @property
    def needs(self) -> tuple[str, ...]:
        """Boxes alone."""
        return (BOXES,)

    def opine(self, evidence: Evidence) -> Opinions:
        """See `pseudo_label`."""
        samples, limits = evidence.samples, evidence.box_limits
        seen = presence_under(evidence, evidence.rule, limits.negative)
        return pseudo_label(seen, samples.labels, limits, evidence.detector, samples.classes)


def pseudo_label(seen: Presence, labels: Codes, limits: PresenceLimits, signal: str,
                 classes: ClassNames = PERSON_TASK) -> Opinions:
    """The detector's opinion of unlabeled samples; abstains on small objects and doubtful boxes.

    Unlabeled images are not random: in Wake Vision most hold a person too small for the rule. Arguments as for `disagreement`.
    """
    return opine("pseudo_label", signal, presence_cases(seen, labels == UNLABELED, limits, classes), presence_confidence(seen),
                 "has a label, or not examined")
