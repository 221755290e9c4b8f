"""Keras graphs of the operators that the C route knows, small and odd."""

from __future__ import annotations

import os

import numpy as np
import pytest


def converted(network, size: tuple[int, int]) -> bytes:
    from tinysieve.quantize.convert import convert_int8

    pixels = np.random.default_rng(0).integers(0, 256, (20, *size, 3), dtype=np.uint8)
    return convert_int8(network, pixels, "int8")


def keras_layers():
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(1)
    return keras, keras.layers


def classifier() -> bytes:
    """Kernels 5, 7, 1, 3; strides; VALID and SAME; two channels a channel; a shortcut; MEAN, dense layers, SOFTMAX."""
    keras, layers = keras_layers()
    image = keras.Input((33, 35, 3))
    x = layers.Conv2D(8, 5, strides=2, padding="same", activation="relu")(image)
    x = layers.DepthwiseConv2D(7, padding="same")(x)
    x = layers.Conv2D(13, 1, activation="relu6")(x)
    x = layers.DepthwiseConv2D(3, strides=2, padding="valid", depth_multiplier=2)(x)
    short = layers.Conv2D(12, 1)(x)
    x = layers.Conv2D(20, 1, activation="relu")(short)
    x = layers.Conv2D(12, 1)(layers.DepthwiseConv2D(5, padding="same")(x))
    x = layers.MaxPooling2D(2)(layers.Add()([x, short]))
    x = layers.Dense(10, activation="relu")(layers.GlobalAveragePooling2D()(x))
    return converted(keras.Model(image, layers.Softmax()(layers.Dense(3)(x))), (33, 35))


def feature_map() -> bytes:
    """A whole image as output, so that hundreds of codes are compared: pads, dilation, groups, concatenation, pools."""
    keras, layers = keras_layers()
    image = keras.Input((21, 18, 3))
    x = layers.ZeroPadding2D(((2, 1), (1, 3)))(image)
    x = layers.Conv2D(6, 3, strides=2, padding="valid", activation="relu")(x)
    wide, holes = layers.Conv2D(6, (1, 5), padding="same")(x), layers.Conv2D(6, 3, padding="same", dilation_rate=2)(x)
    x = layers.AveragePooling2D(3, strides=2, padding="same")(layers.Concatenate()([wide, holes]))
    x = layers.MaxPooling2D(3, strides=1, padding="same")(layers.ZeroPadding2D(1)(x))
    return converted(keras.Model(image, layers.Conv2D(4, 2, groups=2)(x)), (21, 18))


def means() -> bytes:
    """Sixteen means as output."""
    keras, layers = keras_layers()
    image = keras.Input((11, 9, 3))
    return converted(keras.Model(image, layers.GlobalAveragePooling2D()(layers.Conv2D(16, 3)(image))), (11, 9))


def gated() -> bytes:
    """Squeeze and excite, a shortcut by products, activations that turn code for code, scalars, another order of axes."""
    keras, layers = keras_layers()
    image = keras.Input((17, 14, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1.0)(image)
    x = layers.LeakyReLU(negative_slope=0.2)(layers.Conv2D(12, 3, strides=2, padding="same")(x))
    squeezed = layers.Dense(4, activation="relu")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    gate = layers.Dense(12, activation="sigmoid")(squeezed)
    x = layers.Multiply()([x, gate])
    x = layers.Multiply()([layers.Activation("hard_silu")(layers.Conv2D(12, 1)(x)), layers.Activation("tanh")(x)])
    return converted(keras.Model(image, layers.Conv2D(5, 1)(layers.Permute((2, 1, 3))(x))), (17, 14))


def two_heads() -> bytes:
    """Three scores and a map of 5 x 6 places with four values each, as a detector gives them."""
    keras, layers = keras_layers()
    image = keras.Input((20, 24, 3))
    x = layers.Conv2D(8, 3, strides=4, padding="same", activation="relu")(image)
    scores = layers.Softmax()(layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))
    return converted(keras.Model(image, [scores, layers.Conv2D(4, 1)(x)]), (20, 24))
