"""Stages `detect`, `embed`, `opinions`, `policy`: from version 0 to the mended version and the review queue."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import typer
from numpy.typing import NDArray

from tinysieve.dataset.classes import DROPPED, LABEL_WORDS, NEGATIVE, POSITIVE, UNLABELED, Codes
from tinysieve.dataset.samples import Mask, SampleTable
from tinysieve.dataset.versions import apply_decisions
from tinysieve.filtering.decisions.consensus import Beliefs
from tinysieve.filtering.decisions.human_review import write_review_queue
from tinysieve.filtering.decisions.policy import FollowDetector, Plan, TwoSignals, refuse_large_change
from tinysieve.filtering.decisions.vote_table import vote_table
from tinysieve.filtering.evidence.boxes import Boxes, align, read_boxes
from tinysieve.filtering.evidence.crop_rule import RULES, CropRule, Presence, presence
from tinysieve.filtering.evidence.embeddings import read_embeddings
from tinysieve.filtering.filters.disagreement import PresenceLimits, disagreement, pseudo_label, seed_rule
from tinysieve.filtering.filters.probable_label import probable_label
from tinysieve.filtering.label_errors.label_errors import label_error_opinions
from tinysieve.filtering.opinion import Opinions
from tinysieve.pipeline.config.sections import Config, ConsensusPolicy, CropRuleConfig, DefaultPolicy, SeedPolicy
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.stages import Run, Stage
from tinysieve.pipeline.stages.consensus import (
    BELIEFS,
    answers_fingerprint,
    beliefs_of,
    consensus_of,
    precision_table,
    save_beliefs,
)
from tinysieve.pipeline.stages.data_parameters import temperature_opinions
from tinysieve.pipeline.stages.detect import detect, evidence_fingerprints, head_probabilities
from tinysieve.pipeline.stages.embed import backbone_fingerprint, backbone_settings, embed
from tinysieve.pipeline.stages.image_opinions import depiction_opinions, find_groups, find_neighbors, look_alike_opinions
from tinysieve.pipeline.stages.ingest import samples_of, versions_of
from tinysieve.pipeline.stages.out_of_fold import person_probabilities
from tinysieve.pipeline.stages.scores import OUT_OF_FOLD, save_scores

DETECTIONS, EMBEDDINGS, REVIEW_QUEUE = "detections.parquet", "embeddings.npy", "review_queue.csv"
SEED_RULE = "seed_rule"
SEED_CONFIDENCE = 0.3


def opinions_of(run: Run) -> list[Opinions]:
    """The opinions that the configured policy listens to."""
    files = sorted(run.at("opinions").glob("*.parquet"))
    follows_seed = isinstance(run.config.policy, SeedPolicy)
    return [Opinions.load(path) for path in files if (path.stem == SEED_RULE) == follows_seed]


def eligible_rows(run: Run, samples: SampleTable) -> Mask:
    """bool [N]: rows that the policy may change; never the test split."""
    mended = ("train", "unlabeled", "validation") if run.config.policy.mend_validation else ("train", "unlabeled")
    return samples.in_split(*mended)


def presence_of(run: Run, samples: SampleTable, boxes: Boxes, examined: Mask, rule: CropRule, threshold: float) -> Presence:
    """What the crop-and-area rule makes of the boxes."""
    return presence(boxes, examined, samples.numbers("width"), samples.numbers("height"), rule, threshold)


def _rule(config: Config) -> CropRule:
    rule = config.dataset.rule
    return CropRule(rule.crop, rule.min_area) if isinstance(rule, CropRuleConfig) else RULES[rule]


def _opinions(run: Run, folder: Path) -> str:
    samples, filters = samples_of(run), run.config.filter
    labels = samples.labels
    examined, boxes = align(read_boxes(run.at("detect") / DETECTIONS), samples.sample_ids)
    limits = PresenceLimits(filters.person_confidence, filters.background_confidence)
    seen = presence_of(run, samples, boxes, examined, _rule(run.config), limits.background)
    signal = filters.detector.kind
    made = [disagreement(seen, labels, limits, signal), pseudo_label(seen, labels, limits, signal)]
    made.append(seed_rule(presence_of(run, samples, boxes, examined, RULES["any"], SEED_CONFIDENCE), labels))
    features = read_embeddings(run.at("embed") / EMBEDDINGS, len(samples))
    near = find_neighbors(run, features)
    groups = find_groups(run, samples, near, folder)
    made += look_alike_opinions(run, samples, features, near, groups, folder)
    made += _classifier_opinions(run, samples, folder, None if groups is None else groups.group)
    p_positive = np.load(folder / OUT_OF_FOLD) if filters.out_of_fold else None
    made += depiction_opinions(run, samples, features, made[0], p_positive)
    made += temperature_opinions(run, samples, folder)
    save_scores(run, samples, boxes, examined, _rule(run.config), features, folder)
    for one in made:
        one.save(folder / f"{one.filter}.parquet")
    return ""


def _classifier_opinions(run: Run, samples: SampleTable, folder: Path,
                         groups: NDArray[np.int64] | None) -> list[Opinions]:
    filters, made = run.config.filter, []
    features = read_embeddings(run.at("embed") / EMBEDDINGS, len(samples))
    if filters.out_of_fold:
        trusted = np.where(samples.in_split("train"), samples.labels, np.int8(UNLABELED))
        p_positive = person_probabilities(run, features, trusted, groups)
        np.save(folder / OUT_OF_FOLD, p_positive)
        made.append(probable_label(p_positive, "out_of_fold", "out_of_fold", filters.out_of_fold_sure))
        if filters.label_errors:
            made.append(label_error_opinions(p_positive, trusted, filters.label_errors_by))
    if filters.presence_head and filters.detector.kind != "presence_head":
        p_positive = head_probabilities(features)
        made.append(probable_label(p_positive, "presence_head", "presence_head", filters.presence_head_sure))
    return made


def _policy(run: Run, folder: Path) -> str:
    with progress("policy"):
        return _decided(run, folder)


def _decided(run: Run, folder: Path) -> str:
    samples, store, settings = samples_of(run), versions_of(run), run.config.policy
    first, eligible = store.load("0"), eligible_rows(run, samples)
    opinions = opinions_of(run)
    beliefs = beliefs_of(run, samples, first.labels, opinions) if isinstance(settings, ConsensusPolicy) else None
    plan = _decide(run, opinions, beliefs, first.labels, eligible)
    refuse_large_change(first.labels, plan.decisions, eligible, settings.max_change)
    frozen = frozenset() if settings.mend_validation else frozenset({"validation"})
    mended = apply_decisions(samples, first, plan.decisions, f"policy {settings.kind}", frozen)
    write_review_queue(folder / REVIEW_QUEUE, plan, samples, mended.labels)
    summary = {"policy": settings.kind, "filters": [asdict(row) for row in vote_table(opinions, first.labels, eligible)],
               "precision": precision_table(run, samples, first.labels, opinions, eligible, beliefs),
               "changes": _changes(first.labels, mended.labels, samples), "review": len(plan.review),
               "version": mended.id, "parent": first.id}
    if beliefs is not None:
        summary["model"] = beliefs.model.describe()
        save_beliefs(beliefs, first.labels, folder / BELIEFS)
    (folder / "policy.json").write_text(json.dumps(summary, indent=1) + "\n")
    if left := store.advance(mended):
        typer.echo(f"what was decided on top of the earlier version ({', '.join(left)}) is no part of the new one: import the "
                   f"decisions again, or 'tinysieve checkout {left[-1]}' to go on from there", err=True)
    return mended.id


def _decide(run: Run, opinions: Sequence[Opinions], beliefs: Beliefs | None, labels: Codes, eligible: Mask) -> Plan:
    settings = run.config.policy
    if isinstance(settings, ConsensusPolicy) and beliefs is not None:
        return consensus_of(settings).decide(opinions, beliefs, labels, eligible)
    if isinstance(settings, SeedPolicy):
        return FollowDetector().decide(opinions, labels, eligible)
    assert isinstance(settings, DefaultPolicy)
    policy = TwoSignals(settings.flip_votes, settings.label_votes, settings.drop_confidence)
    return policy.decide(opinions, labels, eligible)


def _changes(old: Codes, new: Codes, samples: SampleTable) -> dict[str, int]:
    names = {**LABEL_WORDS, UNLABELED: "none"}
    changed, counts = old != new, {}
    for before in (POSITIVE, NEGATIVE, UNLABELED):
        for after in (POSITIVE, NEGATIVE, DROPPED):
            if before != after:
                counts[f"{names[before]} -> {names[after]}"] = int((changed & (old == before) & (new == after)).sum())
    return counts | {"left without a label": int((samples.in_split("unlabeled") & (new == UNLABELED)).sum())}


def _filter_settings(config: Config) -> object:
    return {"filter": config.filter.model_dump(mode="json", exclude={"detector"}), "rule": str(_rule(config)),
            "detector": config.filter.detector.kind, "seed": config.seed}


def _detector_settings(config: Config) -> object:
    """Without where weights or boxes lie: what they give hangs on their bytes, which are in the fingerprints."""
    return config.filter.detector.model_dump(mode="json", exclude={"weights", "file"})


DETECT = Stage("detect", 1, ("ingest",), _detector_settings,
               lambda run, folder: detect(run, folder, DETECTIONS),
               lambda run: evidence_fingerprints(run.config))
EMBED = Stage("embed", 1, ("ingest",), backbone_settings, embed, backbone_fingerprint)
OPINIONS = Stage("opinions", 5, ("ingest", "detect", "embed"), _filter_settings, _opinions)
POLICY = Stage("policy", 6, ("ingest", "opinions"), lambda config: config.policy.model_dump(mode="json"), _policy,
               lambda run: answers_fingerprint(run.config.policy))
