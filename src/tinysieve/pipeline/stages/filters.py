"""Stages `filters/<name>`: one a filter, after the stages that make the evidence which some filter needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from tinysieve.filtering.filter import (
    BOXES,
    FEATURES,
    GROUPS,
    IMAGE_MODEL,
    NEIGHBORS,
    OUT_OF_FOLD,
    QUALITY,
    TRIAGE,
    Filter,
)
from tinysieve.filtering.filters.duplicates import Duplicates
from tinysieve.filtering.score import save_scores
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.stages import Run, Stage
from tinysieve.pipeline.stages import data_parameters, image_model, image_quality, neighbors
from tinysieve.pipeline.stages.detect import DETECT
from tinysieve.pipeline.stages.embed import EMBED
from tinysieve.pipeline.stages.libraries import LEARNING
from tinysieve.pipeline.stages.near_duplicates import near_duplicates_stage
from tinysieve.pipeline.stages.opinions import measures_by, opinions_by, scores_by, stage_name
from tinysieve.pipeline.stages.out_of_fold import out_of_fold_stage
from tinysieve.pipeline.stages.run_evidence import RunEvidence, rule_of

# In the order in which the stages run: what a later one reads, an earlier one has made.
EVIDENCE: Mapping[str, Callable[[Config], Stage]] = {
    BOXES: lambda config: DETECT, FEATURES: lambda config: EMBED, NEIGHBORS: lambda config: neighbors.NEIGHBORS,
    GROUPS: near_duplicates_stage, OUT_OF_FOLD: out_of_fold_stage, QUALITY: lambda config: image_quality.IMAGE_QUALITY,
    TRIAGE: lambda config: data_parameters.DATA_PARAMETERS, IMAGE_MODEL: lambda config: image_model.IMAGE_MODEL,
}


def evidence_stages(config: Config, *wanted: str) -> tuple[Stage, ...]:
    """The stages that make the wanted kinds of evidence, and what those read themselves."""
    stages = {kind: make(config) for kind, make in EVIDENCE.items()}
    names = {stages[kind].name for kind in wanted}
    for stage in reversed(stages.values()):
        if stage.name in names:
            names |= set(stage.needs)
    return tuple(stage for stage in stages.values() if stage.name in names)


def made_kinds(config: Config) -> set[str]:
    """Kinds of evidence that the filters of a configuration need; near-duplicates only where their own filter is on."""
    kinds = {kind for judge in config.filter.active for kind in judge.needs}
    return kinds if any(isinstance(judge, Duplicates) for judge in config.filter.active) else kinds - {GROUPS}


def filter_stages(config: Config) -> tuple[Stage, ...]:
    """One stage a filter that is on; a filter that listens to others comes after them."""
    made, left = [], list(config.filter.active)
    names = {entry.name for entry in left}
    while left:
        ready = [entry for entry in left if not set(entry.listens_to) & {other.name for other in left}]
        made += ready or left
        left = [entry for entry in left if entry not in (ready or left)]
    return tuple(_stage(entry, config, names) for entry in made)


def _stage(judge: Filter, config: Config, names: set[str]) -> Stage:
    made = made_kinds(config)
    needs = [EVIDENCE[kind](config).name for kind in judge.needs if kind in made]
    needs += [stage_name(other) for other in judge.listens_to if other in names]
    return Stage(stage_name(judge.name), judge.code_version, ("ingest", *needs), lambda config: _settings(judge, config),
                 lambda run, folder: _work(judge, run, folder), lambda run: judge.fingerprints,
                 (*LEARNING, "pyarrow"))


def _settings(judge: Filter, config: Config) -> object:
    """What its opinions depend on beside the evidence."""
    settings = {"filter": TypeAdapter(type(judge)).dump_python(judge, mode="json"), "seed": config.seed,
                "folds": config.filter.folds}
    if BOXES in judge.needs:
        limits = config.filter.boxes
        settings["boxes"] = {"rule": str(rule_of(config)), "detector": config.filter.detector.kind,
                             "positive": limits.positive, "negative": limits.negative}
    return settings


def _work(judge: Filter, run: Run, folder: Path) -> str:
    evidence = RunEvidence(run)
    with progress(judge.name):
        opinions = judge.opine(evidence)
        scores, measures = judge.scores(evidence, opinions), judge.measures(evidence)
    opinions.save(folder / opinions_by(judge.name).file)
    if scores:
        save_scores(scores, folder / scores_by(judge.name).file)
    if measures:
        np.savez(folder / measures_by(judge.name).file, **measures)  # type: ignore[arg-type]
    return ""
