"""When to read the temperatures: before the model has learnt the wrong labels by heart.

A wrong label's temperature rises while the model contradicts it, and falls once the model has memorised it. The last epoch is
therefore a bad time to look. The turning point is where samples that teach nothing say so: from there on their loss rises.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinysieve.filtering.data_parameters.trajectories import TrajectorySummary
from tinysieve.ground.errors import InputError


def turning_point(held_out_losses: NDArray[np.floating]) -> int:
    """The last epoch (from 0) that is not clearly worse for held-out samples than the best one: within one standard error.

    The held-out samples keep their given labels, wrong ones among them: a model that begins to memorise loses on them too. Where
    the losses stay flat, later is better, since temperatures need epochs to move; the standard error (of the paired
    difference to the best epoch, as in the one-standard-error rule of Breiman et al. 1984) says what is flat.

    Args:
        held_out_losses: float [epochs, n], cross-entropy in nats of each held-out sample after each epoch, temperatures not used.

    Raises:
        InputError: no epochs, no samples, or a loss is not a number.

    >>> turning_point(np.array([[0.6, 0.7], [0.4, 0.2], [0.3, 0.3], [0.9, 0.8]]))
    2
    """
    if not held_out_losses.size or not np.isfinite(held_out_losses).all():
        raise InputError(f"held-out losses {list(held_out_losses.shape)} are empty or not numbers", fix="lower the learning rate")
    excess = held_out_losses - held_out_losses[held_out_losses.mean(axis=1).argmin()]
    error = excess.std(axis=1) / np.sqrt(excess.shape[1])
    return int(np.flatnonzero(excess.mean(axis=1) <= error)[-1])


def suspicion(summary: TrajectorySummary) -> NDArray[np.float64]:
    """How suspect each label is, float64 [N] in [0, 1), 1 surely wrong: by final temperature, ties by the trajectory's mean.

    Temperatures tie where many have reached the clamp; of those the one that rose first is the worst. The numbers are ranks,
    not probabilities.

    >>> four = np.float32([20, 20, 1, 0.5])
    >>> suspicion(TrajectorySummary(four, four, four, np.float32([9, 7, 1, 1]))).argsort().tolist()
    [3, 2, 1, 0]
    """
    levels, level = np.unique(summary.final, return_inverse=True)
    mean = summary.mean.astype(np.float64)
    span = mean.max() - mean.min() if len(mean) else 0.0
    # Under 1 by construction, so that the mean decides only within a level.
    share = (mean - mean.min()) / (span * (1 + 1e-9)) if span else np.zeros(len(mean))
    return np.asarray((level + share) / max(len(levels), 1))
