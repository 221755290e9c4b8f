"""Weights of scores from labels that err at known rates, from answers, and from what is known beforehand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinysieve.dataset.samples import Mask
from tinysieve.filtering.decisions.error_rates import Doubles, ErrorRates
from tinysieve.filtering.decisions.weight_prior import WeightPrior


@dataclass(frozen=True, eq=False)
class Answered:
    """Samples that a person has judged.

    Args:
        features: float64 [A, F + 1], their standardised scores and a 1.
        odds: float64 [A], log-odds that the given label adds.
        truth: bool [A], whether the person said positive.
    """

    features: Doubles
    odds: Doubles
    truth: Mask

    @classmethod
    def nobody(cls, width: int) -> Answered:
        """No answers about `width` columns."""
        return cls(np.zeros((0, width)), np.zeros(0), np.zeros(0, bool))


def fit_weights(features: Doubles, given: Mask, rates: ErrorRates, prior: WeightPrior, answered: Answered) -> Doubles:
    """Weights [F + 1] of the greatest posterior density.

    An answer counts P(truth | scores, given label), so it does not matter how the asked samples were chosen.

    Args:
        features: float64 [N, F + 1], standardised scores and a 1.
        given: bool [N], whether the given label is positive.
        rates: at which given labels err.
        prior: of the weights.
        answered: what a person said of other samples.
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    low, lift = rates.negative_as_positive, _lift(rates)
    count = max(len(features) + len(answered.truth), 1)

    def loss(weights: Doubles) -> tuple[float, Doubles]:
        positive = expit(features @ weights)
        said = np.clip(low + lift * positive, 1e-9, 1 - 1e-9)
        known = expit(answered.features @ weights + answered.odds)
        off = weights - prior.mean
        pull = prior.precision @ off
        total = (0.5 * float(off @ pull) - np.log(np.where(given, said, 1 - said)).sum()
                 - np.log(np.where(answered.truth, known, 1 - known) + 1e-12).sum())
        slope = np.where(given, -1 / said, 1 / (1 - said)) * lift * positive * (1 - positive)
        return total / count, (features.T @ slope + answered.features.T @ (known - answered.truth) + pull) / count

    bounds = [(least if np.isfinite(least) else None, None) for least in prior.least]
    fitted = minimize(loss, prior.mean, jac=True, method="L-BFGS-B", bounds=bounds)
    return np.asarray(fitted.x, np.float64)


def share_of_prior(features: Doubles, rates: ErrorRates, prior: WeightPrior, weights: Doubles) -> float:
    """How much of what is known of the weights the prior brought: 1 without labels, near 0 where they are many.

    The mean over the weights of prior precision against posterior precision; labels count with their Fisher information.
    """
    from scipy.special import expit

    positive = expit(features @ weights)
    said = rates.negative_as_positive + _lift(rates) * positive
    slope = _lift(rates) * positive * (1 - positive)
    from_labels = (features * (slope**2 / np.clip(said * (1 - said), 1e-9, None))[:, np.newaxis]).T @ features
    posterior = prior.precision + from_labels + 1e-9 * np.eye(len(weights))
    return float(np.clip(np.trace(np.linalg.solve(posterior, prior.precision)) / len(weights), 0, 1))


def _lift(rates: ErrorRates) -> float:
    return 1 - rates.negative_as_positive - rates.positive_as_negative
