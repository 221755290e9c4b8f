"""Softmax regression by SGD with momentum: the model of the fast path."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


@dataclass(eq=False)
class LinearHead:
    """Weights float32 [D, K], bias float32 [K] and their momenta; they move in place.

    Weight decay acts on the weights alone. The published networks use momentum 0.9 and decay 5e-4.
    """

    weights: FloatArray
    bias: FloatArray
    weight_velocity: FloatArray
    bias_velocity: FloatArray

    @staticmethod
    def zero(dim: int, classes: int) -> LinearHead:
        """All zero: every class as likely."""
        return LinearHead(*(np.zeros(shape, np.float32) for shape in ((dim, classes), classes, (dim, classes), classes)))

    def logits(self, features: FloatArray) -> FloatArray:
        """float32 [B, K] of features float32 [B, D]."""
        return features @ self.weights + self.bias

    def step(
        self, features: FloatArray, gradient: NDArray[np.floating], learning_rate: float, momentum: float, weight_decay: float
    ) -> None:
        """One step along the gradient of the mean loss with respect to the logits, float [B, K]."""
        pull = gradient.astype(np.float32, copy=False)
        self.weight_velocity *= momentum
        self.weight_velocity += features.T @ pull
        self.weight_velocity += weight_decay * self.weights
        self.bias_velocity *= momentum
        self.bias_velocity += pull.sum(axis=0)
        self.weights -= learning_rate * self.weight_velocity
        self.bias -= learning_rate * self.bias_velocity
