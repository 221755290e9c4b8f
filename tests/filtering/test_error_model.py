"""The model of wrong labels on made-up scores whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from tinysieve.dataset.classes import NEGATIVE, POSITIVE, UNLABELED, Codes
from tinysieve.filtering.decisions.error_model import fit_error_model, fit_signals
from tinysieve.filtering.decisions.error_rates import ErrorRates, rates_at_anchors
from tinysieve.filtering.score import Score
from tinysieve.ground.errors import InputError

COUNT = 6000
NOBODY = np.full(COUNT, UNLABELED, np.int8)
EVERYBODY = np.ones(COUNT, bool)


def made_up(rates: tuple[float, float], seed: int = 0) -> tuple[list[Score], Codes, Codes]:
    """Two witnesses, normal with unit variance around +-1.5 and +-1, true labels, and labels that err at the rates."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, COUNT).astype(np.int8)
    side = 2.0 * truth - 1
    scores = [Score("strong", "a", rng.normal(1.5 * side)), Score("weak", "b", rng.normal(side))]
    wrong = rng.random(COUNT) < np.array(rates)[truth]
    return scores, truth, np.where(wrong, 1 - truth, truth).astype(np.int8)


@pytest.mark.parametrize("rates", [(0.074, 0.053), (0.25, 0.25), (0.02, 0.3)])
def test_rates_and_weights_are_found_without_any_truth(rates: tuple[float, float]) -> None:
    scores, _, given = made_up(rates)
    model = fit_error_model(scores, given, EVERYBODY, NOBODY)
    assert model.rates.negative_as_positive == pytest.approx(rates[0], abs=0.03)
    assert model.rates.positive_as_negative == pytest.approx(rates[1], abs=0.03)
    # Of unit normals around +-m the log-odds are 2 m x: slopes 3 and 2, whatever the labels' noise. The prior draws them to 0,
    # the more so the less the labels tell.
    slopes = model.weights / model.spread
    assert (slopes > [1.5, 1.2]).all()
    assert (slopes < [3.4, 2.4]).all()
    assert slopes[0] > slopes[1]


@pytest.mark.parametrize("rates", [(0.074, 0.053), (0.25, 0.25)])
def test_probabilities_mean_what_they_say(rates: tuple[float, float]) -> None:
    scores, truth, given = made_up(rates)
    p_positive = fit_error_model(scores, given, EVERYBODY, NOBODY).probability_of_positive(scores, given)
    p_wrong = np.where(given == POSITIVE, 1 - p_positive, p_positive)
    wrong = given != truth
    assert p_wrong.sum() == pytest.approx(wrong.sum(), rel=0.1)
    # The rates are read off 1,500 labels a class: an error of 0.02 in 0.25 moves the doubtful ones by some 0.18.
    for low, high in ((0.0, 0.1), (0.1, 0.5), (0.5, 0.9), (0.9, 1.01)):
        inside = (p_wrong >= low) & (p_wrong < high)
        assert wrong[inside].mean() == pytest.approx(p_wrong[inside].mean(), abs=0.18)


def test_the_order_of_samples_does_not_matter() -> None:
    scores, _, given = made_up((0.1, 0.1))
    order = np.random.default_rng(1).permutation(COUNT)
    mixed = [Score(one.name, one.signal, one.values[order]) for one in scores]
    first = fit_error_model(scores, given, EVERYBODY, NOBODY).probability_of_positive(scores, given)
    second = fit_error_model(mixed, given[order], EVERYBODY, NOBODY).probability_of_positive(mixed, given[order])
    np.testing.assert_allclose(first[order], second, atol=1e-4)


def test_calling_each_class_by_the_others_name_mirrors_everything() -> None:
    scores, _, given = made_up((0.05, 0.2))
    mirrored = [Score(one.name, one.signal, -one.values) for one in scores]
    first = fit_error_model(scores, given, EVERYBODY, NOBODY)
    second = fit_error_model(mirrored, (1 - given).astype(np.int8), EVERYBODY, NOBODY)
    assert second.rates.positive_as_negative == pytest.approx(first.rates.negative_as_positive, abs=1e-3)
    # Up to the usual rates, which are not the same for both classes and count as 15 labels beside 1,500.
    np.testing.assert_allclose(second.probability_of_positive(mirrored, (1 - given).astype(np.int8)),
                               1 - first.probability_of_positive(scores, given), atol=3e-3)


def test_a_score_that_says_nothing_leaves_the_others() -> None:
    scores, _, given = made_up((0.1, 0.1))
    silent = [*scores, Score("silent", "c", np.full(COUNT, np.nan))]
    first = fit_error_model(scores, given, EVERYBODY, NOBODY)
    second = fit_error_model(silent, given, EVERYBODY, NOBODY)
    np.testing.assert_allclose(second.weights, [*first.weights, 0], atol=1e-3)
    assert (fit_signals(second, silent, given, EVERYBODY)["c"] == 0.5).all()


def test_a_signal_alone_is_the_sigmoid_of_its_own_slope() -> None:
    scores, _, given = made_up((0.1, 0.1))
    model = fit_error_model(scores, given, EVERYBODY, NOBODY)
    alone = fit_signals(model, scores, given, EVERYBODY)
    np.testing.assert_allclose(alone["b"], expit(2 * scores[1].values), atol=0.08)


def test_answers_teach_what_the_labels_hide() -> None:
    """Labels that no score tells apart; the answers about few samples say that the score is right where it speaks."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, COUNT).astype(np.int8)
    score = [Score("only", "a", rng.normal(2.0 * truth - 1))]
    given = rng.integers(0, 2, COUNT).astype(np.int8)
    verified = np.where(np.arange(COUNT) < 1500, truth, UNLABELED).astype(np.int8)
    without = fit_error_model(score, given, EVERYBODY, NOBODY)
    taught = fit_error_model(score, given, EVERYBODY, verified)
    assert taught.weights[0] > without.weights[0] + 0.5


def test_answers_about_every_sample_leave_nothing_to_guess() -> None:
    scores, truth, given = made_up((0.1, 0.1))
    for asked in (COUNT, COUNT - 1):
        verified = np.where(np.arange(COUNT) < asked, truth, UNLABELED).astype(np.int8)
        p_positive = fit_error_model(scores, given, EVERYBODY, verified).probability_of_positive(scores, given)
        assert ((p_positive > 0.5) == (truth == POSITIVE)).mean() > 0.9


def test_odds_of_labels_by_hand() -> None:
    rates = ErrorRates(0.1, 0.2)
    # P(person | person) / P(person | background) = 0.8 / 0.1; P(background | .) = 0.2 / 0.9.
    assert np.exp(rates.odds_of(np.array([POSITIVE, NEGATIVE, UNLABELED], np.int8))) == pytest.approx([8, 2 / 9, 1])


def test_anchors_never_promise_perfect_labels_nor_worse_than_chance() -> None:
    ranking = np.arange(1000.0)
    clean = rates_at_anchors(ranking, ranking >= 500)
    # None of 250 is wrong, and the usual rates count as 15 labels more.
    assert (clean.negative_as_positive, clean.positive_as_negative) == pytest.approx((0.074 * 15 / 265, 0.053 * 15 / 265))
    reversed_ = rates_at_anchors(ranking, ranking < 500)
    assert reversed_ == ErrorRates(0.45, 0.45)


@pytest.mark.parametrize(("change", "words"), [
    (lambda scores, given: ([], given), "no scores to weigh"),
    (lambda scores, given: (scores, np.ones(COUNT, np.int8)), "has the negative label"),
    (lambda scores, given: ([Score("short", "a", np.zeros(3))], given), "'short' has 3 values"),
    (lambda scores, given: ([Score("wild", "a", np.full(COUNT, np.inf))], given), "infinite in row 0"),
])
def test_what_cannot_be_weighed_is_refused(change, words: str) -> None:
    scores, given = change(*made_up((0.1, 0.1))[::2])
    with pytest.raises(InputError, match=words):
        fit_error_model(scores, given, EVERYBODY, NOBODY)
