"""Keras models as fold classifiers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from tinysieve.filtering.label_errors.fold_moments import FloatArray, IntArray
from tinysieve.filtering.label_errors.temperature import softmax
from tinysieve.ground.errors import MissingRequirement

if TYPE_CHECKING:
    import keras


class KerasClassifier:
    """A Keras model that ends in one logit a class, trained anew for each fold.

    Args:
        build: makes the untrained model; called at every `fit`.
        epochs: passes over the fold's training rows.
        batch_size: rows a step.
        learning_rate: of Adam.

    Raises:
        MissingRequirement: Keras is not installed.
    """

    def __init__(self, build: Callable[[], keras.Model], epochs: int, batch_size: int = 128, learning_rate: float = 1e-3) -> None:
        self.build, self.epochs, self.batch_size, self.learning_rate = build, epochs, batch_size, learning_rate

    def fit(self, features: FloatArray, labels: IntArray) -> KerasClassifier:
        """Train a fresh model."""
        try:
            import keras
        except ImportError as error:
            raise MissingRequirement(f"Keras is not installed: {error}", fix="pip install keras tensorflow-cpu") from error
        self.model = self.build()
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.model.compile(keras.optimizers.Adam(self.learning_rate), loss)
        self.model.fit(features, labels, batch_size=self.batch_size, epochs=self.epochs, verbose=0)
        return self

    def predict_proba(self, features: FloatArray) -> FloatArray:
        """Softmax of the logits, float32 [n, K]."""
        # Not `predict`: it compiles a function for every model, which takes longer than the answer, and warns of that.
        logits = [self._logits(features[start : start + self.batch_size]) for start in range(0, len(features), self.batch_size)]
        return softmax(np.concatenate(logits))

    def _logits(self, features: FloatArray) -> FloatArray:
        import keras

        return np.asarray(keras.ops.convert_to_numpy(self.model(features, training=False)), np.float32)
