"""A training run of seconds: three layers on pictures that colour tells apart. Also a process to be killed."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from tinysieve.training.fit import FitResult, fit
from tinysieve.training.labelled_images import LabelledImages
from tinysieve.training.recipe import Recipe

RECIPE = Recipe("small", batch_size=8, epochs=3, comparable=False)


def small_network(seed: int):
    """A convolution, batch normalisation and two logits."""
    import keras

    layers, seeds = keras.layers, keras.initializers.GlorotUniform
    image = keras.Input((16, 16, 3), name="image")
    x = layers.Conv2D(4, 3, strides=2, kernel_initializer=seeds(seed=seed), name="conv")(image)
    x = layers.ReLU(name="relu")(layers.BatchNormalization(momentum=0.5, name="norm")(x))
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, layers.Dense(2, kernel_initializer=seeds(seed=seed + 1), name="logits")(x))


def small_images() -> tuple[LabelledImages, LabelledImages]:
    """28 training images (so that the last batch is half a batch) and 12 for validation; persons are redder."""
    rng = np.random.default_rng(0)
    labels = (np.arange(40) % 2).astype(np.int8)
    pixels = rng.integers(0, 128, (40, 16, 16, 3)).astype(np.uint8)
    pixels[labels == 1, ..., 0] += 100
    rows = np.arange(40)
    return (
        LabelledImages(pixels, rows[:28], labels[:28], "train"),
        LabelledImages(pixels, rows[28:], labels[28:], "validation"),
    )


def small_fit(folder: Path, progress=lambda done, total: None, recipe: Recipe = RECIPE, seed: int = 1) -> FitResult:
    """The run of the tests."""
    return fit(*small_images(), recipe, seed, folder, progress, build=small_network)


if __name__ == "__main__":

    def wait_to_be_killed(done: int, total: int) -> None:
        """In the middle of the second epoch, say so and stand still."""
        if done > total // 3 + RECIPE.batch_size:
            print("now", flush=True)
            sys.stdin.read()

    small_fit(Path(sys.argv[1]), wait_to_be_killed if len(sys.argv) > 2 else lambda done, total: None)
