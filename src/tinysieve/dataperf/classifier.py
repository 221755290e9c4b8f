"""The classifier that scores the debugging benchmark, the same to the last bit at the start, without torch.

Two linear layers with nothing between them, then a threshold that is tuned on the training labels themselves. The
benchmark's numbers hang on its initial weights, which torch draws with seed 42; `initial_layers` draws the same ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tinysieve.ground.arrays import FloatArray, IntArray

HIDDEN = 128
SEED = 42
THRESHOLDS = np.arange(0.1, 1, 0.05).astype(np.float32)
DECIMALS = 2
_LARGEST_EXPONENT = np.float32(88)


@dataclass(frozen=True, eq=False)
class Layers:
    """Linear(D, H) and Linear(H, 1).

    Args:
        hidden_weight: float32 [H, D].
        hidden_bias: float32 [H].
        output_weight: float32 [H].
        output_bias: float32 [1].
    """

    hidden_weight: FloatArray
    hidden_bias: FloatArray
    output_weight: FloatArray
    output_bias: FloatArray

    def probabilities(self, features: FloatArray) -> FloatArray:
        """Features float32 [N, D] -> probability of class 1, float32 [N]."""
        slope = self.output_weight @ self.hidden_weight
        offset = self.output_weight @ self.hidden_bias + self.output_bias
        return sigmoid(features @ slope + offset)


@lru_cache(maxsize=4)
def initial_layers(dimensions: int) -> Layers:
    """What `torch.manual_seed(42)` and then `Linear(dimensions, 128)`, `Linear(128, 1)` hold, bit for bit.

    torch draws uniformly from the low 24 bits of each MT19937 word, rounds low + u (high - low) once to float32, and
    bounds weights by sqrt(3) sqrt(2/6) / sqrt(fan in) (He et al. 2015 with negative slope sqrt(5)), biases by
    1 / sqrt(fan in). The arrays are shared between calls and read-only.

    >>> initial_layers(2048).hidden_weight[0, :2]
    array([0.0168..., 0.0183...], dtype=float32)
    """
    shapes = (((HIDDEN, dimensions), _weight_bound(dimensions)), ((HIDDEN,), 1 / math.sqrt(dimensions)),
              ((HIDDEN,), _weight_bound(HIDDEN)), ((1,), 1 / math.sqrt(HIDDEN)))
    words = np.random.RandomState(SEED)  # the legacy generator is MT19937 seeded as torch seeds it
    drawn = [_uniform(words, shape, bound) for shape, bound in shapes]
    for array in drawn:
        array.flags.writeable = False
    return Layers(*drawn)


def _weight_bound(fan_in: int) -> float:
    return math.sqrt(3) * (math.sqrt(2 / 6) / math.sqrt(fan_in))


def _uniform(words: np.random.RandomState, shape: tuple[int, ...], bound: float) -> FloatArray:
    unit = words.randint(0, 1 << 24, size=shape, dtype=np.uint32) * 2.0**-24
    high, low = np.float32(bound), np.float32(-bound)
    return (unit * np.float64(high - low) + np.float64(low)).astype(np.float32)


def sigmoid(logits: FloatArray) -> FloatArray:
    """1 / (1 + exp(-z)) with float32's rounding at each step: near 1 it is as coarse as in the original.

    The published influence ranking orders saturated rows by what is left of 1 - sigmoid, so a more exact one will not do.
    """
    return np.asarray(1 / (1 + np.exp(np.minimum(-logits, _LARGEST_EXPONENT))), np.float32)


def rounded_accuracy(predicted: NDArray[np.bool_], labels: IntArray) -> float:
    """Share of right predictions to two decimals, as the benchmark reports it and compares by it.

    >>> rounded_accuracy(np.array([True, False, True]), np.array([1, 0, 0]))
    0.67
    """
    return float(np.round(np.mean(predicted == (labels == 1)), DECIMALS))


def tuned_threshold(probabilities: FloatArray, labels: IntArray) -> np.float32:
    """The first of 0.1, 0.15, ... 0.95 with the greatest rounded accuracy on the training labels; 0 if all have none.

    Args:
        probabilities: float32 [N] on the training rows.
        labels: int64 [N], the labels trained with.
    """
    accuracies = [rounded_accuracy(probabilities > threshold, labels) for threshold in THRESHOLDS]
    best = int(np.argmax(accuracies))
    return THRESHOLDS[best] if accuracies[best] > 0 else np.float32(0)
