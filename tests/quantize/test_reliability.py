"""Reliability of scores: hand-made cases, scores that are right by construction, and what may not change it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tinysieve.ground.errors import InputError
from tinysieve.quantize.verdict.reliability import positive_probability, reliability


def logits_of(person: np.ndarray) -> np.ndarray:
    return np.stack([np.zeros(len(person)), np.log(person / (1 - person))], axis=1)


def test_by_hand() -> None:
    """Logits ±1 are answers of confidence s = 1 / (1 + e^-2); 3 of 4 right: error |3/4 - s|, Brier (3(1-s)^2 + s^2) / 4."""
    sure = 1 / (1 + math.exp(-2))
    logits = np.array([[1, -1], [1, -1], [-1, 1], [-1, 1]], np.float32)
    found = reliability(logits, np.array([0, 0, 1, 0]))
    (only,) = found.bins
    assert (only.images, only.right_share) == (4, 0.75)
    assert only.low < sure <= only.high
    assert found.expected_error == pytest.approx(abs(0.75 - sure))
    assert found.brier == pytest.approx((3 * (1 - sure) ** 2 + sure**2) / 4)


def test_scores_that_are_the_true_chances_are_reliable_and_sharper_ones_are_not() -> None:
    rng = np.random.default_rng(0)
    person = rng.uniform(0.02, 0.98, 20_000)
    labels = (rng.random(20_000) < person).astype(int)
    honest, boastful = reliability(logits_of(person), labels), reliability(10 * logits_of(person), labels)
    assert honest.expected_error < 0.02
    assert boastful.expected_error > 0.15
    assert honest.brier < boastful.brier
    inside = sum(one.interval.low <= one.mean_confidence <= one.interval.high for one in honest.bins)
    assert inside >= len(honest.bins) - 2


def test_order_and_the_names_of_the_classes_do_not_matter() -> None:
    rng = np.random.default_rng(1)
    logits, labels = rng.normal(size=(200, 2)), rng.integers(0, 2, 200)
    found, order = reliability(logits, labels), rng.permutation(200)
    for other in (reliability(logits[order], labels[order]), reliability(logits[:, ::-1], 1 - labels)):
        assert [one.images for one in other.bins] == [one.images for one in found.bins]
        assert other.expected_error == pytest.approx(found.expected_error)
        assert other.brier == pytest.approx(found.brier)
    assert sum(one.images for one in found.bins) == 200


def test_extremes_are_numbers() -> None:
    found = reliability(np.array([[1e9, -1e9], [0.0, 0.0]]), np.array([0, 1]))
    assert [one.mean_confidence for one in found.bins] == [0.5, 1.0]
    assert np.isfinite(positive_probability(np.array([[np.inf, 0.0]]))).all()


@pytest.mark.parametrize(("shape", "labels"), [((3, 3), 3), ((3, 2), 2), ((0, 2), 0)])
def test_what_does_not_fit_is_refused(shape: tuple[int, int], labels: int) -> None:
    with pytest.raises(InputError):
        reliability(np.zeros(shape), np.zeros(labels, int))
