"""A small run folder for tests of the report: real ingest, versions and stages; only the models' figures are made up."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image
from tiny_tflite import tiny_model

from tinysieve.dataset.classes import DROPPED, NEGATIVE, POSITIVE
from tinysieve.dataset.decisions import DROP, LABEL, RELABEL, Decisions
from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.versions import Version, apply_decisions
from tinysieve.filtering.decisions.human_review import write_review_queue
from tinysieve.filtering.decisions.policy import Plan
from tinysieve.filtering.decisions.vote_table import FilterRow
from tinysieve.filtering.evidence.box_classes import BoxClasses
from tinysieve.filtering.evidence.boxes import Boxes, write_boxes
from tinysieve.ground.statistics import confusion
from tinysieve.pipeline.config.sections import config_of
from tinysieve.pipeline.engine.records import measure, read_record, write_record
from tinysieve.pipeline.engine.stages import Run, Stage, run_stages
from tinysieve.pipeline.report.report_stage import report_stage
from tinysieve.pipeline.stages.detect import DETECTIONS
from tinysieve.pipeline.stages.embed import EMBEDDINGS
from tinysieve.pipeline.stages.ingest import INGEST, samples_of, versions_of
from tinysieve.pipeline.stages.policy import REVIEW_QUEUE
from tinysieve.pipeline.stages.policy_facts import POLICY_FACTS, PolicyFacts
from tinysieve.pipeline.stages.quantize import INT8_MODEL, MODEL, QUANTIZE_FACTS, CalibrationImage, QuantizeFacts
from tinysieve.pipeline.stages.train import TRAIN_FACTS, VERSION_OF, TrainFacts
from tinysieve.pipeline.stages.verify import SCORES, VERDICT, VerifyFacts
from tinysieve.quantize.tflm.arena import Arena
from tinysieve.quantize.verdict.paired_comparison import compare
from tinysieve.quantize.verdict.verdict import Budget, DeviceAgreement, SliceAccuracy, Verdict
from tinysieve.quantize.verdict.verify import accuracy
from tinysieve.training.checkpoint import EpochRecord
from tinysieve.training.curves import write_history
from tinysieve.training.recipe import Recipe

# A folder called `<script>alert(1)<` holding `script>.png`: as raw HTML the path would be a whole script element.
HOSTILE = ("<script>alert(1)</script>.png", '"onerror="alert(2)".png', "<img src=x onerror=alert(3)>.png", "a&amp;{{7*7}}.png")
WIDE, TALL = (210, 70), (60, 120)
# Filters leave nothing here that the page reads.
OFF = ("disagreement", "pseudo_label", "seed_rule", "out_of_fold", "duplicates")
TRAIN, VALIDATION, TEST, UNLABELED_IMAGES = 16, 4, 12, 6


def make_images(folder: Path) -> Path:
    """Photos and their table; red on the left half, blue on the right; two files broken, one row without a file."""
    rows, images = [], folder / "images"
    splits = ["train"] * TRAIN + ["validation"] * VALIDATION + ["test"] * TEST + ["unlabeled"] * UNLABELED_IMAGES
    for number, split in enumerate(splits):
        name = HOSTILE[number] if number < len(HOSTILE) else f"{split}_{number}.png"
        width, height = WIDE if number % 2 else TALL
        pixels = np.zeros((height, width, 3), np.uint8)
        pixels[:, : width // 2, 0], pixels[:, width // 2 :, 2] = 255, 255 - number
        (images / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(images / name)
        rows.append((name, "" if split == "unlabeled" else str(number // 2 % 2), split))
    (images / "<b>broken</b>.png").parent.mkdir(parents=True, exist_ok=True)
    (images / "<b>broken</b>.png").write_bytes(b"not an image")
    rows += [("<b>broken</b>.png", "1", "train"), ("nowhere.png", "1", "train")]
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("filename", "person", "split"), *rows])
    return folder


def make_run(folder: Path, photos: Path, **changes: Any) -> Run:
    """A run whose stages up to `verify` have finished; `changes` replace what stands in the verdict."""
    source = {"kind": "table", "images": photos / "images", "table": photos / "labels.csv"}
    config = config_of({
        "run": folder, "workers": 1, "dataset": {"source": source, "rule": "any"},
        "filter": {"detector": {"kind": "presence_head"}, **dict.fromkeys(OFF, False)}, "policy": {"kind": "default"},
        "train": {"recipe": "demo"}})
    run = Run(config, folder)
    run_stages(run, stages(changes), lambda status: None)
    return run


def stages(changes: dict[str, Any] | None = None) -> tuple[Stage, ...]:
    """All stages up to `verify`, those of the models made up."""
    return (INGEST, _stage("detect", _detect), _stage("embed", _embed),
            _stage("policy", _policy), _stage("train-baseline", _train("baseline")), _stage("train-mended", _train("mended")),
            _stage("quantize-baseline", _quantize("baseline")), _stage("quantize-mended", _quantize("mended")),
            _stage("verify", lambda run, folder: _verify(run, folder, changes or {})))


def rendered(run: Run) -> str:
    """The page that stage `report` writes."""
    run_stages(run, (report_stage(run.config),), lambda status: None)
    return (run.at("report") / "report.html").read_text(encoding="utf-8")


def record_again(folder: Path, **parts: Any) -> None:
    """Make what a test changed in a stage's folder, or in the parts of its key, what the stage is recorded to have made."""
    record = read_record(folder)
    assert record is not None
    write_record(folder, replace(record, parts=record.parts | parts, files=measure(folder)))


def decide(samples: SampleTable, version: Version) -> Decisions:
    """The first two persons to background, the next background to person, the next dropped, two unlabeled to person."""
    train, labels = samples.in_split("train"), version.labels
    persons, backgrounds = np.flatnonzero(train & (labels == POSITIVE)), np.flatnonzero(train & (labels == NEGATIVE))
    free = np.flatnonzero(samples.in_split("unlabeled"))
    rows = np.concatenate([persons[:2], backgrounds[:2], free[:2]])
    new = np.array([NEGATIVE, NEGATIVE, POSITIVE, DROPPED, POSITIVE, POSITIVE], np.int8)
    actions = np.array([RELABEL, RELABEL, RELABEL, DROP, LABEL, LABEL], np.int8)
    scores = np.array([0.7, 0.9, 0.8, 0.6, 0.5, 0.55], np.float32)
    reasons = ["boxes: no <i>person</i> box; out_of_fold: out_of_fold says background"] * 6
    return Decisions(rows, actions, new, pa.array(["disagreement:boxes + out_of_fold:out_of_fold"] * 6), scores,
                     pa.array(reasons))


def _stage(name: str, fill: Callable[[Run, Path], None]) -> Stage:
    def work(run: Run, folder: Path) -> str:
        fill(run, folder)
        return ""

    return Stage(name, 1, (), lambda config: {}, work, lambda run: {"weights": "0123abcd"} if name == "detect" else {})


def _detect(run: Run, folder: Path) -> None:
    samples = samples_of(run)
    width, height = samples.numbers("width"), samples.numbers("height")
    rows = [np.array([[w / 2, 0, w, h / 2, 0.8, 0], [0, 0, w, h, 0.1, 0]], np.float32)
            for w, h in zip(width, height, strict=True)]
    # A dog that the detector saw too; it counts for nothing and is drawn nowhere.
    dog = np.array([[0, 0, 10, 10, 0.95, 16]], np.float32)
    seen = BoxClasses(((0, "person"), (16, "dog")), ("person",))
    ids = samples.sample_ids.to_pylist()
    write_boxes(Boxes.from_lists(ids, [np.concatenate([row, dog]) for row in rows], seen), folder / DETECTIONS.file)


def _embed(run: Run, folder: Path) -> None:
    features = np.random.default_rng(0).normal(size=(len(samples_of(run)), 8))
    np.save(folder / EMBEDDINGS.file, features.astype(np.float16))


def _policy(run: Run, folder: Path) -> None:
    samples, store = samples_of(run), versions_of(run)
    first = store.load("0")
    decisions = decide(samples, first)
    mended = apply_decisions(samples, first, decisions, "policy <default>")
    review = np.flatnonzero(samples.in_split("unlabeled"))[2:4]
    plan = Plan(decisions, review, np.array([POSITIVE, -1], np.int8), pa.array(["boxes: person box"] * 2))
    write_review_queue(folder / REVIEW_QUEUE.file, plan, samples, mended.labels)
    counts = {"person -> background": 2, "person -> dropped": 0, "background -> person": 1, "background -> dropped": 1,
               "none -> person": 2, "none -> background": 0, "none -> dropped": 0, "left without a label": 4}
    filters = (FilterRow("disagreement", "boxes", 0.5, 0.25, 0.125, 1, 2, 2, 0, 0, 0),)
    POLICY_FACTS.write(PolicyFacts(policy="default", filters=filters, changes=counts, review=2, version=mended.id,
                                   parent=first.id), folder)
    store.save(mended)


def _train(which: str) -> Callable[[Run, Path], None]:
    def fill(run: Run, folder: Path) -> None:
        gain = 0.05 if which == "mended" else 0.0
        write_history(folder, [EpochRecord(epoch, 0.7 - epoch / 20, 0.5 + epoch / 30, 0.7 - epoch / 30 - gain,
                                           0.5 + epoch / 40 + gain) for epoch in (1, 2, 3)])
        recipe = Recipe("demo", 32, 3, comparable=False, source="for demonstration; not comparable")
        TRAIN_FACTS[which].write(TrainFacts(versions_of(run).resolve(VERSION_OF[which]), recipe, 0, TRAIN, VALIDATION, 3,
                                            0.575 + gain), folder)

    return fill


def _quantize(which: str) -> Callable[[Run, Path], None]:
    def fill(run: Run, folder: Path) -> None:
        (folder / MODEL).write_bytes(tiny_model(wide=8 if which == "mended" else 4))
        calibration = tuple(CalibrationImage("0", name) for name in HOSTILE)
        QUANTIZE_FACTS[which].write(QuantizeFacts(800_000, "uint8", (0, 1, 2, 3), calibration), folder)

    return fill


def _verify(run: Run, folder: Path, changes: dict[str, Any]) -> None:
    samples = samples_of(run)
    rows = np.flatnonzero(samples.in_split("test"))
    facts = VerifyFacts(**vars(verdict_of(samples.labels[rows])), test_rows=len(rows),
                        challenge_line="Tflite model test accuracy: 0.8333",
                        models={which: sha256(model.of(run)).hexdigest() for which, model in INT8_MODEL.items()},
                        worst_mistake_samples=tuple(samples.sample_ids.take(rows[:2]).to_pylist()))
    # The scores behind the figures of `verdict_of`: logits ±1, the right answer where it is right.
    labels = samples.labels[rows]
    right, baseline = np.arange(len(rows)) >= 2, np.arange(len(rows)) >= len(rows) // 2
    np.savez(folder / SCORES.file, rows=rows, int8=_logits(np.where(right, labels, 1 - labels)),
             baseline=_logits(np.where(baseline, labels, 1 - labels)))
    VERDICT.write(facts, folder)
    path = folder / VERDICT.file
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def _logits(answers: np.ndarray) -> np.ndarray:
    return np.where(np.arange(2) == answers[:, None], 1, -1).astype(np.float32)


def verdict_of(labels: np.ndarray) -> Verdict:
    """Baseline wrong on the first half, mended on the first two, arena over its limit."""
    right, baseline = np.arange(len(labels)) >= 2, np.arange(len(labels)) >= len(labels) // 2
    arena = Arena(363_184, 269_568, 93_616)
    budgets = (Budget("flash", 2**20, 899_000, "B", 2**20 - 899_000, True, "file 800000 B + runtime code 99000 B"),
               Budget("arena", 327_680, 363_184, "B", 327_680 - 363_184, False, "smallest arena that runs, TFLM"),
               Budget("accuracy against baseline", -0.0, 1 / 3, "share", 1 / 3, True, "LiteRT reference kernels"))
    answers, baseline_answers = np.where(right, labels, 1 - labels), np.where(baseline, labels, 1 - labels)
    comparison = compare(answers, baseline_answers, labels, np.random.default_rng(0))
    slices = (SliceAccuracy("person_under_$5_%$", 6, accuracy(right[:6]), accuracy(right[:6]), accuracy(baseline[:6])),)
    return Verdict(
        int8=accuracy(right), float32=accuracy(right), baseline_int8=accuracy(baseline), comparison=comparison,
        confusion=confusion(answers, labels), baseline_confusion=confusion(baseline_answers, labels), float_int8_agreement=1.0,
        tied_scores=0, slices=slices, device=DeviceAgreement(12, 12, 11, 1.0, accuracy(right), (0, 1)), file_bytes=800_000,
        flash_bytes=899_000, flash_basis="assumed", weights_bytes=660_000, arena=arena, planned_bytes=269_568,
        operators={"CONV_2D": 45}, macs=55_771_280, budgets=budgets,
        accuracy_measured_with="LiteRT reference kernels", notes=("a <u>note</u>",),
        calibration_rows=(0, 1, 2, 3), worst_mistakes=(0, 1))
