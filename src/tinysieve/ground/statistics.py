"""Is the difference real? Intervals and tests for accuracies measured on the same images.

SciPy's statistics take most of a second to import and most commands only show what was computed, so they come when first asked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinysieve.ground.arrays import BoolArray
from tinysieve.ground.errors import InputError


@dataclass(frozen=True)
class Confusion:
    """Counts; ``positive_as_negative`` are images of the class to be detected that the model missed."""

    negative_as_negative: int
    negative_as_positive: int
    positive_as_negative: int
    positive_as_positive: int

    @property
    def total(self) -> int:
        """Images counted."""
        return (self.negative_as_negative + self.negative_as_positive
                + self.positive_as_negative + self.positive_as_positive)

    @property
    def accuracy(self) -> float:
        """Share of right answers in [0, 1]."""
        return (self.negative_as_negative + self.positive_as_positive) / self.total

    @property
    def balanced_accuracy(self) -> float:
        """Mean of the shares of negatives and of positives answered rightly: 1/2 for an answer that looks at nothing.

        >>> Confusion(3, 0, 2, 0).balanced_accuracy, Confusion(3, 1, 0, 4).balanced_accuracy
        (0.5, 0.875)
        """
        shares = [right / (right + wrong) for right, wrong in (
            (self.negative_as_negative, self.negative_as_positive), (self.positive_as_positive, self.positive_as_negative))
            if right + wrong]
        return sum(shares) / len(shares)

    @property
    def constant_accuracy(self) -> float:
        """What always answering the more frequent class would give, in [1/2, 1]."""
        positives = self.positive_as_negative + self.positive_as_positive
        return max(positives, self.total - positives) / self.total

    @property
    def only_answer(self) -> int | None:
        """Code of the class that is answered for every image; None where both are.

        >>> Confusion(3, 0, 2, 0).only_answer, Confusion(3, 1, 2, 0).only_answer
        (0, None)
        """
        positives = self.negative_as_positive + self.positive_as_positive
        return 0 if not positives else 1 if positives == self.total else None


@dataclass(frozen=True)
class Interval:
    """A two-sided interval with its stated confidence in [0, 1]."""

    low: float
    high: float
    confidence: float = 0.95


@dataclass(frozen=True)
class McNemar:
    """Discordant counts (images that only one of two models gets right) and the exact two-sided p-value."""

    only_first_right: int
    only_second_right: int
    p_value: float


def confusion(predicted: NDArray[np.integer], labels: NDArray[np.integer]) -> Confusion:
    """Confusion counts of predictions against labels, both int [N] in {0 negative, 1 positive}.

    Raises:
        InputError: different lengths, no image, or a value that is neither 0 nor 1.

    >>> confusion(np.array([0, 1, 1, 0]), np.array([0, 1, 0, 1]))
    Confusion(negative_as_negative=1, negative_as_positive=1, positive_as_negative=1, positive_as_positive=1)
    """
    predicted, labels = np.asarray(predicted), np.asarray(labels)
    if predicted.shape != labels.shape or predicted.ndim != 1 or not len(labels):
        raise InputError(f"predictions {list(predicted.shape)} and labels {list(labels.shape)} differ in length",
                         fix="give one prediction and one label per image, at least one")
    strange = np.setdiff1d(np.concatenate([predicted, labels]), [0, 1])
    if len(strange):
        raise InputError(f"class {strange[0]} is neither 0 nor 1",
                         fix="score labelled images only")
    cells = np.bincount(labels.astype(np.int64) * 2 + predicted.astype(np.int64), minlength=4)
    return Confusion(*(int(count) for count in cells))


def wilson_interval(right: float, total: float, confidence: float = 0.95) -> Interval:
    """Wilson's score interval of a share (Wilson 1927), good for few images and for shares near 0 or 1.

    Counts may be expected ones, which need not be whole and may pass the total by a rounding error.

    Raises:
        InputError: not 0 <= right <= total, or nothing was counted.

    >>> wilson_interval(8, 10)
    Interval(low=0.490..., high=0.943..., confidence=0.95)
    """
    if not (0 <= right <= total * (1 + 1e-9) and total > 0):
        raise InputError(f"{right} right of {total} is no share", fix="count at least one image")
    from scipy.special import ndtri

    z = float(ndtri((1 + confidence) / 2))
    share, spread = min(right / total, 1.0), z * z / total
    centre = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * np.sqrt(share * (1 - share) / total + spread / (4 * total))
    return Interval(max(0.0, float(centre - half)), min(1.0, float(centre + half)), confidence)


def mcnemar_exact(first_right: BoolArray, second_right: BoolArray) -> McNemar:
    """McNemar's test in its exact form: do two models err on different images by chance only?

    Under no difference each discordant image is a fair coin, so p is a two-sided binomial test with 1/2; 1 if none.

    Args:
        first_right, second_right: bool [N], whether each model got each image right, same images in the same order.
    """
    from scipy.stats import binomtest

    first_right, second_right = _paired(first_right, second_right)
    first, second = int((first_right & ~second_right).sum()), int((second_right & ~first_right).sum())
    discordant = first + second
    p_value = float(binomtest(first, discordant, 0.5).pvalue) if discordant else 1.0
    return McNemar(first, second, p_value)


def paired_bootstrap(
    first_right: BoolArray, second_right: BoolArray, rng: np.random.Generator,
    draws: int = 10_000, confidence: float = 0.95,
) -> Interval:
    """Percentile bootstrap interval of accuracy(second) - accuracy(first) on the same images."""
    return _middle(_drawn_differences(*_paired(first_right, second_right), rng, draws), confidence)


def balanced_bootstrap(
    first_right: BoolArray, second_right: BoolArray, labels: NDArray[np.integer], rng: np.random.Generator,
    draws: int = 10_000, confidence: float = 0.95,
) -> Interval:
    """Percentile bootstrap interval of the difference in balanced accuracy; images are drawn within each class."""
    first_right, second_right = _paired(first_right, second_right)
    classes = [np.asarray(labels) == label for label in np.unique(labels)]
    drawn = [_drawn_differences(first_right[inside], second_right[inside], rng, draws) for inside in classes]
    return _middle(np.mean(drawn, axis=0), confidence)


def _drawn_differences(first: BoolArray, second: BoolArray, rng: np.random.Generator, draws: int) -> NDArray[np.float64]:
    """Each image adds -1, 0 or +1 to the difference, so drawing N images with replacement is one multinomial draw over
    these three kinds: exact, and independent of N in memory.
    """
    count = len(first)
    worse, better = int((first & ~second).sum()), int((second & ~first).sum())
    drawn = rng.multinomial(count, np.array([worse, count - worse - better, better]) / count, size=draws)
    return np.asarray((drawn[:, 2] - drawn[:, 0]) / count, np.float64)


def _middle(drawn: NDArray[np.float64], confidence: float) -> Interval:
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high), confidence)


def looks_reversed(cells: Confusion, significance: float = 1e-3) -> bool:
    """Whether the answers are wrong more often than any unrelated answer could be: the class order is reversed.

    Both must hold: accuracy significantly under 1/2 (binomial), and answers that go *against* the labels (Fisher's
    exact test, one-sided). The second spares a constant answer on a set with few of that class.
    """
    from scipy.stats import binomtest, fisher_exact

    right = cells.negative_as_negative + cells.positive_as_positive
    if binomtest(right, cells.total, 0.5, alternative="less").pvalue >= significance:
        return False
    table = [[cells.negative_as_negative, cells.negative_as_positive],
             [cells.positive_as_negative, cells.positive_as_positive]]
    return bool(fisher_exact(table, alternative="less")[1] < significance)


def _paired(first: BoolArray, second: BoolArray) -> tuple[BoolArray, BoolArray]:
    first, second = np.asarray(first, bool), np.asarray(second, bool)
    if first.shape != second.shape or first.ndim != 1 or not len(first):
        raise InputError(f"{list(first.shape)} and {list(second.shape)} predictions cannot be paired",
                         fix="score both models on the same images in the same order")
    return first, second
