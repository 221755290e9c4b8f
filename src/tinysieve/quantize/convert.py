"""Keras to full-integer int8 TFLite: the adapter around TensorFlow's converter, the only module that imports it.

The graph is traced at batch 1, and the converter puts constants in place of variables, which leaves no SHAPE,
STRIDED_SLICE and PACK behind. Zero padding that SAME could do is the network's business: build it with
``padding="same"`` at stride 1.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tinysieve.ground.child_process import child_environment
from tinysieve.ground.errors import InputError, MissingRequirement, TinysieveError
from tinysieve.ground.native_messages import captured_messages
from tinysieve.ground.progress import Progress, silent

if TYPE_CHECKING:
    import keras

IO_TYPES = ("int8", "uint8")


def convert_int8(model: keras.Model, calibration: NDArray[np.uint8], io_type: str, progress: Progress = silent) -> bytes:
    """A full-integer int8 .tflite with static batch 1, the same bytes for the same weights and images.

    Keras on another backend (JAX, torch) is converted in a child process whose Keras runs on TensorFlow.

    Args:
        model: takes float32 pixels [1, height, width, channels] in 0..255, gives logits [1, classes].
        calibration: uint8 [N, height, width, channels], the images that set the activations' ranges.
        io_type: ``int8`` or ``uint8``, of input and output; the challenge's script wants ``uint8``.
        progress: counts calibration images, where they are run here.

    Raises:
        InputError: an unknown io_type, or calibration images of another type or shape than the model's.
        MissingRequirement: TensorFlow is not installed.
    """
    _check(model, calibration, io_type)
    import keras

    if keras.backend.backend() == "tensorflow":
        return _convert_here(model, calibration, io_type, progress)
    return _convert_in_child(model, calibration, io_type)


def _check(model: Any, calibration: NDArray[np.uint8], io_type: str) -> None:
    if io_type not in IO_TYPES:
        raise InputError(f"io_type {io_type!r} is not one of {', '.join(IO_TYPES)}",
                         why="a microcontroller's camera gives integers", fix="use uint8 for the challenge's script")
    expected = tuple(model.input_shape[1:])
    if calibration.dtype != np.uint8 or calibration.shape[1:] != expected or not len(calibration):
        raise InputError(
            f"calibration images are {calibration.dtype} {list(calibration.shape)}, not uint8 [N, "
            + ", ".join(map(str, expected)) + "] with N at least 1",
            why="int8 ranges would be set by the wrong values", fix="give packed images at the model's size",
        )


def _convert_here(model: keras.Model, calibration: NDArray[np.uint8], io_type: str, progress: Progress) -> bytes:
    tf = _tensorflow()
    plain = _with_plain_names(model)
    signature = tf.TensorSpec((1, *calibration.shape[1:]), tf.float32, name="image")
    # from_keras_model keeps an open batch (and the SHAPE chain with it); a function traced at batch 1 does not.
    traced = tf.function(lambda image: plain(image, training=False), autograph=False).get_concrete_function(signature)
    with warnings.catch_warnings(), captured_messages():  # the converter writes its options there
        warnings.simplefilter("ignore")  # "statistics expected": they come from the calibration below
        converter = tf.lite.TFLiteConverter.from_concrete_functions([traced], None)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: _counted(calibration, progress)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = getattr(tf, io_type)
        return converter.convert()


def _counted(calibration: NDArray[np.uint8], progress: Progress) -> Iterator[list[NDArray[np.float32]]]:
    for done, image in enumerate(calibration):
        progress(done, len(calibration))
        yield [image[None].astype(np.float32)]
    progress(len(calibration), len(calibration))


def _tensorflow() -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        import tensorflow
    except ImportError as error:
        raise MissingRequirement("TensorFlow is not installed", why="only its converter makes int8 models of Keras",
                                 fix="pip install tensorflow-cpu") from error
    tensorflow.get_logger().setLevel("ERROR")
    return tensorflow


def _with_plain_names(model: keras.Model) -> keras.Model:
    """The same network with layers named by position.

    Keras numbers its layers for each process (``conv2d_57``) and the names go into the file: with them, the second
    model of a process would get other bytes than the first.
    """
    import keras

    position = {id(layer): index for index, layer in enumerate(model.layers)}

    def renamed(layer: keras.layers.Layer) -> keras.layers.Layer:
        return layer.__class__.from_config({**layer.get_config(), "name": f"layer_{position[id(layer)]}"})

    copy = keras.models.clone_model(model, clone_function=renamed)
    copy.set_weights(model.get_weights())
    copy.name = "network"
    return copy


def _convert_in_child(model: keras.Model, calibration: NDArray[np.uint8], io_type: str) -> bytes:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model.save(folder / "model.keras")
        np.save(folder / "calibration.npy", calibration)
        done = subprocess.run(
            [sys.executable, "-m", "tinysieve.quantize.convert", name, io_type], capture_output=True, text=True,
            env=child_environment() | {"KERAS_BACKEND": "tensorflow"}, check=False,
        )
        if done.returncode:
            raise TinysieveError("the conversion in a TensorFlow process failed", where="tinysieve.quantize.convert",
                                 why=done.stderr.strip()[-600:], fix="convert with KERAS_BACKEND=tensorflow")
        return (folder / "model.tflite").read_bytes()


def _child(folder: Path, io_type: str) -> None:
    import keras

    model = keras.models.load_model(folder / "model.keras", compile=False)
    (folder / "model.tflite").write_bytes(_convert_here(model, np.load(folder / "calibration.npy"), io_type, silent))


if __name__ == "__main__":
    _child(Path(sys.argv[1]), sys.argv[2])
