"""The evidence of a run: what its stages left, opened when a filter first asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.classes import Codes
from tinysieve.dataset.samples import Mask, SampleTable
from tinysieve.filtering.data_parameters.learnt_triage import LearntTriage
from tinysieve.filtering.evidence.boxes import Boxes
from tinysieve.filtering.evidence.crop_rule import RULES, CropRule
from tinysieve.filtering.evidence.image_quality import ImageQuality
from tinysieve.filtering.evidence.near_duplicates import DuplicateGroups
from tinysieve.filtering.evidence.neighbors import Neighbors
from tinysieve.filtering.evidence.presence_limits import PresenceLimits
from tinysieve.filtering.opinion import Opinions
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.engine.stages import Run
from tinysieve.pipeline.stages.data_parameters import learnt_triage
from tinysieve.pipeline.stages.detect import boxes_of
from tinysieve.pipeline.stages.embed import features_of
from tinysieve.pipeline.stages.image_model import margins_of
from tinysieve.pipeline.stages.image_quality import MEASURES
from tinysieve.pipeline.stages.ingest import samples_of
from tinysieve.pipeline.stages.near_duplicates import groups_of
from tinysieve.pipeline.stages.neighbors import NEIGHBOR_TABLE
from tinysieve.pipeline.stages.opinions import opinions_by
from tinysieve.pipeline.stages.out_of_fold import P_POSITIVE, trusted_labels


def rule_of(config: Config) -> CropRule:
    """The data set's rule of crop and area."""
    rule = config.dataset.rule
    return RULES[rule] if isinstance(rule, str) else rule


@dataclass(frozen=True)
class RunEvidence:
    """See `tinysieve.filtering.filter.Evidence`."""

    run: Run

    @cached_property
    def samples(self) -> SampleTable:
        return samples_of(self.run)

    @cached_property
    def trusted(self) -> Codes:
        return trusted_labels(self.samples)

    @property
    def seed(self) -> int:
        return self.run.config.seed

    @property
    def folds(self) -> int:
        return self.run.config.filter.folds

    @property
    def detector(self) -> str:
        return self.run.config.filter.detector.kind

    @property
    def head_class(self) -> str:
        return self.run.config.task.head_class

    @property
    def rule(self) -> CropRule:
        return rule_of(self.run.config)

    @property
    def box_limits(self) -> PresenceLimits:
        return self.run.config.filter.boxes

    @cached_property
    def boxes(self) -> tuple[Mask, Boxes]:
        return boxes_of(self.run, self.samples)

    @cached_property
    def features(self) -> NDArray[np.floating]:
        return features_of(self.run)

    @cached_property
    def neighbors(self) -> Neighbors:
        return NEIGHBOR_TABLE.of(self.run)

    @cached_property
    def groups(self) -> DuplicateGroups | None:
        return groups_of(self.run)

    @cached_property
    def p_positive(self) -> NDArray[np.float32]:
        return P_POSITIVE.of(self.run)

    @cached_property
    def quality(self) -> ImageQuality:
        return MEASURES.of(self.run)

    @cached_property
    def triage(self) -> LearntTriage:
        return learnt_triage(self.run, self.samples)

    @cached_property
    def image_model(self) -> NDArray[np.floating]:
        return margins_of(self.run)

    def opinions(self, name: str) -> Opinions:
        return opinions_by(name).of(self.run)
