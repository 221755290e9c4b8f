"""What becomes of near-duplicates: one stays, the others are asked to go, and labels that contradict each other are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from tinysieve.dataset.classes import NEGATIVE, POSITIVE, UNLABELED, Codes
from tinysieve.dataset.samples import Mask, SampleTable
from tinysieve.filtering.evidence.near_duplicates import DuplicateGroups
from tinysieve.filtering.filter import BOXES, GROUPS, Evidence, Filter
from tinysieve.filtering.filters.disagreement import presence_under
from tinysieve.filtering.filters.pseudo_label import pseudo_label
from tinysieve.filtering.opinion import ASK_DROP, ASK_REVIEW, Opinions, opine
from tinysieve.ground.settings import Share


@dataclass(frozen=True)
class Duplicates(Filter):
    """When two images are one picture: hash and grey thumbnail, or (with neighbours) the similarity of their features."""

    enabled: bool = True
    hash_radius: Annotated[int, Field(ge=0, le=16)] = 8
    correlation: Share = 0.9
    look: Share = 0.9

    code_version = 2
    name = "duplicates"
    describes = "near-duplicates: asks to drop all but one, above all those of test images"

    @property
    def needs(self) -> tuple[str, ...]:
        """Groups of near-duplicates, and boxes, which say whose label is right where they differ."""
        return (GROUPS, BOXES)

    def opine(self, evidence: Evidence) -> Opinions:
        """See `duplicates`."""
        groups = evidence.groups
        assert groups is not None, "evidence that is needed is made"
        limits, samples = evidence.box_limits, evidence.samples
        seen = presence_under(evidence, evidence.rule, limits.negative)
        unasked = np.full(len(samples), UNLABELED, np.int8)
        return duplicates(groups, samples, pseudo_label(seen, unasked, limits, evidence.detector, samples.classes).proposed)


def duplicates(groups: DuplicateGroups, samples: SampleTable, seen: Codes) -> Opinions:
    """Ask to drop all of a group but the one that stays.

    Where labels of training images differ, no rank decides: the images go whose label the detector contradicts; where it says
    nothing, or both, all go to review.

    A filter never touches a held-out split: what stays of a group is its test image first, and the policy leaves the rest.
    The confidence is the similarity to the most similar of the group.

    Args:
        groups: of N samples.
        samples: the sample table.
        seen: int8 [N], the class that the detector votes for, ABSTAIN where for none.
    """
    labels, surplus = samples.labels, groups.shared & ~groups.kept
    differ = groups.touches(labels == NEGATIVE) & groups.touches(labels == POSITIVE)
    contested = differ & (labels > UNLABELED) & ~groups.touches(samples.in_split("test", "validation"))
    positive, negative = groups.touches(seen == POSITIVE), groups.touches(seen == NEGATIVE)
    supported = contested & (positive != negative) & (labels == np.where(positive, POSITIVE, NEGATIVE))
    decided = groups.touches(supported)
    cases = [
        (surplus & groups.touches(samples.in_split("test")), ASK_DROP, "near-duplicate of a test image"),
        (surplus & groups.touches(samples.in_split("validation")), ASK_DROP, "near-duplicate of a validation image"),
        (contested & decided & ~supported, ASK_DROP, "near-duplicate of an image whose other label the detector supports"),
        (contested & ~decided, ASK_REVIEW, "near-duplicates of it have the other label"),
        (supported & ~_first_of(groups, supported), ASK_DROP, "near-duplicate of an image that stays"),
        (surplus & ~supported, ASK_DROP, "near-duplicate of an image that stays"),
        (groups.shared & differ & ~contested & (labels > UNLABELED), ASK_REVIEW, "near-duplicates of it have the other label"),
    ]
    return opine("duplicates", "duplicates", cases, np.maximum(groups.similarity, 0), "no near-duplicate, or the one that stays")


def _first_of(groups: DuplicateGroups, rows: Mask) -> Mask:
    """bool [N]: of the rows of each group the one that stays, if it is among them, else the first."""
    order = np.lexsort((np.arange(len(rows)), ~groups.kept, groups.group))
    order = order[rows[order]]
    first = np.zeros(len(rows), bool)
    first[order[np.unique(groups.group[order], return_index=True)[1]]] = True
    return first


def leaks(groups: DuplicateGroups, samples: SampleTable, labels: np.ndarray) -> np.ndarray:
    """Rows that a model trains on under these labels and that are near-duplicates of test images.

    Args:
        groups: of N samples.
        samples: the sample table.
        labels: int8 [N] of a version; dropped and unlabeled rows do not train.

    Returns:
        int64 [L], rising.
    """
    trained = samples.in_split("train", "unlabeled") & (labels > UNLABELED)
    return np.flatnonzero(trained & groups.touches(samples.in_split("test")))
