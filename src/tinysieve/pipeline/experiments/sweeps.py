"""Noise sweep and prune sweep: what label errors cost a classifier, and what taking them out wins back.

The sweeps of the GSoC 2022 project on label cleaning, with its figures beside ours. Labels are planted, so how many
of the pruned ones were wrong is known, and at 0 % noise whatever is pruned is over-pruning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinysieve.filtering.label_errors.label_errors import LabelErrors, find_label_errors
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.experiments.problem import FoldedRidge, Labels, Learner, plant_uniform

PRUNE_SHARES = tuple(share / 10 for share in range(10, -1, -1))
# Fashion-MNIST, test accuracy without and with pruning by cleanlab, by noise; read off the project's plot.
PUBLISHED_NOISE = {0.0: (0.886, 0.887), 0.1: (0.852, 0.883), 0.2: (0.813, 0.874), 0.3: (0.781, 0.861), 0.4: (0.712, 0.849),
                   0.45: (0.659, 0.836)}
# Fashion-MNIST at 45 % noise: test accuracy by the share of the issues that is pruned, the rest relabelled.
PUBLISHED_PRUNE = {1.0: 0.863, 0.9: 0.846, 0.8: 0.825, 0.7: 0.809, 0.6: 0.809, 0.5: 0.795, 0.4: 0.783, 0.2: 0.775}


@dataclass(frozen=True)
class NoisePoint:
    """One noise level.

    Args:
        noise: share of the labels that were planted wrong.
        baseline_accuracy: on the clean test samples, trained on the noisy labels.
        cleaned_accuracy: trained without the label issues.
        planted: wrong labels.
        pruned: label issues.
        pruned_wrong: issues that are planted errors.
        over_pruned: issues whose label was right.
        estimated: wrong labels by the calibrated joint.
        truth_accuracy: trained without exactly the planted errors, which no filter can do; None where the other labels are not
            known to be right.
        seed: of noise, folds and initial weights.
    """

    noise: float
    baseline_accuracy: float
    cleaned_accuracy: float
    planted: int
    pruned: int
    pruned_wrong: int
    over_pruned: int
    estimated: int
    truth_accuracy: float | None
    seed: int


@dataclass(frozen=True)
class PrunePoint:
    """One share of pruning at a fixed noise level.

    Args:
        prune_share: of the issues, worst first, that were dropped; the rest got the predicted label.
        accuracy: on the clean test samples.
        kept: samples trained on.
        wrong_left: of those, with a wrong label.
        seed: of noise, folds and initial weights.
    """

    prune_share: float
    accuracy: float
    kept: int
    wrong_left: int
    seed: int


def noise_sweep(
    ridge: FoldedRidge, levels: Sequence[float], learn: Learner, filter_by: str, seed: int,
    progress: Callable[[int, int], None],
) -> Iterator[NoisePoint]:
    """Plant, find, prune and train at each noise level.

    Args:
        ridge: the problem's folds, for out-of-fold probabilities.
        levels: shares of labels to plant wrong, each in [0, 1).
        learn: trains and tests.
        filter_by: which labels are issues.
        seed: decides noise and initial weights; each level has its own generator.
        progress: told (done, total) levels.
    """
    for done, level in enumerate(levels):
        rng = np.random.default_rng([seed, round(level * 10_000)])
        given, errors = _found(ridge, level, filter_by, rng)
        everyone, kept = np.arange(len(given)), np.flatnonzero(~errors.is_label_issue)
        wrong = given != ridge.problem.train_labels
        baseline = learn(everyone, given, rng)
        cleaned = learn(kept, given[kept], rng)
        right = np.flatnonzero(~wrong)
        truth = learn(right, given[right], rng) if ridge.problem.labels_known else None
        hits, issues = int((wrong & errors.is_label_issue).sum()), len(errors.issues)
        yield NoisePoint(level, baseline, cleaned, int(wrong.sum()), issues, hits, issues - hits, errors.estimated_errors, truth,
                         seed)
        progress(done + 1, len(levels))


def prune_sweep(
    ridge: FoldedRidge, noise: float, shares: Sequence[float], learn: Learner, filter_by: str, seed: int,
    progress: Callable[[int, int], None],
) -> Iterator[PrunePoint]:
    """At one noise level, prune the worst share of the issues and relabel the rest, for each share."""
    rng = np.random.default_rng([seed, round(noise * 10_000)])
    given, errors = _found(ridge, noise, filter_by, rng)
    for done, share in enumerate(shares):
        kept, labels = prune_and_relabel(given, errors, share)
        wrong = int((labels != ridge.problem.train_labels[kept]).sum())
        yield PrunePoint(share, learn(kept, labels, rng), len(kept), wrong, seed)
        progress(done + 1, len(shares))


def prune_and_relabel(given: Labels, errors: LabelErrors, share: float) -> tuple[NDArray[np.int64], Labels]:
    """Rows that stay when the worst share of the issues is dropped, and their labels, the other issues relabelled."""
    issues = errors.issues
    dropped, relabelled = np.split(issues, [round(share * len(issues))])
    labels = given.copy()
    labels[relabelled] = errors.predicted_labels[relabelled]
    stays = np.ones(len(given), bool)
    stays[dropped] = False
    kept = np.flatnonzero(stays)
    return kept, labels[kept]


def check_share(name: str, value: float, below: float) -> None:
    """Refuse a share outside [0, below).

    Raises:
        InputError: it is.
    """
    if not 0 <= value < below:
        raise InputError(f"{name} {value} is not in [0, {below})")


def _found(ridge: FoldedRidge, level: float, filter_by: str, rng: np.random.Generator) -> tuple[Labels, LabelErrors]:
    check_share("noise", level, 1.0)
    given = plant_uniform(ridge.problem.train_labels, level, ridge.problem.classes, rng)
    return given, find_label_errors(ridge.probabilities(given), given, filter_by)
