"""What the filters of a run have left: opinions, scores and measures, one folder a filter."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinysieve.filtering.decisions.policy import FollowDetector
from tinysieve.filtering.filters.seed_rule import SeedRule
from tinysieve.filtering.opinion import Opinions
from tinysieve.filtering.score import Score, read_scores
from tinysieve.pipeline.engine.artifacts import Artifact
from tinysieve.pipeline.engine.stages import Run

FOLDER = "filters"


def stage_name(filter_name: str) -> str:
    """Of the stage that runs a filter, which is also its folder."""
    return f"{FOLDER}/{filter_name}"


def opinions_by(filter_name: str) -> Artifact[Opinions]:
    """A filter's opinions."""
    return Artifact(stage_name(filter_name), "opinions.parquet", Opinions.load)


def scores_by(filter_name: str) -> Artifact[tuple[Score, ...]]:
    """A filter's scores for the consensus, if it has any."""
    return Artifact(stage_name(filter_name), "scores.npz", read_scores)


def measures_by(filter_name: str) -> Artifact[Mapping[str, NDArray[np.floating]]]:
    """A filter's measures by name, if it has any."""
    return Artifact(stage_name(filter_name), "measures.npz", _read_arrays)


def opinions_of(run: Run) -> list[Opinions]:
    """The opinions that the configured policy listens to, by name; those of filters that have finished."""
    follows_seed = isinstance(run.config.policy, FollowDetector)
    files = [opinions_by(entry.name) for entry in run.config.filter.active if (entry.name == SeedRule.name) == follows_seed]
    return sorted((file.of(run) for file in files if file.exists(run)), key=lambda opinions: opinions.filter)


def scores_of(run: Run) -> list[Score]:
    """All scores of a run that do not look at a sample's own label, in the order of the registry."""
    files = [scores_by(entry.name) for entry in run.config.filter.active]
    return [score for file in files if file.exists(run) for score in file.of(run)]


def _read_arrays(path: Path) -> Mapping[str, NDArray[np.floating]]:
    with np.load(path, allow_pickle=False) as stored:
        return dict(stored)
