"""Data parameters for any Keras model that gives logits, on any backend; Keras is imported here and nowhere else in the package.

The model trains on logits divided by sigma, which to it is a given number. What sigma should do follows from the logits of the
very same forward pass, which a layer at the model's end keeps; that part is numpy and costs the batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tinysieve.filtering.data_parameters.gradients import TemperedLoss, tempered_cross_entropy
from tinysieve.filtering.data_parameters.temperatures import Temperatures
from tinysieve.ground.errors import InputError

if TYPE_CHECKING:
    import keras

Images = NDArray[np.generic]
IntArray = NDArray[np.integer]


class KerasTrainer:
    """Takes steps of a Keras model and of the temperatures together.

    Args:
        model: one input, one output: logits [batch, K], not softmax. Its weights move.
        optimizer: of the model; the temperatures have their own.
        temperatures: of the training set; `Temperatures(None, None)` trains as usual.
        batch_size: of every step; fewer samples are filled up with some that count for nothing.

    Raises:
        InputError: the model has several inputs or outputs, or its output is not [batch, K].
    """

    def __init__(
        self, model: keras.Model, optimizer: keras.optimizers.Optimizer, temperatures: Temperatures, batch_size: int
    ) -> None:
        import keras

        shape = tuple(model.output_shape) if len(model.inputs) == len(model.outputs) == 1 else ()
        if len(shape) != 2 or shape[1] is None:
            raise InputError(
                f"model '{model.name}' has outputs {model.output_shape}", why="data parameters divide logits [batch, K]",
                fix="give a model with one input and one output, the logits",
            )  # fmt: skip
        self.model, self.temperatures, self.batch_size = model, temperatures, batch_size
        self._recorder = _recorder(batch_size, int(shape[1]))
        self._network = keras.Model(model.inputs[0], self._recorder(model.outputs[0]))
        # XLA stays off: it recompiles for little on CPU, and the kept logits are a side effect.
        self._network.compile(optimizer=optimizer, loss=_tempered_loss, jit_compile=False)

    def step(self, images: Images, labels: IntArray, rows: IntArray) -> TemperedLoss:
        """One step on n <= batch_size samples: images [n, ...], labels int [n], their rows int [n] in the training set.

        Returns:
            Losses before the step and their gradients, of n samples.
        """
        count = len(rows)
        if not 0 < count <= self.batch_size:
            raise InputError(f"a step of {count} samples with batch size {self.batch_size}")
        filled = np.resize(np.arange(count), self.batch_size)
        target = np.zeros((self.batch_size, 3), np.float32)
        target[:, 0], target[:, 1] = labels[filled], self.temperatures.sigma(rows, labels)[filled]
        target[:count, 2] = 1
        self._network.train_on_batch(images[filled], target)
        logits = _array(self._recorder.kept)[:count]
        return self.temperatures.learn(logits, rows, labels, self.batch_size)

    def set_learning_rate(self, rate: float) -> None:
        """Of the model, from the next step on; that of the temperatures never changes."""
        self._network.optimizer.learning_rate = rate

    def logits(self, images: Images) -> NDArray[np.float32]:
        """float32 [n, K] as the model gives them in use: temperatures have no part in it."""
        return np.asarray(self.model.predict(images, batch_size=4 * self.batch_size, verbose=0), np.float32)

    def losses(self, images: Images, labels: IntArray) -> NDArray[np.float32]:
        """Cross-entropy float32 [n] in nats, temperatures not used."""
        return np.asarray(tempered_cross_entropy(self.logits(images), labels, np.ones(len(labels), np.float32)).loss, np.float32)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Everything that moves, by name."""
        return {name: _array(variable) for name, variable in self._variables()} | self.temperatures.state()

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Take up what `state` gave."""
        self._network.optimizer.build(self._network.trainable_variables)
        for name, variable in self._variables():
            variable.assign(state[name])
        self.temperatures.restore(state)

    def _variables(self) -> list[tuple[str, Any]]:
        network, optimizer = self.model.variables, self._network.optimizer.variables
        return [(f"{kind}.{number}", variable) for kind, variables in (("model", network), ("optimizer", optimizer))
                for number, variable in enumerate(variables)]


def _array(variable: Any) -> NDArray[Any]:
    from keras import ops

    # By way of a copy, a plain tensor: numpy's own conversion of TensorFlow's variables is deprecated.
    return np.asarray(ops.convert_to_numpy(ops.copy(variable)))


def _tempered_loss(target: Any, logits: Any) -> Any:
    """Per sample: target [B, 3] holds label, sigma, and 1 or 0 for a sample that fills up the batch."""
    from keras import ops

    scaled = logits / target[:, 1:2]
    chosen = ops.sum(scaled * ops.one_hot(ops.cast(target[:, 0], "int32"), logits.shape[1], dtype=scaled.dtype), axis=1)
    return (ops.logsumexp(scaled, axis=1) - chosen) * target[:, 2]


def _recorder(batch_size: int, classes: int) -> Any:
    import keras

    class LogitRecorder(keras.layers.Layer):
        """Passes logits on and keeps those of the last training step."""

        def __init__(self) -> None:
            super().__init__(dtype="float32")
            self.kept = self.add_weight(shape=(batch_size, classes), initializer="zeros", trainable=False, name="kept")

        def call(self, logits: Any) -> Any:
            self.kept.assign(keras.ops.stop_gradient(keras.ops.reshape(logits, (batch_size, classes))))
            return logits

        def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
            # Told, because backends that would find out by a trial call try another batch size.
            return input_shape

    return LogitRecorder()
