"""What becomes of near-duplicates: one stays, the others are asked to go, and labels that contradict each other are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from tinysieve.dataset.classes import UNLABELED
from tinysieve.dataset.samples import SampleTable
from tinysieve.filtering.evidence.near_duplicates import DuplicateGroups
from tinysieve.filtering.filter import GROUPS, Evidence, Filter
from tinysieve.filtering.opinion import ASK_DROP, ASK_REVIEW, Opinions, opine
from tinysieve.ground.settings import Share


@dataclass(frozen=True)
class Duplicates(Filter):
    """When two images are one picture: hash and grey thumbnail, or (with neighbours) the similarity of their features."""

    enabled: bool = True
    hash_radius: Annotated[int, Field(ge=0, le=16)] = 8
    correlation: Share = 0.9
    look: Share = 0.9

    name = "duplicates"
    describes = "near-duplicates: asks to drop all but one, above all those of test images"

    @property
    def needs(self) -> tuple[str, ...]:
        """Groups of near-duplicates."""
        return (GROUPS,)

    def opine(self, evidence: Evidence) -> Opinions:
        """See `duplicates`."""
        groups = evidence.groups
        assert groups is not None, "evidence that is needed is made"
        return duplicates(groups, evidence.samples)


def duplicates(groups: DuplicateGroups, samples: SampleTable) -> Opinions:
    """Ask to drop all of a group but the one that stays, and to review what stays where labels within the group differ.

    A filter never touches a held-out split: what stays of a group is its test image first, and the policy leaves the rest.
    The confidence is the similarity to the most similar of the group.
    """
    labels, surplus = samples.labels, groups.shared & ~groups.kept
    differ = groups.touches(labels == 0) & groups.touches(labels == 1)
    cases = [
        (surplus & groups.touches(samples.in_split("test")), ASK_DROP, "near-duplicate of a test image"),
        (surplus & groups.touches(samples.in_split("validation")), ASK_DROP, "near-duplicate of a validation image"),
        (surplus, ASK_DROP, "near-duplicate of an image that stays"),
        (groups.shared & differ & (labels > UNLABELED), ASK_REVIEW, "near-duplicates of it have the other label"),
    ]
    return opine("duplicates", "duplicates", cases, np.maximum(groups.similarity, 0), "no near-duplicate, or the one that stays")


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
