"""Methods ranked over tasks: only those that have a submission in every task, and no short list against its own poor end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinysieve.dataperf.debugging import CleaningCurve, TaskEvaluation


@dataclass(frozen=True)
class Standing:
    """A method over all tasks.

    Args:
        method: its name.
        mean: of its scores, lower is better.
        tasks: that it has a submission in.
        of_tasks: that were evaluated.
        short: (data_id, lines, budget) of each list that ends before the budget.
    """

    method: str
    mean: float
    tasks: int
    of_tasks: int
    short: tuple[tuple[str, int, int], ...]

    @property
    def is_complete(self) -> bool:
        """Whether it has a submission in every task: a mean over other tasks compares with nothing."""
        return self.tasks == self.of_tasks


def standings(evaluations: Sequence[TaskEvaluation]) -> list[Standing]:
    """Complete methods by their mean, best first, then the others by the number of tasks.

    The benchmark's score holds a list against 95 % of its own last accuracy. A list of four rows ends where it began and would
    be the best: a short list is held against the accuracy of the true labels where that is higher.
    """
    methods = dict.fromkeys(curve.method for evaluation in evaluations for curve in evaluation.curves)
    made = [_standing(method, evaluations) for method in methods]
    return sorted(made, key=lambda standing: (not standing.is_complete, -standing.tasks, standing.mean))


def fair_fraction(curve: CleaningCurve, accuracy_after: float) -> float:
    """The benchmark's score, of a short list against the accuracy of the true labels where its own end is lower."""
    return curve.fraction_until(max(curve.accuracies[-1], accuracy_after)) if curve.is_short else curve.fraction_fixes


def _standing(method: str, evaluations: Sequence[TaskEvaluation]) -> Standing:
    pairs = [(evaluation, curve) for evaluation in evaluations for curve in evaluation.curves if curve.method == method]
    scores = [fair_fraction(curve, evaluation.accuracy_after) for evaluation, curve in pairs]
    short = tuple((evaluation.data_id, curve.lines, len(curve.fixes)) for evaluation, curve in pairs if curve.is_short)
    return Standing(method, float(np.mean(scores)), len(pairs), len(evaluations), short)
