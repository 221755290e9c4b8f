"""How soon a cleaning order makes a model good: the evaluation of the debugging benchmark, number for number.

After every row that a submission has inspected, the row gets its true label, the classifier is fitted anew and measured
on the test rows. Rows whose label was right change nothing, so the fits depend on the labels alone: each distinct label
vector is fitted once, whichever submission came to it first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from tinysieve.dataperf.classifier import rounded_accuracy, tuned_threshold
from tinysieve.dataperf.classifier_fit import fit_layers
from tinysieve.dataperf.debugging_data import DebuggingTask
from tinysieve.dataperf.submissions import Order
from tinysieve.ground.arrays import IntArray
from tinysieve.ground.atomic_files import write_text
from tinysieve.ground.progress import Progress

STOP_SHARE = 0.95


@dataclass(frozen=True)
class CleaningCurve:
    """What one submission reaches.

    Args:
        method: name of the submission.
        accuracies: test accuracy, two decimals, after 1, 2, ... inspections.
        fixes: rows inspected at each of them; stays where a short submission ends.
    """

    method: str
    accuracies: tuple[float, ...]
    fixes: tuple[int, ...]

    @property
    def fraction_fixes(self) -> float:
        """Share of the budget before the accuracy is 95 % of this submission's own last one; in [0, 1), lower is better.

        >>> CleaningCurve("m", (0.6, 0.7, 0.8, 0.8), (1, 2, 3, 4)).fraction_fixes
        0.5
        """
        return self.fraction_until(self.accuracies[-1])

    @property
    def lines(self) -> int:
        """Rows that the submission had inspected: of a short one fewer than the budget."""
        return self.fixes[-1]

    @property
    def is_short(self) -> bool:
        """Whether it ends before the budget does."""
        return self.lines < len(self.accuracies)

    def fraction_until(self, accuracy: float) -> float:
        """Share of the budget before 95 % of this accuracy is reached; 1 where it never is.

        >>> CleaningCurve("m", (0.6, 0.7, 0.7, 0.7), (1, 2, 2, 2)).fraction_until(0.8)
        1.0
        """
        reached = (place for place, seen in enumerate(self.accuracies) if seen >= STOP_SHARE * accuracy)
        return next(reached, len(self.accuracies)) / len(self.accuracies)


@dataclass(frozen=True)
class TaskEvaluation:
    """The result of one task: accuracies on the noisy labels and on the true ones, and a curve a submission."""

    data_id: str
    accuracy_before: float
    accuracy_after: float
    curves: tuple[CleaningCurve, ...]

    def as_json(self) -> dict[str, Any]:
        """The keys and values of the original's result file; `auc` is -1 there for everybody."""
        points = [{"submission": curve.method, "accuracy": accuracy, "fixes": fixes} for curve in self.curves
                  for accuracy, fixes in zip(curve.accuracies, curve.fixes, strict=True)]
        scores = {curve.method: {"auc": -1, "fraction_fixes": curve.fraction_fixes} for curve in self.curves}
        return {"before_acc": self.accuracy_before, "submitted_evaluations": points, "auc_score": scores}

    def save(self, folder: Path) -> Path:
        """Write `{data_id}_evaluation.json`."""
        path = folder / f"{self.data_id}_evaluation.json"
        write_text(path, json.dumps(self.as_json()))
        return path


class LabelScore:
    """Test accuracy of the classifier fitted to any labels of a task's train rows; each label vector is fitted once."""

    def __init__(self, task: DebuggingTask) -> None:
        self._task = task
        self._known: dict[bytes, float] = {}

    @property
    def fits(self) -> int:
        """Fits done so far."""
        return len(self._known)

    def __call__(self, labels: IntArray) -> float:
        key = labels.tobytes()
        if key not in self._known:
            self._known[key] = self._fitted(labels)
        return self._known[key]

    def _fitted(self, labels: IntArray) -> float:
        train, test = self._task.train, self._task.test
        layers = fit_layers(train.features, labels)
        threshold = tuned_threshold(layers.probabilities(train.features), labels)
        return rounded_accuracy(layers.probabilities(test.features) > threshold, test.labels)


def cleaned_labels(task: DebuggingTask, order: Order) -> Iterator[tuple[IntArray, int]]:
    """The train labels and the number of inspected rows after 1, 2, ... budget inspections."""
    labels = task.train.labels.copy()
    for step in range(task.budget):
        if step < len(order):
            labels[order[step]] = task.true_labels[order[step]]
        yield labels, min(step + 1, len(order))


def cleaning_curve(task: DebuggingTask, method: str, order: Order, score: LabelScore,
                   progress: Progress | None = None) -> CleaningCurve:
    """Follow one submission to the end of the budget.

    Args:
        task: rows and labels.
        method: name of the submission.
        order: int64 [K], rows to inspect; a row that stands twice costs an inspection twice.
        score: shared between the submissions of the task.
        progress: called with (inspections done, budget).
    """
    accuracies, fixes = [], []
    # The fits are too small for more threads, which on a busy machine make them slower a hundredfold.
    with threadpool_limits(1):
        for labels, inspected in cleaned_labels(task, order):
            accuracies.append(score(labels))
            fixes.append(inspected)
            if progress is not None:
                progress(len(fixes), task.budget)
    return CleaningCurve(method, tuple(accuracies), tuple(fixes))


def evaluate(task: DebuggingTask, submissions: Sequence[tuple[str, Order]]) -> TaskEvaluation:
    """Evaluate submissions, as (method, order), in the given order."""
    score = LabelScore(task)
    with threadpool_limits(1):
        before, after = score(task.train.labels), score(task.true_labels)
    curves = tuple(cleaning_curve(task, method, order, score) for method, order in submissions)
    return TaskEvaluation(task.data_id, before, after, curves)
