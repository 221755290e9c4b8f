"""Stages `detect`, `embed`, `opinions`, `policy`: from version 0 to the mended version and the review queue."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from dataset.samples import BACKGROUND, CLASS_NAMES, DROPPED, PERSON, UNLABELED, Codes, Mask, SampleTable
from dataset.versions import apply_decisions
from filtering.decisions.human_review import write_review_queue
from filtering.decisions.policy import FollowDetector, Plan, TwoSignals, refuse_large_change
from filtering.evidence.boxes import Boxes, align, read_boxes
from filtering.evidence.crop_rule import RULES, CropRule, Presence, presence
from filtering.evidence.embeddings import read_embeddings
from filtering.opinions.disagreement import PresenceLimits, disagreement, pseudo_label, seed_rule
from filtering.opinions.opinion import Opinions
from filtering.opinions.out_of_fold import out_of_fold_probabilities
from filtering.opinions.probable_label import probable_label
from filtering.opinions.vote_table import vote_table
from pipeline.config import Config, CropRuleConfig, SeedPolicy
from pipeline.data_stages import samples_of, versions_of
from pipeline.evidence import detect, embed, evidence_fingerprints, head_probabilities
from pipeline.stages import Run, Stage

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
    made += _classifier_opinions(run, samples, folder)
    for one in made:
        one.save(folder / f"{one.filter}.parquet")
    return ""


def _classifier_opinions(run: Run, samples: SampleTable, folder: Path) -> list[Opinions]:
    filters, made = run.config.filter, []
    features = read_embeddings(run.at("embed") / EMBEDDINGS, len(samples))
    if filters.out_of_fold:
        trusted = np.where(samples.in_split("train"), samples.labels, np.int8(UNLABELED))
        rng = np.random.default_rng(run.config.seed)
        p_person = out_of_fold_probabilities(features, trusted, filters.folds, rng)
        np.save(folder / "out_of_fold.npy", p_person)
        made.append(probable_label(p_person, "out_of_fold", "out_of_fold", filters.out_of_fold_sure))
    if filters.presence_head and filters.detector.kind != "presence_head":
        p_person = head_probabilities(features)
        made.append(probable_label(p_person, "presence_head", "presence_head", filters.presence_head_sure))
    return made


def _policy(run: Run, folder: Path) -> str:
    samples, store, settings = samples_of(run), versions_of(run), run.config.policy
    first, eligible = store.load("0"), eligible_rows(run, samples)
    opinions = opinions_of(run)
    plan = _decide(run, opinions, first.labels, eligible)
    refuse_large_change(first.labels, plan.decisions, eligible, settings.max_change)
    frozen = frozenset() if settings.mend_validation else frozenset({"validation"})
    mended = apply_decisions(samples, first, plan.decisions, f"policy {settings.kind}", frozen)
    write_review_queue(folder / REVIEW_QUEUE, plan, samples, mended.labels)
    summary = {"policy": settings.kind, "filters": [asdict(row) for row in vote_table(opinions, first.labels, eligible)],
               "changes": _changes(first.labels, mended.labels, samples), "review": len(plan.review),
               "version": mended.id, "parent": first.id}
    (folder / "policy.json").write_text(json.dumps(summary, indent=1) + "\n")
    store.save(mended)
    return mended.id


def _decide(run: Run, opinions: Sequence[Opinions], labels: Codes, eligible: Mask) -> Plan:
    settings = run.config.policy
    if isinstance(settings, SeedPolicy):
        return FollowDetector().decide(opinions, labels, eligible)
    policy = TwoSignals(settings.flip_votes, settings.label_votes, settings.drop_confidence)
    return policy.decide(opinions, labels, eligible)


def _changes(old: Codes, new: Codes, samples: SampleTable) -> dict[str, int]:
    names = dict(zip((BACKGROUND, PERSON), CLASS_NAMES, strict=True)) | {UNLABELED: "none", DROPPED: "dropped"}
    changed, counts = old != new, {}
    for before in (PERSON, BACKGROUND, UNLABELED):
        for after in (PERSON, BACKGROUND, DROPPED):
            if before != after:
                counts[f"{names[before]} -> {names[after]}"] = int((changed & (old == before) & (new == after)).sum())
    return counts | {"left without a label": int((samples.in_split("unlabeled") & (new == UNLABELED)).sum())}


def _filter_settings(config: Config) -> object:
    return {"filter": config.filter.model_dump(mode="json", exclude={"detector"}), "rule": str(_rule(config)),
            "detector": config.filter.detector.kind, "seed": config.seed}


DETECT = Stage("detect", 1, ("ingest",), lambda config: config.filter.detector.model_dump(mode="json"),
               lambda run, folder: detect(run, folder, DETECTIONS),
               lambda run: evidence_fingerprints(run.config.filter.detector))
EMBED = Stage("embed", 1, ("ingest",), lambda config: {"backbone": "efficientnet-lite0"}, embed)
OPINIONS = Stage("opinions", 2, ("ingest", "detect", "embed"), _filter_settings, _opinions)
POLICY = Stage("policy", 1, ("ingest", "opinions"), lambda config: config.policy.model_dump(mode="json"), _policy)
