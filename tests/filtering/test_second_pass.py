"""The second pass: no issue teaches, every judgement stays out of fold, and what it confirms is no issue."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray

from tinysieve.filtering.label_errors.class_probabilities import class_probabilities
from tinysieve.filtering.label_errors.label_errors import find_label_errors
from tinysieve.filtering.label_errors.second_pass import confirmed, second_pass
from tinysieve.ground.errors import InputError

CLASSES = 3


def noisy(seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Features of three clouds that overlap, true labels, and labels of which a third of class 0 is called 1."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, CLASSES, 600)
    features = rng.normal(size=(600, 8)) + 2.2 * np.eye(8)[truth]
    given = np.where((truth == 0) & (rng.random(600) < 1 / 3), 1, truth)
    return features.astype(np.float32), truth, given


def out_of_fold(features: NDArray[np.float32], labels: NDArray[np.integer]) -> NDArray[np.floating]:
    return class_probabilities(features, labels, CLASSES, 5, np.random.default_rng(0))


def test_no_issue_teaches_and_nobody_else_is_left_out() -> None:
    seen: list[NDArray[np.integer]] = []

    def watched(labels: NDArray[np.integer]) -> NDArray[np.floating]:
        seen.append(labels)
        return np.full((4, 2), 0.5)

    second_pass(np.array([0, 1, 1, 0]), np.array([False, True, False, False]), watched)
    assert [labels.tolist() for labels in seen] == [[0, -1, 1, 0]]


def test_an_own_label_never_moves_its_own_prediction() -> None:
    """Out of fold: the second pass does not read the label of an issue at all."""
    features, _, given = noisy()
    errors = find_label_errors(out_of_fold(features, given), given)
    other = given.copy()
    other[errors.is_label_issue] = (given[errors.is_label_issue] + 1) % CLASSES
    judge = partial(out_of_fold, features)
    assert np.array_equal(second_pass(given, errors.is_label_issue, judge), second_pass(other, errors.is_label_issue, judge))


def test_its_labels_are_nearer_to_the_truth_under_one_sided_noise() -> None:
    features, truth, given = noisy()
    first = out_of_fold(features, given)
    errors = find_label_errors(first, given)
    second = second_pass(given, errors.is_label_issue, partial(out_of_fold, features))
    right = [(pred_probs.argmax(axis=1) == truth).mean() for pred_probs in (first, second)]
    assert right[1] > right[0]
    made = confirmed(errors, given, second)
    assert not (made.is_label_issue & ~errors.is_label_issue).any()
    assert (made.predicted_labels[made.is_label_issue] != given[made.is_label_issue]).all()
    assert np.array_equal(made.predicted_labels, second.argmax(axis=1))


def test_a_class_without_labels_left_stops_it() -> None:
    with pytest.raises(InputError, match="class 1"):
        second_pass(np.array([0, 1, 1, 0]), np.array([False, True, True, False]), lambda labels: np.zeros((4, 2)))
