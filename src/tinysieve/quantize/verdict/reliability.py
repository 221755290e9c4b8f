"""Do a model's scores mean what they say? Of the answers given with 80 % confidence, 80 % should be right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinysieve.ground.errors import InputError
from tinysieve.ground.statistics import Interval, wilson_interval

BINS = 10


@dataclass(frozen=True)
class ReliabilityBin:
    """Answers whose confidence lies in (low, high]: how many, how confident on average, how many right."""

    low: float
    high: float
    images: int
    mean_confidence: float
    right_share: float
    interval: Interval


@dataclass(frozen=True)
class Reliability:
    """Bins that hold an answer, least confident first.

    Args:
        expected_error: expected calibration error in [0, 1], 0 is best: mean over images of
            |share right - mean confidence| of the image's bin (Guo et al. 2017, section 2).
        brier: mean of (P(positive) - is positive)^2 in [0, 1]; 0 is best, 0.25 is what always saying 1/2 gets.
    """

    bins: tuple[ReliabilityBin, ...]
    expected_error: float
    brier: float


def positive_probability(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Softmax of logits [N, 2], columns [negative, positive]: P(positive), float64 [N].

    >>> positive_probability(np.array([[0.0, 0.0], [-800.0, 800.0]]))
    array([0.5, 1. ])
    """
    difference = np.clip(np.asarray(logits[:, 0], np.float64) - logits[:, 1], -700, 700)
    return 1 / (1 + np.exp(difference))


def reliability(logits: NDArray[np.floating], labels: NDArray[np.integer], bins: int = BINS) -> Reliability:
    """Reliability of a classifier's confidence, the larger of its two probabilities, in equal bins over [1/2, 1].

    Args:
        logits: float [N, 2], columns [negative, positive].
        labels: int [N], 0 negative, 1 positive.
        bins: how many.

    Raises:
        InputError: shapes that do not fit, or no image.

    >>> found = reliability(np.zeros((4, 2)), np.array([0, 0, 0, 1]), bins=5)
    >>> found.bins[0].images, found.bins[0].right_share, found.expected_error, found.brier
    (4, 0.75, 0.25, 0.25)
    """
    logits, labels = np.asarray(logits), np.asarray(labels)
    if logits.shape != (len(labels), 2) or not len(labels):
        raise InputError(f"scores {list(logits.shape)} for {len(labels)} labels", fix="give two scores and one label an image")
    positive = positive_probability(logits)
    # An equal pair is answered with the first class, as argmax does.
    answer = logits[:, 1] > logits[:, 0]
    confidence, right = np.where(answer, positive, 1 - positive), answer == (labels == 1)
    place = np.clip(np.ceil((confidence - 0.5) * 2 * bins).astype(int) - 1, 0, bins - 1)
    edges = np.linspace(0.5, 1, bins + 1)
    filled = tuple(_bin(float(edges[at]), float(edges[at + 1]), confidence[place == at], right[place == at])
                   for at in np.unique(place))
    error = sum(part.images * abs(part.right_share - part.mean_confidence) for part in filled) / len(labels)
    return Reliability(filled, float(error), float(((positive - (labels == 1)) ** 2).mean()))


def _bin(low: float, high: float, confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> ReliabilityBin:
    return ReliabilityBin(low, high, len(right), float(confidence.mean()), float(right.mean()),
                          wilson_interval(int(right.sum()), len(right)))
