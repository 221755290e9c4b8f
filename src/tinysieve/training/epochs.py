"""What Keras does in a run: compile, one epoch of steps, validation. Backend-agnostic; only this module trains."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache

# Read by TensorFlow when its first kernel asks: the same seed must give the same weights. Other backends ignore it.
os.environ.setdefault("TF_DETERMINISTIC_OPS", "1")

import keras
import numpy as np

from tinysieve.ground.freed_memory import keep_freed_memory
from tinysieve.training.batches import EpochBatches, PlainBatches
from tinysieve.training.labelled_images import LabelledImages
from tinysieve.training.recipe import Recipe
from tinysieve.training.starting_weights import start_from

# On two cores larger validation batches are no faster and need more memory.
VALIDATION_BATCH = 64


def compile_model(model: keras.Model, recipe: Recipe) -> keras.Model:
    """A copy of the model, same weights and names, with the challenge's loss and optimizer.

    The optimizer's name is stated because Keras numbers unnamed ones, and a state is read back by name. XLA stays off:
    on CPU it made a step six to nine times slower. The optimizer's variables are made here and not inside the first step,
    which TensorFlow would otherwise trace twice, with a branch for each of some 400 variables.
    """
    if keras.backend.backend() == "tensorflow":
        from tinysieve.training.fused_norm import with_fused_norm

        model = with_fused_norm(model)
    for layer in model.layers:
        layer.trainable = not is_frozen(layer.name, recipe.frozen_blocks)
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = recipe.norm_momentum
    model.compile(
        optimizer=keras.optimizers.Adam(recipe.learning_rate, name="adam"),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        jit_compile=False,
    )
    model.optimizer.build(model.trainable_variables)
    return model


def fresh_model(build: Callable[[int], keras.Model], recipe: Recipe, seed: int) -> keras.Model:
    """A compiled model at its first weights, as `compile_model(build(seed), recipe)` gives it, or at those that the recipe names.

    To trace a step of MCUNet takes TensorFlow as long as some forty steps of eight images. Trainings of one process with
    one recipe therefore share a model, of which weights and optimizer are put back. The process keeps its freed memory from
    here on: a step takes and frees some hundred megabytes.
    """
    keep_freed_memory()
    model, untouched = _compiled(build, recipe)
    if recipe.start:
        start_from(model, recipe.start)
    else:
        model.set_weights(build(seed).get_weights())
    for variable, value in zip(model.optimizer.variables, untouched, strict=True):
        variable.assign(value)
    return model


def is_frozen(layer: str, blocks: int) -> bool:
    """Whether a layer of MCUNet belongs to its first `blocks` blocks, or to the stem before them.

    >>> [is_frozen(name, 2) for name in ("stem_conv", "block2_expand", "block22_expand", "head_conv")]
    [True, True, False, False]
    """
    first = layer.split("_")[0]
    return blocks > 0 and first in {"stem", *(f"block{number}" for number in range(1, blocks + 1))}


@lru_cache(maxsize=1)
def _compiled(build: Callable[[int], keras.Model], recipe: Recipe) -> tuple[keras.Model, tuple[np.ndarray, ...]]:
    model = compile_model(build(0), recipe)
    return model, tuple(np.array(keras.ops.convert_to_numpy(variable.value)) for variable in model.optimizer.variables)


def train_epoch(
    model: keras.Model, batches: EpochBatches, batch_size: int, seen: Callable[[int], None]
) -> tuple[float, float]:
    """Take every step of one epoch.

    Args:
        model: compiled; its weights and optimizer move.
        batches: of this epoch, in order.
        batch_size: for counting.
        seen: called after a step with the images seen in this epoch (the last batch counted whole).

    Returns:
        Mean loss (nats) and accuracy while training.
    """
    report = keras.callbacks.LambdaCallback(on_train_batch_end=lambda step, logs: seen((step + 1) * batch_size))
    logs = model.fit(batches, epochs=1, shuffle=False, verbose=0, callbacks=[report]).history
    return float(logs["loss"][0]), float(logs["accuracy"][0])


def predict_logits(model: keras.Model, images: LabelledImages, seen: Callable[[int], None]) -> np.ndarray:
    """Logits float32 [N, 2] of the images as they are, in the order of their rows; `seen` counts them, the last batch whole."""
    report = keras.callbacks.LambdaCallback(on_predict_batch_end=lambda step, logs: seen((step + 1) * VALIDATION_BATCH))
    return np.asarray(model.predict(PlainBatches(images, VALIDATION_BATCH), verbose=0, callbacks=[report]), np.float32)


def loss_and_accuracy(logits: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Mean cross-entropy in nats and accuracy in [0, 1]; equal logits count as background.

    >>> loss_and_accuracy(np.array([[0.0, 0.0], [0.0, 9.0]]), np.array([0, 1]))[1]
    1.0
    """
    wide = logits.astype(np.float64)
    with np.errstate(invalid="ignore"):  # the caller says what a loss that is no number means
        log_sums = np.logaddexp(wide[:, 0], wide[:, 1])
    losses = log_sums - wide[np.arange(len(labels)), labels]
    return float(losses.mean()), float((logits.argmax(axis=1) == labels).mean())
