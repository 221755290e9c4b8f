"""A filter: one way to judge labels, as an object. Its fields are its settings, and a file and a line in the registry add one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict

from tinysieve.dataset.classes import Codes
from tinysieve.dataset.samples import Mask, SampleTable
from tinysieve.filtering.data_parameters.learnt_triage import LearntTriage
from tinysieve.filtering.evidence.boxes import Boxes
from tinysieve.filtering.evidence.crop_rule import CropRule
from tinysieve.filtering.evidence.image_quality import ImageQuality
from tinysieve.filtering.evidence.near_duplicates import DuplicateGroups
from tinysieve.filtering.evidence.neighbors import Neighbors
from tinysieve.filtering.evidence.presence_limits import PresenceLimits
from tinysieve.filtering.opinion import Opinions
from tinysieve.filtering.score import Score

# Kinds of evidence that a filter can ask for: each is made by one stage, and only where a filter that is on needs it.
BOXES, FEATURES, NEIGHBORS, GROUPS = "boxes", "features", "neighbors", "groups"
OUT_OF_FOLD, QUALITY, TRIAGE, IMAGE_MODEL = "out_of_fold", "quality", "triage", "image_model"
KINDS = (BOXES, FEATURES, NEIGHBORS, GROUPS, OUT_OF_FOLD, QUALITY, TRIAGE, IMAGE_MODEL)


class Evidence(Protocol):
    """What is known of N samples, each opened when it is first asked for.

    A filter may ask only for the kinds that it names in `needs`, for the sample table, and for opinions it names in `listens_to`.
    """

    @property
    def samples(self) -> SampleTable:
        """The sample table, with the labels as the source gave them and the names of the classes."""
    @property
    def trusted(self) -> Codes:
        """int8 [N]: the given labels of the train split, UNLABELED elsewhere: what may teach."""
    @property
    def seed(self) -> int:
        """Of everything random."""
    @property
    def detector(self) -> str:
        """Kind of the detector: the signal of everything that rests on boxes."""
    @property
    def head_class(self) -> str:
        """Class of the shipped presence head."""
    @property
    def rule(self) -> CropRule:
        """The data set's rule of crop and area."""
    @property
    def box_limits(self) -> PresenceLimits:
        """When boxes are sure enough for a vote."""
    @property
    def boxes(self) -> tuple[Mask, Boxes]:
        """bool [N], examined at all; and the boxes of N images."""
    @property
    def features(self) -> NDArray[np.floating]:
        """float [N, D], a read-only memory map."""
    @property
    def neighbors(self) -> Neighbors:
        """The most similar images of each."""
    @property
    def groups(self) -> DuplicateGroups | None:
        """Near-duplicates; None where nobody looks for them."""
    @property
    def p_positive(self) -> NDArray[np.float32]:
        """float32 [N], out-of-fold probability of the positive class."""
    @property
    def folds(self) -> int:
        """Parts of cross-validation."""
    @property
    def quality(self) -> ImageQuality:
        """Measures of the packed pixels."""
    @property
    def triage(self) -> LearntTriage:
        """What learnt temperatures say of each sample."""
    @property
    def image_model(self) -> NDArray[np.floating]:
        """float [N], log-odds of the positive class as the user's own model gives them."""

    def opinions(self, name: str) -> Opinions:
        """Of another filter that this one listens to."""


@dataclass(frozen=True)
class Filter(ABC):
    """One way to judge labels.

    Subclasses are frozen dataclasses whose fields are their settings, checked by pydantic when a configuration is read; `name` is
    their key under `filter` in the configuration, the name of their opinions and of their stage.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    enabled: bool = False

    name: ClassVar[str]
    describes: ClassVar[str]
    code_version: ClassVar[int] = 1

    @property
    @abstractmethod
    def needs(self) -> tuple[str, ...]:
        """Kinds of evidence that it reads, of KINDS."""

    @property
    def listens_to(self) -> tuple[str, ...]:
        """Names of other filters whose opinions it reads."""
        return ()

    @property
    def fingerprints(self) -> Mapping[str, str]:
        """Digests, by name, of files that it reads beside the evidence."""
        return {}

    @abstractmethod
    def opine(self, evidence: Evidence) -> Opinions:
        """What it thinks of every sample."""

    def scores(self, evidence: Evidence, opinions: Opinions) -> tuple[Score, ...]:
        """What the consensus weighs: made without looking at a sample's own label. Nothing, unless a filter says otherwise."""
        return ()

    def measures(self, evidence: Evidence) -> Mapping[str, NDArray[np.floating]]:
        """Numbers by name, float [N] each, that other tools show."""
        return {}
