"""How probable it is that a given label is wrong: all scores weighed together, with the labels' own error rates taken out.

A classifier of the scores that is taught by noisy labels predicts noisy labels. Where labels err at rates that do not depend on
the image, P(given positive | scores) = r_n + (1 - r_n - r_p) P(positive | scores), with r_n the share of true negatives labelled
positive and r_p the share of true positives labelled negative. The rates are read off where the scores leave no doubt (anchor
points, Patrini et al. 2017, section 4.1); with them fixed, the weights are those of the greatest likelihood. A verified sample
(a person's answers) teaches directly. A weight a score and two rates: small enough to print, and to be judged by a reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.classes import NEGATIVE, POSITIVE, Codes
from tinysieve.dataset.samples import Mask
from tinysieve.filtering.decisions.error_rates import Doubles, ErrorRates, rates_at_anchors
from tinysieve.filtering.decisions.scores import check_scores, scale_of, standardised
from tinysieve.filtering.score import Score

# A standard normal prior on each weight: half its square is the penalty. Chosen on planted errors by log loss.
PRIOR = 0.5
_ROUNDS, _PARTS = 3, 5
# Eight numbers need no more; evenly spaced rows are taken where there are.
MOST_TAUGHT = 200_000


@dataclass(frozen=True, eq=False)
class ErrorModel:
    """Weights of scores, and the rates at which given labels err.

    Args:
        names: of the scores.
        signals: what each score rests on.
        centre, spread: float64 [F], a score counts as (score - centre) / spread, and as 0 where it says nothing.
        weights: float64 [F] >= 0, in log-odds a spread: a score that speaks for the class never counts against one, which on few
            samples noise would make it do.
        intercept: log-odds.
        rates: of the given labels.
    """

    names: tuple[str, ...]
    signals: tuple[str, ...]
    centre: Doubles
    spread: Doubles
    weights: Doubles
    intercept: float
    rates: ErrorRates

    def log_odds(self, scores: Sequence[Score]) -> Doubles:
        """log P(positive | scores) / P(negative | scores), float64 [N], own label not used."""
        total = np.full(len(scores[0].values), self.intercept)
        for score, centre, spread, weight in zip(scores, self.centre, self.spread, self.weights, strict=True):
            total += np.nan_to_num((score.values - centre) * (weight / spread), nan=0.0)
        return total

    def probability_of_positive(self, scores: Sequence[Score], labels: Codes) -> Doubles:
        """P(positive | scores, given label), float64 [N] in (0, 1); labels int8 [N], negative where there is none."""
        return _sigmoid(self.log_odds(scores) + self.rates.odds_of(labels))


def fit_error_model(scores: Sequence[Score], labels: Codes, teaches: Mask, verified: Codes) -> ErrorModel:
    """Learn rates and weights from noisy labels and, where there are any, from a person's answers.

    Args:
        scores: F scores of N samples.
        labels: int8 [N], given labels.
        teaches: bool [N], samples to learn from (such as the train split); only those with a label do.
        verified: int8 [N], NEGATIVE or POSITIVE where a person has looked, negative elsewhere.

    Raises:
        InputError: no scores, different lengths, or a class without a sample.
    """
    rows = _taught(labels, teaches)
    check_scores(scores, labels, rows)
    centre, spread = scale_of(scores, rows)
    unseen, seen = rows[verified[rows] < NEGATIVE], np.flatnonzero(verified >= NEGATIVE)
    features, asked = (_with_one(standardised(scores, centre, spread, some)) for some in (unseen, seen))
    given, truth = labels[unseen] == POSITIVE, verified[seen] == POSITIVE
    rates = ErrorRates(0.0, 0.0)
    for _ in range(_ROUNDS):
        rates = rates_at_anchors(_ranked(features, given, rates), given)
        weights = _fit(features, given, rates, asked, rates.odds_of(labels[seen]), truth)
    return ErrorModel(tuple(score.name for score in scores), tuple(score.signal for score in scores), centre, spread,
                      weights[:-1], float(weights[-1]), rates)


def fit_signals(model: ErrorModel, scores: Sequence[Score], labels: Codes, teaches: Mask) -> dict[str, Doubles]:
    """What each signal says alone: P(positive | its scores), float64 [N] by signal, 0.5 where it says nothing.

    The rates are those of `model`, the weights are fitted anew; arguments as for `fit_error_model`.
    """
    rows, by_signal = _taught(labels, teaches), {}
    for signal in dict.fromkeys(model.signals):
        own = [place for place, name in enumerate(model.signals) if name == signal]
        heard = [scores[place] for place in own]
        silent = np.all([np.isnan(score.values) for score in heard], axis=0)
        taught = rows[~silent[rows]]
        if not len(taught):
            by_signal[signal] = np.full(len(labels), 0.5)
            continue
        features = _with_one(standardised(heard, model.centre[own], model.spread[own], taught))
        weights = _fit(features, labels[taught] == POSITIVE, model.rates, features[:0], np.zeros(0), np.zeros(0, bool))
        alone = ErrorModel(tuple(score.name for score in heard), (signal,) * len(own), model.centre[own], model.spread[own],
                           weights[:-1], float(weights[-1]), model.rates)
        by_signal[signal] = np.where(silent, 0.5, _sigmoid(alone.log_odds(heard)))
    return by_signal


def _ranked(features: Doubles, given: Mask, rates: ErrorRates) -> Doubles:
    """Log-odds of each row by weights that have not seen its label: ranked by its own label, few labels would look too good."""
    # Dealt out in the order of the scores, so that the order of the rows decides nothing.
    ranking, part = np.zeros(len(features)), np.empty(len(features), np.int64)
    part[np.lexsort((given, *features.T))] = np.arange(len(features)) % _PARTS
    for held in range(_PARTS):
        teach, out = part != held, part == held
        weights = _fit(features[teach], given[teach], rates, features[:0], np.zeros(0), np.zeros(0, bool))
        ranking[out] = features[out] @ weights
    return ranking


def _fit(features: Doubles, given: Mask, rates: ErrorRates, seen: Doubles, odds: Doubles, truth: Mask) -> Doubles:
    """Weights [F + 1] of greatest penalised likelihood; an answer counts P(truth | scores, given), whoever was asked."""
    from scipy.optimize import minimize

    low, lift = rates.negative_as_positive, 1 - rates.negative_as_positive - rates.positive_as_negative
    count = len(features) + len(seen)
    if not count:
        return np.zeros(features.shape[1])

    def loss(weights: Doubles) -> tuple[float, Doubles]:
        positive = _sigmoid(features @ weights)
        said = np.clip(low + lift * positive, 1e-9, 1 - 1e-9)
        known = _sigmoid(seen @ weights + odds)
        total = -np.log(np.where(given, said, 1 - said)).sum() - np.log(np.where(truth, known, 1 - known) + 1e-12).sum()
        slope = np.where(given, -1 / said, 1 / (1 - said)) * lift * positive * (1 - positive)
        gradient = (features.T @ slope + seen.T @ (known - truth)) / count
        gradient[:-1] += 2 * PRIOR / count * weights[:-1]
        return total / count + PRIOR / count * float(weights[:-1] @ weights[:-1]), gradient

    bounds = [(0, None)] * (features.shape[1] - 1) + [(None, None)]
    fitted = minimize(loss, np.zeros(features.shape[1]), jac=True, method="L-BFGS-B", bounds=bounds)
    return np.asarray(fitted.x, np.float64)


def _with_one(features: Doubles) -> Doubles:
    return np.column_stack([features, np.ones(len(features))])


def _taught(labels: Codes, teaches: Mask) -> NDArray[np.int64]:
    rows = np.flatnonzero(teaches & (labels >= NEGATIVE))
    return rows if len(rows) <= MOST_TAUGHT else rows[np.linspace(0, len(rows) - 1, MOST_TAUGHT).astype(np.int64)]


def _sigmoid(log_odds: Doubles) -> Doubles:
    from scipy.special import expit

    return np.asarray(expit(log_odds), np.float64)
