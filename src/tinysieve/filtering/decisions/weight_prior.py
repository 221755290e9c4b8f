"""What is known of scores' weights before a label is read: learnt where the truth is known, and worth a stated number of photos.

How much a detector's best box says about a person hardly depends on whose photos they are. `benchmarks/learn_weight_priors.py`
fits the weights to photos with known labels, and notes how sharply these speak (the Fisher information of a photo). With a few
hundred noisy labels the weights then start from there and not from nothing; thousands of labels overrule it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from tinysieve.filtering.decisions.error_rates import Doubles
from tinysieve.filtering.score import Score

FILE = "weight_priors.json"
# How much the intercept differs between sets of photos, as a variance of log-odds: it holds how frequent the class is.
INTERCEPT_VARIANCE = 1.0
# Keeps weights that the photos say nothing about from being free.
_LEAST = 1e-4


@dataclass(frozen=True, eq=False)
class WeightPrior:
    """A normal distribution of F weights and an intercept, of standardised scores.

    Args:
        mean: float64 [F + 1], the last of the intercept.
        precision: float64 [F + 1, F + 1], inverse of the covariance.
        least: float64 [F + 1], what no weight may fall below: a score that nothing is known of never counts backwards, which
            noise would make it do on few samples.
    """

    mean: Doubles
    precision: Doubles
    least: Doubles

    @classmethod
    def flat(cls, scores: int) -> WeightPrior:
        """For scores that nothing is known of: standard normal weights (chosen on planted errors by log loss), any intercept."""
        return cls(np.zeros(scores + 1), np.diag([1.0] * scores + [0.0]), np.array([0.0] * scores + [-np.inf]))


@dataclass(frozen=True, eq=False)
class KnownWeights:
    """Weights learnt from photos whose true labels are known.

    Args:
        names: of the F scores.
        detector: signal of the first score, which is a detector's, or None for any other than one that has an entry of its own.
        relative: scores that are measured in standard deviations, because their scale hangs on the labels at hand.
        mean: float64 [F + 1], in log-odds a unit of the score, then the intercept.
        information: float64 [F + 1, F + 1], Fisher information of a photo in the mean.
    """

    names: tuple[str, ...]
    detector: str | None
    relative: tuple[str, ...]
    mean: Doubles
    information: Doubles

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> KnownWeights:
        """As the file holds it."""
        return cls(tuple(entry["scores"]), entry["detector"], tuple(entry["relative"]), np.array(entry["mean"]),
                   np.array(entry["information"]))

    def prior(self, scores: Sequence[Score], centre: Doubles, spread: Doubles, photos: float) -> WeightPrior:
        """As a prior of the weights of standardised scores, worth `photos` photos with known labels, more than 0.

        Args:
            scores: those weighed; one that has no entry here gets the flat prior.
            centre, spread: float64 [F], by which they are standardised.
            photos: strength.
        """
        place = {score.name: number for number, score in enumerate(scores)}
        covariance = np.linalg.inv(photos * self.information + _LEAST * np.eye(len(self.mean)))
        covariance[-1, -1] += INTERCEPT_VARIANCE
        # score = centre + spread * standardised, so weights grow by the spread and the intercept takes the centre.
        to_standard = np.eye(len(self.mean))
        for number, name in enumerate(self.names):
            if name not in self.relative:
                to_standard[number, number] = spread[place[name]]
                to_standard[-1, number] = centre[place[name]]
        known = [*(place[name] for name in self.names), len(scores)]
        flat = WeightPrior.flat(len(scores))
        mean, precision, least = flat.mean.copy(), flat.precision.copy(), flat.least.copy()
        mean[known] = to_standard @ self.mean
        precision[np.ix_(known, known)] = np.linalg.inv(to_standard @ covariance @ to_standard.T)
        least[known] = -np.inf
        return WeightPrior(mean, precision, least)


def known_weights(scores: Sequence[Score]) -> KnownWeights | None:
    """The shipped weights that cover most of these scores; None where none does."""
    return best_known(shipped(), scores)


def best_known(entries: Sequence[KnownWeights], scores: Sequence[Score]) -> KnownWeights | None:
    """Of all entries for these scores that which covers most; one for this very detector goes before one for any."""
    signals = {score.name: score.signal for score in scores}
    fitting = [known for known in entries if set(known.names) <= set(signals)]
    own = [known for known in fitting if known.detector == signals[known.names[0]]]
    return max(own or [known for known in fitting if known.detector is None], key=lambda known: len(known.names), default=None)


@cache
def shipped() -> tuple[KnownWeights, ...]:
    """All that ships."""
    entries = json.loads(files("tinysieve.models").joinpath(FILE).read_text(encoding="utf-8"))["weights"]
    return tuple(KnownWeights.from_dict(entry) for entry in entries)
