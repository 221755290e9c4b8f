"""How probable it is that a given label is wrong: all scores weighed together, with the labels' own error rates taken out.

A classifier of the scores that is taught by noisy labels predicts noisy labels. Where labels err at rates that do not depend on
the image, P(given positive | scores) = r_n + (1 - r_n - r_p) P(positive | scores), with r_n the share of true negatives labelled
positive and r_p the share of true positives labelled negative. The rates are read off where the scores leave no doubt (anchor
points, Patrini et al. 2017, section 4.1); with them fixed, the weights are the most probable ones, given the labels and what is
known of such scores from other photos (`weight_prior`). A verified sample (a person's answers) teaches directly. A weight a score
and two rates: small enough to print, and to be judged by a reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.classes import NEGATIVE, POSITIVE, Codes
from tinysieve.dataset.samples import Mask
from tinysieve.filtering.decisions.error_rates import USUAL_RATES, Doubles, ErrorRates, rates_at_anchors
from tinysieve.filtering.decisions.scores import check_scores, scale_of, standardised
from tinysieve.filtering.decisions.weight_fit import Answered, fit_weights, share_of_prior
from tinysieve.filtering.decisions.weight_prior import KnownWeights, WeightPrior
from tinysieve.filtering.score import Score

# As how many photos with known labels that which is known from other photos counts: 100 leave more wrong labels where there are
# 300 photos, and 1,000 change little (benchmarks/few_labels_settings.py).
PRIOR_PHOTOS = 300.0
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
        weights: float64 [F], in log-odds a spread.
        intercept: log-odds.
        rates: of the given labels.
        prior_share: how much of what is known of the weights comes from other photos, in [0, 1]; see `share_of_prior`.
    """

    names: tuple[str, ...]
    signals: tuple[str, ...]
    centre: Doubles
    spread: Doubles
    weights: Doubles
    intercept: float
    rates: ErrorRates
    prior_share: float = 0.0

    def log_odds(self, scores: Sequence[Score]) -> Doubles:
        """log P(positive | scores) / P(negative | scores), float64 [N], own label not used."""
        total = np.full(len(scores[0].values), self.intercept)
        for score, centre, spread, weight in zip(scores, self.centre, self.spread, self.weights, strict=True):
            total += np.nan_to_num((score.values - centre) * (weight / spread), nan=0.0)
        return total

    def probability_of_positive(self, scores: Sequence[Score], labels: Codes) -> Doubles:
        """P(positive | scores, given label), float64 [N] in (0, 1); labels int8 [N], negative where there is none."""
        return _sigmoid(self.log_odds(scores) + self.rates.odds_of(labels))


def fit_error_model(scores: Sequence[Score], labels: Codes, teaches: Mask, verified: Codes, known: KnownWeights | None = None,
                    prior_photos: float = PRIOR_PHOTOS) -> ErrorModel:
    """Learn rates and weights from noisy labels and, where there are any, from a person's answers.

    Args:
        scores: F scores of N samples.
        labels: int8 [N], given labels.
        teaches: bool [N], samples to learn from (such as the train split); only those with a label do.
        verified: int8 [N], NEGATIVE or POSITIVE where a person has looked, negative elsewhere.
        known: weights that such scores had on other photos.
        prior_photos: as how many photos with known labels these count; 0 leaves them out.

    Raises:
        InputError: no scores, different lengths, or a class without a sample.
    """
    rows = _taught(labels, teaches)
    check_scores(scores, labels, rows)
    centre, spread = scale_of(scores, rows)
    prior = (WeightPrior.flat(len(scores)) if known is None or prior_photos == 0
             else known.prior(scores, centre, spread, prior_photos))
    unseen, seen = rows[verified[rows] < NEGATIVE], np.flatnonzero(verified >= NEGATIVE)
    features, asked = (_with_one(standardised(scores, centre, spread, some)) for some in (unseen, seen))
    given, truth = labels[unseen] == POSITIVE, verified[seen] == POSITIVE
    rates = ErrorRates(*USUAL_RATES)
    for _ in range(_ROUNDS):
        rates = rates_at_anchors(_ranked(features, given, rates, prior), given)
        weights = fit_weights(features, given, rates, prior, Answered(asked, rates.odds_of(labels[seen]), truth))
    return ErrorModel(tuple(score.name for score in scores), tuple(score.signal for score in scores), centre, spread,
                      weights[:-1], float(weights[-1]), rates, share_of_prior(features, rates, prior, weights))


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
        weights = fit_weights(features, labels[taught] == POSITIVE, model.rates, WeightPrior.flat(len(own)),
                              Answered.nobody(len(own) + 1))
        alone = ErrorModel(tuple(score.name for score in heard), (signal,) * len(own), model.centre[own], model.spread[own],
                           weights[:-1], float(weights[-1]), model.rates)
        by_signal[signal] = np.where(silent, 0.5, _sigmoid(alone.log_odds(heard)))
    return by_signal


def _ranked(features: Doubles, given: Mask, rates: ErrorRates, prior: WeightPrior) -> Doubles:
    """Log-odds of each row by weights that have not seen its label: ranked by its own label, few labels would look too good."""
    # Dealt out in the order of the scores, so that the order of the rows decides nothing.
    ranking, part = np.zeros(len(features)), np.empty(len(features), np.int64)
    part[np.lexsort((given, *features.T))] = np.arange(len(features)) % _PARTS
    for held in range(_PARTS):
        teach, out = part != held, part == held
        weights = fit_weights(features[teach], given[teach], rates, prior, Answered.nobody(features.shape[1]))
        ranking[out] = features[out] @ weights
    return ranking


def _with_one(features: Doubles) -> Doubles:
    return np.column_stack([features, np.ones(len(features))])


def _taught(labels: Codes, teaches: Mask) -> NDArray[np.int64]:
    rows = np.flatnonzero(teaches & (labels >= NEGATIVE))
    return rows if len(rows) <= MOST_TAUGHT else rows[np.linspace(0, len(rows) - 1, MOST_TAUGHT).astype(np.int64)]


def _sigmoid(log_odds: Doubles) -> Doubles:
    from scipy.special import expit

    return np.asarray(expit(log_odds), np.float64)
