"""Green, orange, red where no triage says so."""

from __future__ import annotations

import numpy as np
import pytest

from tinysieve.dataset.classes import DROPPED, NEGATIVE, POSITIVE, UNLABELED
from tinysieve.filtering.data_parameters.triage import EASY, HARD, NEED_REVIEW
from tinysieve.filtering.decisions.contradiction import contradiction
from tinysieve.filtering.opinion import ASK_DROP, ASK_REVIEW, Opinions, opine


def says(proposal: int, confidence: float) -> Opinions:
    return opine("f", "s", [(np.ones(1, bool), proposal, "why")], np.array([confidence]), "no")


@pytest.mark.parametrize(("label", "person", "background", "expected"), [
    (POSITIVE, 0.9, 0.0, EASY), (POSITIVE, 0.0, 0.9, HARD), (POSITIVE, 0.9, 0.8, NEED_REVIEW), (POSITIVE, 0.9, 0.5, EASY),
    (NEGATIVE, 0.9, 0.0, HARD), (NEGATIVE, 0.0, 0.3, NEED_REVIEW), (UNLABELED, 0.9, 0.1, EASY), (UNLABELED, 0.1, 0.9, EASY),
    (UNLABELED, 0.5, 0.4, NEED_REVIEW), (DROPPED, 0.9, 0.0, NEED_REVIEW), (POSITIVE, 0.0, 0.0, NEED_REVIEW),
])
def test_by_the_difference_of_the_strongest_votes(label: int, person: float, background: float, expected: int) -> None:
    opinions = [says(POSITIVE, person), says(NEGATIVE, background)]
    assert contradiction(opinions, np.array([label], np.int8), np.arange(1)).tolist() == [expected]


def test_swapping_the_classes_everywhere_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    votes, sure = rng.integers(0, 2, (3, 200)), rng.random((3, 200)).astype(np.float32)
    labels = rng.integers(-1, 2, 200).astype(np.int8)
    swapped = np.where(labels >= 0, 1 - labels, labels).astype(np.int8)

    def judged(given: np.ndarray, said: np.ndarray) -> list[int]:
        made = [Opinions("f", "s", one.astype(np.int8), by, np.zeros(200, np.int8), ("r",))
                for one, by in zip(said, sure, strict=True)]
        return contradiction(made, given, np.arange(200)).tolist()

    assert judged(labels, votes) == judged(swapped, 1 - votes)


@pytest.mark.parametrize("request_", [ASK_DROP, ASK_REVIEW])
def test_what_a_filter_wants_looked_at_is_never_easy(request_: int) -> None:
    opinions = [says(POSITIVE, 0.9), says(request_, 0.1)]
    assert contradiction(opinions, np.array([POSITIVE], np.int8), np.arange(1)).tolist() == [NEED_REVIEW]
