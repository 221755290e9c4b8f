"""What is known of scores beforehand: how it turns into a prior, which entry is taken, and how labels overrule it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from tinysieve.dataset.classes import UNLABELED
from tinysieve.filtering.decisions.error_model import ErrorModel, fit_error_model
from tinysieve.filtering.decisions.error_rates import ErrorRates
from tinysieve.filtering.decisions.weight_fit import Answered, fit_weights, share_of_prior
from tinysieve.filtering.decisions.weight_prior import KnownWeights, WeightPrior, best_known, known_weights, shipped
from tinysieve.filtering.score import Score

KNOWN = KnownWeights(("box",), None, (), np.array([2.0, 1.0]), np.array([[0.2, 0.05], [0.05, 0.25]]))


def scores_of(count: int, seed: int = 0) -> tuple[list[Score], np.ndarray, np.ndarray]:
    """A box score around 3, spread 2, whose log-odds are 2 (score - 3) + 1; true labels; labels of which a fifth is wrong."""
    rng = np.random.default_rng(seed)
    values = rng.normal(3.0, 2.0, count)
    truth = (rng.random(count) < expit(2 * (values - 3) + 1)).astype(np.int8)
    given = np.where(rng.random(count) < 0.2, 1 - truth, truth).astype(np.int8)
    return [Score("box", "yolo", values)], truth, given


def fitted(scores: list[Score], given: np.ndarray, known: KnownWeights | None, photos: float) -> ErrorModel:
    nobody = np.full(len(given), UNLABELED, np.int8)
    return fit_error_model(scores, given, np.ones(len(given), bool), nobody, known, photos)


def test_a_prior_means_the_same_on_standardised_scores() -> None:
    """2 score + 1 is 2 spread z + (1 + 2 centre) with z = (score - centre) / spread."""
    prior = KNOWN.prior([Score("box", "yolo", np.zeros(3))], np.array([3.0]), np.array([0.5]), 100)
    assert prior.mean == pytest.approx([2 * 0.5, 1 + 2 * 3.0])
    # 100 photos' information, the intercept's variance one more, in the new coordinates: M C M' with M = [[s, 0], [c, 1]].
    covariance = np.linalg.inv(100 * KNOWN.information) + np.diag([0.0, 1.0])
    moved = np.array([[0.5, 0.0], [3.0, 1.0]])
    assert np.linalg.inv(prior.precision) == pytest.approx(moved @ covariance @ moved.T, rel=1e-2)


def test_a_relative_score_is_not_moved() -> None:
    relative = KnownWeights(("box",), None, ("box",), KNOWN.mean, KNOWN.information)
    prior = relative.prior([Score("box", "yolo", np.zeros(3))], np.array([3.0]), np.array([0.5]), 100)
    assert prior.mean == pytest.approx([2, 1])


def test_a_score_that_nothing_is_known_of_gets_the_flat_prior() -> None:
    scores = [Score("mine", "mine", np.zeros(3)), Score("box", "yolo", np.zeros(3))]
    prior = KNOWN.prior(scores, np.zeros(2), np.ones(2), 100)
    assert prior.mean == pytest.approx([0, 2, 1])
    assert prior.precision[0] == pytest.approx([1, 0, 0])
    assert prior.least[0] == 0
    assert np.isneginf(prior.least[1:]).all()


@pytest.mark.parametrize("seed", range(3))
def test_few_labels_stay_near_what_is_known_and_many_go_where_they_point(seed: int) -> None:
    wrong = KnownWeights(("box",), None, (), np.array([0.5, -1.5]), KNOWN.information)
    slopes = {}
    for count in (60, 20_000):
        model = fitted(*(scores_of(count, seed)[0], scores_of(count, seed)[2]), wrong, 300)
        slopes[count] = float(model.weights[0] / model.spread[0])
    assert slopes[60] == pytest.approx(0.5, abs=0.25)
    assert slopes[20_000] == pytest.approx(2.0, abs=0.35)


def test_the_share_of_the_prior_falls_with_the_labels() -> None:
    shares = [fitted(scores_of(count)[0], scores_of(count)[2], KNOWN, 300).prior_share for count in (50, 500, 5_000, 50_000)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.5 > shares[-1]


def test_no_photos_is_as_if_nothing_were_known() -> None:
    scores, _, given = scores_of(500)
    without, unknown = fitted(scores, given, KNOWN, 0), fitted(scores, given, None, 300)
    assert without.weights == pytest.approx(unknown.weights)
    assert without.intercept == pytest.approx(unknown.intercept)


def test_what_is_known_helps_few_labels() -> None:
    """Mean log loss about the truth over twenty sets of 60 labels."""
    losses = {photos: [] for photos in (0.0, 300.0)}
    right = KnownWeights(("box",), None, (), np.array([2.0, 1 - 6.0]), KNOWN.information)
    for seed in range(20):
        scores, truth, given = scores_of(60, seed)
        for photos, found in losses.items():
            p = np.clip(expit(fitted(scores, given, right, photos).log_odds(scores)), 1e-6, 1 - 1e-6)
            found.append(-np.log(np.where(truth == 1, p, 1 - p)).mean())
    assert np.mean(losses[300.0]) < np.mean(losses[0.0])


def test_the_gradient_leads_to_the_greatest_density() -> None:
    """Nearby weights are never better than those found; labels, answers and prior all count."""
    rng = np.random.default_rng(0)
    features = np.column_stack([rng.normal(size=(200, 2)), np.ones(200)])
    given = rng.random(200) < expit(features @ [1.0, 0.5, 0.2])
    rates, answered = ErrorRates(0.1, 0.2), Answered(features[:20], rng.normal(size=20), given[:20])
    prior = WeightPrior(np.array([0.5, 0.5, 0.0]), np.diag([3.0, 3.0, 0.5]), np.full(3, -np.inf))

    def cost(weights: np.ndarray) -> float:
        said = 0.1 + 0.7 * expit(features @ weights)
        known = expit(answered.features @ weights + answered.odds)
        off = weights - prior.mean
        return float(off @ prior.precision @ off / 2 - np.log(np.where(given, said, 1 - said)).sum()
                     - np.log(np.where(answered.truth, known, 1 - known)).sum())

    best = fit_weights(features, given, rates, prior, answered)
    for step in 0.05 * np.vstack([np.eye(3), -np.eye(3)]):
        assert cost(best + step) > cost(best)
    assert 0 < share_of_prior(features, rates, prior, best) < 1


def test_shipped_weights_speak_for_the_class_and_are_chosen_by_score_and_detector() -> None:
    for entry in shipped():
        assert entry.mean[entry.names.index("box")] > 0.5
        assert np.linalg.eigvalsh(entry.information).min() > -1e-6
    three = [Score(name, "ultralytics", np.zeros(1)) for name in ("box", "any_box", "box_area")]
    beside = [*three, Score("out_of_fold", "out_of_fold", np.zeros(1))]
    by_head = [*(Score(score.name, "presence_head", score.values) for score in three), beside[-1]]
    with_head = [*beside, Score("presence_head", "presence_head", np.zeros(1))]
    assert known_weights(three) is None
    assert known_weights(beside).detector is None
    assert "presence_head" not in known_weights(beside).names
    assert known_weights(by_head).detector == "presence_head"
    assert "presence_head" in known_weights([*with_head, Score("mine", "mine", np.zeros(1))]).names
    assert best_known([], beside) is None
