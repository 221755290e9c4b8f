"""Opinions from temperatures: a toy matrix with one sample a case, and what must not matter."""

from __future__ import annotations

import numpy as np
import pytest

from tinysieve.dataset.classes import NEGATIVE, POSITIVE, UNLABELED
from tinysieve.filtering.data_parameters.triage import EASY, HARD, NEED_REVIEW
from tinysieve.filtering.filters.data_parameters import data_parameters
from tinysieve.filtering.opinion import ABSTAIN, ASK_REVIEW
from tinysieve.ground.errors import InputError

# label, sigma, triage, wrong -> proposal, confidence. Confidence is sigma / (1 + sigma) against, 1 / (1 + sigma) for a label.
CASES = [
    (POSITIVE, 3.0, HARD, True, NEGATIVE, 3 / 4),
    (NEGATIVE, 3.0, HARD, True, POSITIVE, 3 / 4),
    (POSITIVE, 3.0, HARD, False, ASK_REVIEW, 3 / 4),
    (POSITIVE, 0.5, NEED_REVIEW, False, ASK_REVIEW, 0.5 / 1.5),
    (POSITIVE, 0.25, EASY, False, POSITIVE, 1 / 1.25),
    (NEGATIVE, 1.0, EASY, False, NEGATIVE, 1 / 2),
    (NEGATIVE, 1.3, EASY, False, ABSTAIN, 0.0),
    (UNLABELED, np.nan, UNLABELED, False, ABSTAIN, 0.0),
]


def columns(cases: list[tuple]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    labels, sigma, codes, wrong = (np.array([case[part] for case in cases]) for part in range(4))
    return labels.astype(np.int8), sigma, codes.astype(np.int8), wrong


def test_each_case_by_hand() -> None:
    made = data_parameters(*columns(CASES))
    assert made.proposed.tolist() == [case[4] for case in CASES]
    np.testing.assert_allclose(made.confidence, [case[5] for case in CASES], rtol=1e-6)
    assert (made.filter, made.signal) == ("data_parameters", "data_parameters")


def test_swapping_the_classes_swaps_the_votes() -> None:
    labels, sigma, codes, wrong = columns(CASES)
    swapped = np.where(labels >= 0, 1 - labels, labels).astype(np.int8)
    made, other = data_parameters(labels, sigma, codes, wrong), data_parameters(swapped, sigma, codes, wrong)
    voted = made.votes
    np.testing.assert_array_equal(other.proposed[voted], 1 - made.proposed[voted])
    np.testing.assert_array_equal(other.proposed[~voted], made.proposed[~voted])


def test_hotter_is_surer_against_a_label() -> None:
    sigma = np.linspace(1.7, 20, 30)
    made = data_parameters(np.ones(30, np.int8), sigma, np.full(30, HARD, np.int8), np.ones(30, bool))
    assert (np.diff(made.confidence) > 0).all()


@pytest.mark.parametrize("row", [(UNLABELED, 1.0, EASY, False), (POSITIVE, np.nan, EASY, False), (POSITIVE, 0.0, EASY, False)])
def test_triage_without_label_or_temperature_is_refused(row: tuple) -> None:
    with pytest.raises(InputError, match="row 1 has a triage"):
        data_parameters(*columns([CASES[0], (*row, 0, 0)]))


def test_lengths_must_agree() -> None:
    labels, sigma, codes, wrong = columns(CASES)
    with pytest.raises(InputError, match="7 temperatures"):
        data_parameters(labels, sigma[1:], codes, wrong)
