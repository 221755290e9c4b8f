"""`compare`: what differs between two finished runs, in data, recipe, settings, model and verdict, and whether it is chance.

The models that are compared are the mended ones, by the int8 answers that `verify` stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tinysieve.dataset.samples import SampleTable
from tinysieve.ground.statistics import confusion
from tinysieve.pipeline.compare.shared_images import DataDifference, data_difference
from tinysieve.pipeline.engine.words import judgement
from tinysieve.pipeline.stages.recorded_run import RecordedRun
from tinysieve.quantize.verdict.paired_comparison import Comparison, compare

# Said elsewhere: the recipe by its own part, the version by its labels.
_SAID_ELSEWHERE = ("train-mended.settings.recipe", "train-mended.outside.version")


@dataclass(frozen=True)
class Difference:
    """One value that differs; None where a run does not have it."""

    name: str
    a: Any
    b: Any


@dataclass(frozen=True)
class Significance:
    """Both accuracies on the same test images and B against A.

    `one_answer` names each model that answers one class for every image, in words.
    """

    images: int
    accuracy_a: float
    accuracy_b: float
    b_against_a: Comparison
    same_answer: int
    one_answer: tuple[str, ...]


@dataclass(frozen=True)
class RunComparison:
    """Two runs side by side; `significance` is None where `refused` says why it cannot be told."""

    a: str
    b: str
    data: DataDifference
    recipe: tuple[Difference, ...]
    settings: tuple[Difference, ...]
    model: tuple[Difference, ...]
    verdict: tuple[Difference, ...]
    significance: Significance | None
    refused: str

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, lists, numbers and strings."""
        plain = asdict(self)
        if self.significance is not None:
            paired = self.significance.b_against_a
            plain["significance"]["b_against_a"] |= {"better": paired.better, "worse": paired.worse}
        return plain


def compare_runs(a: RecordedRun, b: RecordedRun, rng: np.random.Generator) -> RunComparison:
    """Compare two runs; ``rng`` draws the bootstrap only.

    Raises:
        InputError: a run's stored answers are not those of its sample table.
    """
    refused = unlike_tests(a.samples, b.samples)
    return RunComparison(
        a=str(a.folder), b=str(b.folder), data=data_difference(a, b),
        recipe=tuple(differences(_recipe(a), _recipe(b))), settings=tuple(_setting_differences(a, b)),
        model=tuple(differences(_model(a), _model(b))), verdict=tuple(differences(_figures(a), _figures(b))),
        significance=None if refused else significance(a, b, rng), refused=refused)


def differences(a: Mapping[str, Any], b: Mapping[str, Any], path: str = "") -> Iterator[Difference]:
    """What two nested mappings do not share, by dotted name, in order of the names.

    >>> list(differences({"x": 1, "y": {"z": 2}}, {"x": 1, "y": {"z": 3}, "w": 4}))
    [Difference(name='w', a=None, b=4), Difference(name='y.z', a=2, b=3)]
    """
    for name in sorted(set(a) | set(b)):
        first, second = a.get(name), b.get(name)
        if isinstance(first, Mapping) and isinstance(second, Mapping):
            yield from differences(first, second, f"{path}{name}.")
        elif first != second:
            yield Difference(f"{path}{name}", first, second)


def unlike_tests(a: SampleTable, b: SampleTable) -> str:
    """Why two runs' test splits are not the same images with the same labels; "" where they are."""
    frozen_a, frozen_b = (dict(zip(table.sample_ids.filter(mask).to_pylist(), table.labels[mask], strict=True))
                          for table, mask in ((a, a.in_split("test")), (b, b.in_split("test"))))
    came, gone = len(frozen_b.keys() - frozen_a.keys()), len(frozen_a.keys() - frozen_b.keys())
    other = sum(frozen_a[sample_id] != frozen_b[sample_id] for sample_id in frozen_a.keys() & frozen_b.keys())
    if not (came or gone or other):
        return "" if frozen_a else "neither run has test images"
    return (f"the frozen test splits differ: {gone:,} test images only in A, {came:,} only in B, {other:,} with another label; "
            "accuracies on different tests say nothing about which model is better")


def significance(a: RecordedRun, b: RecordedRun, rng: np.random.Generator) -> Significance:
    """McNemar's exact test and the paired bootstrap on test images that both runs share (see `unlike_tests`)."""
    (rows_a, answers_a), (rows_b, answers_b) = a.answers(), b.answers()
    ids_a = a.samples.sample_ids.take(rows_a)
    place = {sample_id: place for place, sample_id in enumerate(b.samples.sample_ids.take(rows_b).to_pylist())}
    answers_b = answers_b[[place[sample_id] for sample_id in ids_a.to_pylist()]]
    truth = a.samples.labels[rows_a]
    right_a, right_b = answers_a == truth, answers_b == truth
    constant = tuple(f"{name} answers {run.samples.classes.in_code_order[only]} for every image"
                     for name, run, answers in (("A", a, answers_a), ("B", b, answers_b))
                     if (only := confusion(answers, truth).only_answer) is not None)
    return Significance(
        images=len(truth), accuracy_a=float(right_a.mean()), accuracy_b=float(right_b.mean()),
        b_against_a=compare(answers_b, answers_a, truth, rng), same_answer=int((answers_a == answers_b).sum()),
        one_answer=constant)


def _recipe(run: RecordedRun) -> dict[str, Any]:
    trained = asdict(run.trained)
    # The version is compared by its labels.
    return trained.pop("recipe") | {name: value for name, value in trained.items() if name != "version"}


def _setting_differences(a: RecordedRun, b: RecordedRun) -> Iterator[Difference]:
    def parts(run: RecordedRun) -> dict[str, Any]:
        return {name: {part: record.parts.get(part) for part in ("code", "settings", "outside")}
                for name, record in run.records.items()}

    for difference in differences(parts(a), parts(b)):
        if not difference.name.startswith(_SAID_ELSEWHERE):
            yield difference


def _model(run: RecordedRun) -> dict[str, Any]:
    verdict = run.verdict
    return {"sha256": run.model_sha256, "file_bytes": verdict.file_bytes,
            "arena_bytes": None if verdict.arena is None else verdict.arena.total_bytes,
            "weights_bytes": verdict.weights_bytes, "macs": verdict.macs, "operators": verdict.operators}


def _figures(run: RecordedRun) -> dict[str, Any]:
    verdict = run.verdict
    accuracies = {f"{name} accuracy": None if accuracy is None else accuracy.value
                  for name, accuracy in (("int8", verdict.int8), ("float32", verdict.float32),
                                         ("baseline_int8", verdict.baseline_int8))}
    cells = verdict.confusion
    balance = {"balanced_accuracy": cells.balanced_accuracy, "constant_accuracy": cells.constant_accuracy}
    return accuracies | {
        "test images": verdict.test_rows, "confusion": asdict(cells) | balance,
        "slices": {part.name: part.int8.value for part in verdict.slices},
        "gates": {gate.name: judgement(gate) for gate in verdict.budgets}}
