"""Conversion: operators, types, bytes, and the float network's answers."""

import os
import subprocess
import sys

import numpy as np
import pytest
from quantize_models import ROOT, small_network

from tinysieve.ground.errors import InputError
from tinysieve.quantize.convert import convert_int8
from tinysieve.quantize.interpreters import LiteRTReference
from tinysieve.quantize.tflite.graph import read_graph


def test_the_graph_is_static_integer_and_has_no_shape_chain(small_int8):
    graph = read_graph(small_int8)
    assert graph.inputs[0].shape == (1, 32, 32, 3)
    assert graph.inputs[0].dynamic_axes == ()
    assert (graph.inputs[0].dtype, graph.outputs[0].dtype) == ("int8", "int8")
    # The only PAD is the stem's, at stride 2, which SAME cannot express.
    assert graph.operator_counts == {"CONV_2D": 3, "ADD": 1, "AVERAGE_POOL_2D": 1, "DEPTHWISE_CONV_2D": 1,
                                     "PAD": 1, "RESHAPE": 1}
    assert graph.macs == 16 * 16 * 8 * 27 + 16 * 16 * 8 * 9 + 16 * 16 * 8 * 8 + 8 * 2


def test_uint8_files_take_uint8(small_uint8):
    graph = read_graph(small_uint8)
    assert (graph.inputs[0].dtype, graph.outputs[0].dtype) == ("uint8", "uint8")


def test_a_second_network_of_the_process_gives_the_same_bytes(pixels, small_int8):
    # Keras numbers its layers on (conv2d_3, ...): the names must not reach the file.
    assert convert_int8(small_network(), pixels[:20], "int8") == small_int8


def test_conversion_leaves_the_model_alone_and_follows_it(network, pixels, small_int8):
    before = [weight.copy() for weight in network.get_weights()]
    calibrated = pixels[:20]  # other images may lie outside the calibrated range, where int8 clips by design
    floats = np.asarray(network(calibrated.astype(np.float32), training=False))
    int8 = LiteRTReference(small_int8).predict_logits(calibrated)
    step = read_graph(small_int8).outputs[0].scale
    assert np.abs(floats - int8).max() < 6 * step  # rounding of five layers
    assert all((a == b).all() for a, b in zip(before, network.get_weights(), strict=True))


# Keras hands its variables to h5py in a way that numpy 2 deprecates.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_weights_of_another_backend_give_the_same_file(pixels, tmp_path, small_int8, network):
    pytest.importorskip("torch")
    network.save_weights(tmp_path / "network.weights.h5")
    np.save(tmp_path / "pixels.npy", pixels[:20])
    script = ("import sys, numpy as np; sys.path[:0] = sys.argv[2:4]\n"
              "from quantize_models import small_network\nfrom tinysieve.quantize.convert import convert_int8\n"
              "model, folder = small_network(), sys.argv[1]\n"
              "model.load_weights(folder + '/network.weights.h5')\n"
              "open(folder + '/x.tflite', 'wb').write(convert_int8(model, np.load(folder + '/pixels.npy'), 'int8'))")
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path), str(ROOT / "src"), str(ROOT / "tests/quantize")],
                          env={**os.environ, "KERAS_BACKEND": "torch"}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "x.tflite").read_bytes() == small_int8


def test_wrong_arguments_are_named(network, pixels):
    with pytest.raises(InputError, match="io_type 'float32'"):
        convert_int8(network, pixels, "float32")
    with pytest.raises(InputError, match=r"\[60, 16, 16, 3\], not uint8 \[N, 32, 32, 3\]"):
        convert_int8(network, pixels[:, :16, :16], "int8")
