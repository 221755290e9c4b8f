"""The four scores of the selection benchmark from counts, so that they equal the published ones to the last bit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Scores:
    """Shares in [0, 1], higher is better, in the order of the result file."""

    accuracy: float
    recall: float
    precision: float
    f1: float


@dataclass(frozen=True)
class Confusion:
    """How many test images of each kind."""

    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int

    def scores(self) -> Scores:
        """Accuracy, recall, precision and f1; a share of nothing is 0.

        f1 is 2 P R / (P + R), in this order: 2 TP / (2 TP + FP + FN) rounds otherwise (0.25 for the published
        0.25000000000000006).

        >>> Confusion(17, 18, 84, 26).scores().f1
        0.25000000000000006
        """
        right = self.true_positives + self.true_negatives
        recall = _share(self.true_positives, self.true_positives + self.false_negatives)
        precision = _share(self.true_positives, self.true_positives + self.false_positives)
        f1 = _share(2 * precision * recall, precision + recall)
        return Scores(_share(right, right + self.false_positives + self.false_negatives), recall, precision, f1)


def confusion(predicted: NDArray[np.bool_], labels: NDArray[np.bool_]) -> Confusion:
    """Count; both bool [N]."""
    counts = (predicted & labels, predicted & ~labels, ~predicted & labels, ~predicted & ~labels)
    return Confusion(*(int(count.sum()) for count in counts))


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
