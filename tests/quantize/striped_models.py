"""Small random Keras networks as int8 files, and quick runs of them, for the tests of the passes."""

from __future__ import annotations

import os
from functools import cache

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from tinysieve.ground.progress import silent
from tinysieve.quantize.passes.equality import check_inputs
from tinysieve.quantize.tflite.graph import read_graph
from tinysieve.quantize.tflm.tflm_process import run

SEEDS = (0, 1, 2, 3, 4)


@cache
def random_network(seed: int) -> bytes:
    """Blocks of MCUNet's kind with odd sizes: kernels 1, 3, 5, 7, strides 1 and 2, SAME, VALID and explicit padding."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    keras = pytest.importorskip("keras")
    from tinysieve.quantize.convert import convert_int8

    keras.utils.set_random_seed(seed)
    rng, layers = np.random.default_rng(seed), keras.layers
    size = tuple(int(n) for n in rng.integers(17, 30, 2))
    image = keras.Input((*size, 3))
    x = layers.Conv2D(6, 3, strides=int(rng.integers(1, 3)), padding="same", activation="relu6")(image)
    for _ in range(3):
        x = _block(layers, x, rng)
    network = keras.Model(image, layers.Conv2D(4, 1)(x))
    pixels = rng.integers(0, 256, (8, *size, 3), dtype=np.uint8)
    return convert_int8(network, pixels, "int8" if seed % 2 else "uint8")


@cache
def wide_network() -> bytes:
    """A block whose inside is four times as wide as what goes in and comes out: what stripes are for."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    keras = pytest.importorskip("keras")
    from tinysieve.quantize.convert import convert_int8

    keras.utils.set_random_seed(1)
    layers = keras.layers
    image = keras.Input((48, 48, 3))
    stem = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu6")(image)
    deep = layers.Conv2D(32, 1, activation="relu6")(stem)
    deep = layers.DepthwiseConv2D(3, padding="same", activation="relu6")(deep)
    block = layers.Add()([layers.Conv2D(8, 1)(deep), stem])
    network = keras.Model(image, layers.Conv2D(2, 1)(layers.AveragePooling2D(24)(block)))
    return convert_int8(network, np.random.default_rng(1).integers(0, 256, (8, 48, 48, 3), dtype=np.uint8), "int8")


def _block(layers, x, rng):
    kernel, stride, channels = int(rng.choice([1, 3, 5, 7])), int(rng.integers(1, 3)), int(x.shape[-1])
    deep = layers.Conv2D(channels * 3, 1, activation="relu6")(x)
    if rng.random() < 0.5 and kernel > 1:
        # The padding of PyTorch: as much before as after, then VALID.
        deep = layers.DepthwiseConv2D(kernel, strides=stride, padding="valid")(layers.ZeroPadding2D(kernel // 2)(deep))
    else:
        deep = layers.DepthwiseConv2D(kernel, strides=stride, padding="same")(deep)
    deep = layers.Conv2D(channels, 1)(layers.ReLU(6.0)(deep))
    return layers.Add()([deep, x]) if stride == 1 else deep


def inputs_of(model: bytes, count: int = 10) -> np.ndarray:
    """Some of the checker's inputs: extremes, noise and smooth ones."""
    return check_inputs(read_graph(model).inputs[0], np.random.default_rng(5))[::64 // count]


def litert(model: bytes, inputs: np.ndarray) -> np.ndarray:
    interpreter = Interpreter(model_content=model, experimental_op_resolver_type=OpResolverType.BUILTIN_REF, num_threads=1)
    interpreter.allocate_tensors()
    answers = []
    for one in inputs:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], one[None])
        interpreter.invoke()
        answers.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
    return np.concatenate(answers)


def assert_same_answers(original: bytes, rewritten: bytes) -> None:
    """Bit for bit under LiteRT's reference kernels, and under TFLM where it is installed."""
    inputs = inputs_of(original)
    np.testing.assert_array_equal(litert(rewritten, inputs), litert(original, inputs))
    try:
        import tflite_micro  # noqa: F401
    except ImportError:
        return
    found, expected = (run(model, lambda codes: codes, inputs, silent) for model in (rewritten, original))
    np.testing.assert_array_equal(found, expected)
