"""A second pass: probabilities by classifiers taught on the labels that the first pass kept.

The first pass learns from all labels, wrong ones too, and what it would call an issue is coloured by them. The second leaves
the issues out as teachers. It is still out of fold: a kept sample is judged by the classifiers of the other folds, an issue by
all of them, for it taught none. Only *who* is an issue was decided by classifiers that had seen the other folds' labels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tinysieve.filtering.label_errors.label_errors import LabelErrors
from tinysieve.filtering.label_errors.probability_matrix import Labels, Probabilities
from tinysieve.ground.errors import InputError


def second_pass(
    labels: Labels, is_label_issue: NDArray[np.bool_], out_of_fold: Callable[[Labels], Probabilities]
) -> Probabilities:
    """Probabilities float [N, K] of every sample by classifiers that no issue has taught.

    Args:
        labels: int [N], negative for unlabelled.
        is_label_issue: bool [N], by the first pass.
        out_of_fold: from labels int [N], negative for rows that must not teach, to probabilities float [N, K].

    Raises:
        InputError: a class has lost all its labels.
    """
    kept = np.where(is_label_issue, np.array(-1, labels.dtype), labels)
    lost = np.setdiff1d(labels[labels >= 0], kept[kept >= 0])
    if len(lost):
        raise InputError(f"all labels of class {lost[0]} are issues", why="a second pass has nothing of it to learn from",
                         fix="leave the second pass out, or choose issues with more care: confident_learning")
    return out_of_fold(kept)


def confirmed(errors: LabelErrors, labels: Labels, second: Probabilities) -> LabelErrors:
    """The first pass's errors with the second pass's predicted labels; an issue whose label the second gives too is none.

    Args:
        errors: among N labels, by the first pass.
        labels: int [N], each in 0..K-1.
        second: float [N, K], by `second_pass`.
    """
    predicted = second.argmax(axis=1).astype(errors.predicted_labels.dtype)
    return replace(errors, predicted_labels=predicted, is_label_issue=errors.is_label_issue & (predicted != labels))
