"""Measures a model against its baseline on the frozen test images and says which gates it meets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tinysieve.ground.errors import InputError, MissingRequirement
from tinysieve.ground.progress import Progress, silent
from tinysieve.ground.statistics import Confusion, confusion, wilson_interval
from tinysieve.quantize.interpreters import TFLM, LiteRTReference
from tinysieve.quantize.passes.offline_plan import planned_bytes
from tinysieve.quantize.tflite.graph import read_graph
from tinysieve.quantize.tflite.io_contract import CHALLENGE, Stated
from tinysieve.quantize.tflm.arena import Arena
from tinysieve.quantize.tflm.arena_process import measure_arena
from tinysieve.quantize.verdict.budgets import accuracy_budgets, size_budgets
from tinysieve.quantize.verdict.paired_comparison import compare
from tinysieve.quantize.verdict.verdict import Accuracy, DeviceAgreement, Gates, SliceAccuracy, Verdict, Verification

WORST_LISTED = 48
TFLM_IMAGES = 200


@dataclass(frozen=True)
class Evidence:
    """The frozen test set and what is known beside the model.

    Args:
        images: uint8 [N, height, width, 3], RGB 0..255.
        labels: int [N], 0 or 1.
        float_logits: float [N, 2] of the model before quantization, columns in the order of the labels' codes.
        baseline: the .tflite of the model trained on the untouched data.
        slices: name to bool [N].
        calibration_rows: rows of the training table that set the int8 ranges, for the record.
        tflm_images: how many of the images TFLM runs as well, evenly spread.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.integer]
    float_logits: NDArray[np.floating] | None = None
    baseline: bytes | None = None
    slices: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    calibration_rows: Sequence[int] = ()
    tflm_images: int = TFLM_IMAGES


def verify(
    model: bytes, evidence: Evidence, gates: Gates, rng: np.random.Generator,
    stated: Stated = CHALLENGE, baseline_stated: Stated = CHALLENGE, progress: Progress = silent,
) -> Verification:
    """Every figure of the Verdict, measured; ``rng`` draws the bootstrap only.

    Accuracies are by LiteRT's reference kernels; TFLM repeats ``tflm_images`` of them where it is installed.
    ``progress`` counts images over both models, and those that TFLM repeats.

    Raises:
        InputError: rows that do not fit together, or a model that is not what is stated (layout, range, type).
    """
    _check(evidence)
    runner, count = LiteRTReference(model, stated), len(evidence.labels)
    models = count * (1 if evidence.baseline is None else 2)
    total = models + min(evidence.tflm_images, count)
    raw = runner.raw_outputs(evidence.images, lambda done, _: progress(done, total))
    logits, baseline = runner.contract.decode(raw), None
    if evidence.baseline is not None:
        second = LiteRTReference(evidence.baseline, baseline_stated)
        baseline = second.predict_logits(evidence.images, lambda done, _: progress(count + done, total))
    device, missing = _on_tflm(model, evidence, stated, raw, lambda done, _: progress(models + done, total))
    arena = None if missing else measure_arena(model)
    verdict = _judge(model, evidence, gates, rng, _Scores(logits, baseline, device, arena, missing, runner))
    return Verification(verdict, logits, baseline)


@dataclass(frozen=True)
class _Scores:
    logits: NDArray[np.float32]
    baseline: NDArray[np.float32] | None
    device: DeviceAgreement | None
    arena: Arena | None
    tflm_missing: str
    runner: LiteRTReference


def _judge(model: bytes, evidence: Evidence, gates: Gates, rng: np.random.Generator, scores: _Scores) -> Verdict:
    graph, labels = read_graph(model), np.asarray(evidence.labels)
    right = scores.logits.argmax(1) == labels
    float_right = _right(evidence.float_logits, labels)
    baseline_right = _right(scores.baseline, labels)
    answers, baseline = scores.logits.argmax(1), None if scores.baseline is None else scores.baseline.argmax(1)
    comparison = None if baseline is None else compare(answers, baseline, labels, rng)
    cells, int8 = confusion(answers, labels), accuracy(right)
    baseline_cells = None if baseline is None else confusion(baseline, labels)
    planned = planned_bytes(model)
    budgets = (*size_budgets(gates, len(model), scores.arena, planned, scores.tflm_missing),
               *accuracy_budgets(gates, int8, comparison, cells, scores.runner.name))
    return Verdict(
        int8=int8, float32=_maybe(float_right), baseline_int8=_maybe(baseline_right), comparison=comparison,
        confusion=cells,
        baseline_confusion=baseline_cells,
        float_int8_agreement=None if evidence.float_logits is None else float(
            (np.asarray(evidence.float_logits).argmax(1) == answers).mean()),
        tied_scores=int((scores.logits[:, 0] == scores.logits[:, 1]).sum()),
        slices=_slices(evidence.slices, right, float_right, baseline_right),
        device=scores.device, file_bytes=len(model), flash_bytes=len(model) + gates.runtime_code_bytes,
        flash_basis=gates.runtime_code_basis, weights_bytes=graph.weights_bytes, arena=scores.arena,
        planned_bytes=planned,
        operators=graph.operator_counts, macs=graph.macs, budgets=budgets, accuracy_measured_with=scores.runner.name,
        notes=(*scores.runner.contract.notes, *_one_answer(cells, baseline_cells, scores.runner.contract.stated.classes)),
        calibration_rows=tuple(int(row) for row in evidence.calibration_rows),
        worst_mistakes=tuple(worst_mistakes(scores.logits, labels)[:WORST_LISTED].tolist()),
    )


def _one_answer(cells: Confusion, baseline: Confusion | None, classes: tuple[str, str]) -> tuple[str, ...]:
    """A model that says the same of every image has learnt nothing, whatever its accuracy and its p-value."""
    models = {"the model": cells} | ({} if baseline is None else {"the baseline": baseline})
    return tuple(f"{name} answers {classes[outcome.only_answer]} for every test image: its accuracy is that class's share, "
                 "and a difference to it says nothing of the labels"
                 for name, outcome in models.items() if outcome.only_answer is not None)


def accuracy(right: NDArray[np.bool_]) -> Accuracy:
    """Share of right answers (bool [N], N at least 1) with Wilson's 95 % interval."""
    return Accuracy(float(right.mean()), len(right), wilson_interval(int(right.sum()), len(right)))


def worst_mistakes(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.int64]:
    """Rows of the wrong answers, the most confident first (score of the wrong class minus the right one's).

    Scores, not probabilities: some published models answer in the thousands, where softmax says 1 for all.
    """
    logits, labels = np.asarray(logits, np.float64), np.asarray(labels).astype(np.int64)
    rows = np.flatnonzero(logits.argmax(1) != labels)
    margins = logits[rows, 1 - labels[rows]] - logits[rows, labels[rows]]
    return rows[np.argsort(-margins, kind="stable")]


def _on_tflm(
    model: bytes, evidence: Evidence, stated: Stated, raw: NDArray, progress: Progress
) -> tuple[DeviceAgreement | None, str]:
    try:
        runner = TFLM(model, stated)
    except MissingRequirement as error:
        return None, error.what
    count = len(evidence.labels)
    rows = np.unique(np.linspace(0, count - 1, min(evidence.tflm_images, count)).astype(np.int64))
    if not len(rows):
        return None, ""
    device, reference = runner.raw_outputs(evidence.images[rows], progress), raw[rows]
    answers, expected = runner.contract.decode(device).argmax(1), runner.contract.decode(reference).argmax(1)
    differences = np.abs(device.astype(np.float64) - reference.astype(np.float64)).reshape(len(rows), -1).max(1)
    return DeviceAgreement(
        images=len(rows), same_class=int((answers == expected).sum()), same_codes=int((differences == 0).sum()),
        largest_code_difference=float(differences.max()),
        tflm_accuracy=accuracy(answers == np.asarray(evidence.labels)[rows]), rows=tuple(rows.tolist()),
    ), ""


def _check(evidence: Evidence) -> None:
    count = len(evidence.labels)
    given = {"images": evidence.images, "float_logits": evidence.float_logits, **evidence.slices}
    for name, rows in given.items():
        if rows is not None and len(rows) != count:
            raise InputError(f"{name} has {len(rows)} rows, labels have {count}", where="verify",
                             why="answers would be scored against other images' labels",
                             fix="give one row for each test image, in one order")
    if not np.isin(evidence.labels, (0, 1)).all() or not count:
        raise InputError(f"the {count} test labels are not all 0 or 1", where="verify",
                         why="an unlabelled image has no right answer", fix="verify on labelled images only")


def _right(logits: NDArray | None, labels: NDArray) -> NDArray[np.bool_] | None:
    return None if logits is None else np.asarray(logits).argmax(1) == labels


def _maybe(right: NDArray[np.bool_] | None) -> Accuracy | None:
    return None if right is None else accuracy(right)


def _slices(
    slices: Mapping[str, NDArray[np.bool_]], int8_right: NDArray[np.bool_], *others: NDArray[np.bool_] | None
) -> tuple[SliceAccuracy, ...]:
    """``others`` are float and baseline; slices without an image are left out."""
    measured = []
    for name, mask in slices.items():
        chosen = np.asarray(mask, bool)
        if chosen.any():
            float32, baseline = (_maybe(None if right is None else right[chosen]) for right in others)
            measured.append(SliceAccuracy(name, int(chosen.sum()), accuracy(int8_right[chosen]), float32, baseline))
    return tuple(measured)
