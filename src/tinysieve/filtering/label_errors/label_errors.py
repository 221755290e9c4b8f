"""Label errors by confident learning: which given labels the out-of-fold probabilities contradict, worst first.

Northcutt, Jiang and Chuang 2021. Two passes over the probabilities in chunks and one cut; the result carries the columns
that users of label-issue tables know: `is_label_issue`, `label_quality`, `predicted_labels`, and the evidence behind them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tinysieve.filtering.label_errors.confident_joint import (
    SLACK,
    Codes,
    Counts,
    calibrate_joint,
    confident_class,
    confident_thresholds,
    count_joint,
    estimated_errors,
    most_probable,
)
from tinysieve.filtering.label_errors.issue_filters import Findings, Mask, filter_called
from tinysieve.filtering.label_errors.label_quality import RANKINGS
from tinysieve.filtering.label_errors.probability_matrix import (
    Doubles,
    Labels,
    Probabilities,
    check_labels,
    check_probabilities,
    class_columns,
    code_type,
    own_class,
)
from tinysieve.ground.errors import InputError

DEFAULT_FILTER, DEFAULT_RANKING = "prune_by_noise_rate", "adjusted_margin"


@dataclass(frozen=True, eq=False)
class LabelErrors:
    """What was found among N labels of K classes, in sample order.

    Args:
        is_label_issue: bool [N].
        label_quality: float64 [N] in [0, 1], 0 surely wrong, 1 surely right.
        predicted_labels: int [N], the most probable class.
        confident_labels: int [N], the class a sample confidently belongs to, -1 for none: the evidence of the filters.
        thresholds: float64 [K], mean self-confidence of each class; 2 for a class that never occurs.
        joint: int64 [K, K], estimated numbers of samples, rows given, columns true class.
    """

    is_label_issue: Mask
    label_quality: Doubles
    predicted_labels: Codes
    confident_labels: Codes
    thresholds: Doubles
    joint: Counts

    def __len__(self) -> int:
        return len(self.is_label_issue)

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """int64 [N]: all rows, worst label first, of equals the first row first."""
        return np.argsort(self.label_quality, kind="stable")

    @cached_property
    def issues(self) -> NDArray[np.int64]:
        """int64 [M]: rows of the issues, worst label first, of equals the first row first."""
        rows = np.flatnonzero(self.is_label_issue)
        return rows[np.argsort(self.label_quality[rows], kind="stable")]

    @property
    def estimated_errors(self) -> int:
        """How many labels are wrong by the calibrated joint, found or not."""
        return estimated_errors(self.joint)

    def table(self, pred_probs: Probabilities, labels: Labels) -> pa.Table:
        """All rows, worst first: the four columns that users know, then evidence.

        Args:
            pred_probs: float [N, K], what the errors were found with.
            labels: int [N], given.
        """
        rows = self.order
        given, predicted = labels[rows], self.predicted_labels[rows]
        return pa.table({
            "row": rows, "given_label": given.astype(np.int32), "predicted_labels": predicted.astype(np.int32),
            "is_label_issue": self.is_label_issue[rows], "label_quality": self.label_quality[rows],
            "given_probability": pred_probs[rows, given].astype(np.float32),
            "predicted_probability": pred_probs[rows, predicted].astype(np.float32),
            "confident_label": pa.array(self.confident_labels[rows].astype(np.int32), mask=self.confident_labels[rows] < 0),
        })  # fmt: skip


def check_ranking(name: str) -> None:
    """Refuse an unknown ranking before anything slow happens.

    Raises:
        InputError: there is none of that name.
    """
    if name not in RANKINGS:
        raise InputError(f"no ranking '{name}'", fix="one of " + ", ".join(RANKINGS))


def find_label_errors(
    pred_probs: Probabilities, labels: Labels, filter_by: str = DEFAULT_FILTER, rank_by: str = DEFAULT_RANKING
) -> LabelErrors:
    """Judge every given label by probabilities of models that have not seen it.

    Args:
        pred_probs: out-of-fold probabilities, float [N, K], rows sum to 1; float16 is enough.
        labels: given labels, int [N], each in 0..K-1; of a class that never occurs no label is suspected to be.
        filter_by: which labels are issues; see `issue_filters.filters_for`.
        rank_by: what the quality is; see `label_quality.RANKINGS`.

    Raises:
        InvalidProbabilities, InvalidLabels: see `probability_matrix`.
        InputError: no such filter (or a copy of another with two classes) or ranking.

    >>> probabilities = np.array([[.9, .1], [.8, .2], [.3, .7], [.1, .9], [.2, .8], [.9, .1]])
    >>> found = find_label_errors(probabilities, np.array([0, 0, 0, 1, 1, 1]))
    >>> found.issues, found.predicted_labels[found.issues]
    (array([5, 2]), array([0, 1], dtype=int8))
    """
    check_ranking(rank_by)
    check_probabilities(pred_probs)
    count, classes = pred_probs.shape
    choose = filter_called(filter_by, classes)
    check_labels(labels, classes, count)
    thresholds = confident_thresholds(pred_probs, labels)
    predicted, confident = np.empty(count, code_type(classes)), np.empty(count, code_type(classes))
    quality, disputed = np.empty(count), np.empty(count, bool)
    for start, columns in class_columns(pred_probs):
        rows = slice(start, start + columns.shape[1])
        predicted[rows], best = most_probable(columns)
        confident[rows] = confident_class(columns, thresholds, predicted[rows])
        quality[rows] = RANKINGS[rank_by](columns, labels[rows], thresholds)
        disputed[rows] = best > own_class(columns, labels[rows]) + SLACK
    joint = calibrate_joint(count_joint(labels, confident, classes), np.bincount(labels, minlength=classes))
    issues = choose(Findings(pred_probs, labels, predicted, confident, disputed, joint))
    return LabelErrors(issues, quality, predicted, confident, thresholds, joint)
