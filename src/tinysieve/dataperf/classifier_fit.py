"""Training of the debugging benchmark's classifier: 20 epochs of AdamW, batches of 64 in the given order.

The benchmark fits it once for every row that a submission inspects, so this is where its time goes. Nothing stands
between the two layers, so a batch's gradient of the first one is an outer product, and everything but AdamW's own
arithmetic is a product of a matrix and a vector. AdamW's decays are kept as one scalar a matrix. What remains is six
passes over H x D numbers a step; the results agree with torch's to float32 rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg.blas import saxpy, sger

from tinysieve.dataperf.classifier import Layers, initial_layers, sigmoid
from tinysieve.ground.arrays import FloatArray, IntArray

EPOCHS = 20
BATCH = 64
RATE, WEIGHT_DECAY, EPSILON = 0.01, 0.9, 1e-8
BETA1, BETA2 = 0.9, 0.999
_SMALLEST_SCALE = 1e-6


def fit_layers(features: FloatArray, labels: IntArray) -> Layers:
    """Fit from the benchmark's initial weights (Loshchilov & Hutter 2019, algorithm 2; binary cross-entropy, mean of a batch).

    Args:
        features: float32 [N, D], rows in the order of training.
        labels: int64 [N], 0 or 1.
    """
    training = _Training(initial_layers(features.shape[1]))
    targets = labels.astype(np.float32)
    batches = [slice(start, start + BATCH) for start in range(0, len(labels), BATCH)]
    for _ in range(EPOCHS):
        for rows in batches:
            training.step(features[rows], targets[rows])
    return training.layers()


@dataclass
class _Scaled:
    """A matrix as `scale * stored`: to let it decay costs one multiplication."""

    stored: FloatArray
    scale: float = 1.0

    def decay(self, factor: float) -> None:
        self.scale *= factor
        if self.scale < _SMALLEST_SCALE:
            self.stored *= np.float32(self.scale)
            self.scale = 1.0

    def add_outer(self, weight: float, column: FloatArray, row: FloatArray) -> None:
        """Add weight * column row^T, in place."""
        sger(weight / self.scale, row, column, a=self.stored.T, overwrite_a=1)


class _Training:
    """State of AdamW: the first layer's matrices scaled, the other parameters as one vector [hidden bias, output, its bias]."""

    def __init__(self, start: Layers) -> None:
        self._hidden = len(start.hidden_bias)
        self._weight = _Scaled(start.hidden_weight.copy())
        self._mean, self._square = (_Scaled(np.zeros_like(start.hidden_weight)) for _ in range(2))
        self._quotient = np.empty_like(start.hidden_weight)
        self._rest = np.concatenate([start.hidden_bias, start.output_weight, start.output_bias])
        self._rest_mean, self._rest_square = np.zeros_like(self._rest), np.zeros_like(self._rest)
        self._steps = 0

    def layers(self) -> Layers:
        """The parameters as they stand."""
        size = self._hidden
        return Layers(self._weight.stored * np.float32(self._weight.scale), self._rest[:size].copy(),
                      self._rest[size:-1].copy(), self._rest[-1:].copy())

    def step(self, features: FloatArray, targets: FloatArray) -> None:
        """One batch: features float32 [B, D], targets float32 [B]."""
        size, scale = self._hidden, np.float32(self._weight.scale)
        bias, output = self._rest[:size], self._rest[size:-1].copy()
        logits = features @ ((output @ self._weight.stored) * scale) + (output @ bias + self._rest[-1])
        error = (sigmoid(logits) - targets) / np.float32(len(targets))
        total, pull = error.sum(), np.asarray(error @ features, np.float32)
        gradient = np.empty_like(self._rest)
        gradient[:size] = output * total
        gradient[size:-1] = (self._weight.stored @ pull) * scale + bias * total
        gradient[-1] = total
        self._steps += 1
        rate = RATE / (1 - BETA1**self._steps)
        correction = math.sqrt(1 - BETA2**self._steps)
        self._update_rest(gradient, rate, correction)
        self._update_weight(output, pull, rate, correction)

    def _update_rest(self, gradient: FloatArray, rate: float, correction: float) -> None:
        self._rest_mean += np.float32(1 - BETA1) * (gradient - self._rest_mean)
        self._rest_square *= np.float32(BETA2)
        self._rest_square += np.float32(1 - BETA2) * gradient * gradient
        self._rest *= np.float32(1 - RATE * WEIGHT_DECAY)
        spread = np.sqrt(self._rest_square) / np.float32(correction) + np.float32(EPSILON)
        self._rest -= np.float32(rate) * (self._rest_mean / spread)

    def _update_weight(self, column: FloatArray, row: FloatArray, rate: float, correction: float) -> None:
        """The same for the matrix, whose gradient is column row^T."""
        self._mean.decay(BETA1)
        self._mean.add_outer(1 - BETA1, column, row)
        self._square.decay(BETA2)
        self._square.add_outer(1 - BETA2, column * column, row * row)
        self._weight.decay(1 - RATE * WEIGHT_DECAY)
        # sqrt(v) / correction = root * sqrt(stored): dividing the whole quotient by root leaves one pass to do.
        root = math.sqrt(self._square.scale) / correction
        quotient = np.sqrt(self._square.stored, out=self._quotient)
        quotient += np.float32(EPSILON / root)
        np.divide(self._mean.stored, quotient, out=quotient)
        moved = rate * self._mean.scale / root / self._weight.scale
        saxpy(quotient.reshape(-1), self._weight.stored.reshape(-1), a=-moved)
