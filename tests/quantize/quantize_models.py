"""Builders that tests of this folder and their child processes import."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SIZE = 32


def reference_model(name: str) -> bytes:
    path = Path(os.environ.get("TINYSIEVE_SHARED", ROOT.parent / "shared")) / "models" / "reference" / name
    if not path.is_file():
        pytest.skip(f"no shared reference model {name} (TINYSIEVE_SHARED)")
    return path.read_bytes()


def small_network():
    """Stem 8@16x16, one depthwise block with a shortcut, pool, 1x1 head: MCUNet's operators in small."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(3)
    layers = keras.layers
    image = keras.Input((SIZE, SIZE, 3))
    stem = layers.ReLU(6.0)(layers.BatchNormalization()(
        layers.Conv2D(8, 3, strides=2, padding="valid")(layers.ZeroPadding2D(1)(image))))
    deep = layers.ReLU(6.0)(layers.BatchNormalization()(layers.DepthwiseConv2D(3, padding="same")(stem)))
    block = layers.Add()([layers.Conv2D(8, 1)(deep), stem])
    head = layers.Conv2D(2, 1)(layers.AveragePooling2D(16)(block))
    return keras.Model(image, layers.Reshape((2,))(head))
