"""Files are read as they are, and what is odd about them is named."""

import contextlib

import numpy as np
import pytest
from quantize_models import reference_model

from tinysieve.ground.errors import InputError
from tinysieve.quantize.interpreters import LiteRTReference
from tinysieve.quantize.tflite.graph import load_model, read_graph
from tinysieve.quantize.tflite.io_contract import Stated, describe_io


def edited(model: bytes, change) -> bytes:
    import flatbuffers

    tree = load_model(model)
    change(tree.subgraphs[0])
    builder = flatbuffers.Builder(len(model))
    builder.Finish(tree.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def test_published_models_have_the_published_figures():
    graph = read_graph(reference_model("seed_submission.tflite"))
    assert (graph.macs, len(graph.operators), graph.file_bytes) == (55_771_280, 155, 945_928)
    assert graph.operator_counts == {"PAD": 66, "CONV_2D": 45, "DEPTHWISE_CONV_2D": 22, "ADD": 15, "QUANTIZE": 2,
                                     "AVERAGE_POOL_2D": 1, "PACK": 1, "RESHAPE": 1, "SHAPE": 1, "STRIDED_SLICE": 1}
    pixels = graph.inputs[0]
    assert (pixels.dtype, pixels.shape, pixels.scale, pixels.zero_point) == ("uint8", (1, 144, 144, 3), 1.0, 0)
    assert read_graph(reference_model("challenge2_submission_a.tflite")).operator_counts["PAD"] == 47
    assert read_graph(reference_model("mlperftiny_vww_96_int8.tflite")).macs == 7_489_664


def test_damaged_and_foreign_files_are_the_users_errors(small_int8):
    for bad in (b"", b"not a model at all", small_int8[:40]):
        with pytest.raises(InputError):
            read_graph(bad)
    for cut in range(8, len(small_int8), 97):
        with contextlib.suppress(InputError):
            read_graph(small_int8[:cut])


def test_a_plain_model_has_no_oddity(small_int8, small_uint8):
    for model in (small_int8, small_uint8):
        contract = describe_io(model)
        assert contract.oddities == ()
        assert contract.image_shape == (32, 32, 3)


@pytest.mark.parametrize(("shape", "said"), [
    ([1, 3, 32, 32], "is NCHW, stated is NHWC"), ([1, 32, 32, 1], "has 1 channels"),
    ([8, 32, 32, 3], "batch is 8"), ([1, 3072], "is no image"),
])
def test_odd_inputs_are_named(small_int8, shape, said):
    def change(graph):
        graph.tensors[graph.inputs[0]].shape = np.array(shape, np.int32)

    model = edited(small_int8, change)
    assert said in "; ".join(describe_io(model).oddities)
    with pytest.raises(InputError, match=said):
        LiteRTReference(model)


def test_an_nchw_model_is_read_once_the_caller_says_so(small_int8):
    model = edited(small_int8, lambda g: setattr(g.tensors[g.inputs[0]], "shape", np.array([1, 3, 32, 32], np.int32)))
    contract = describe_io(model, Stated(layout="NCHW")).require()
    assert contract.image_shape == (32, 32, 3)
    images = np.arange(2 * 32 * 32 * 3, dtype=np.uint8).reshape(2, 32, 32, 3)
    plain = describe_io(small_int8).encode(images)
    assert (contract.encode(images) == plain.transpose(0, 3, 1, 2)).all()


def test_values_of_zero_to_one_are_not_fed_pixels():
    model = reference_model("mlperftiny_vww_96_int8.tflite")
    with pytest.raises(InputError, match="mean and std are not this model's"):
        LiteRTReference(model)
    stated = Stated(pixel_std=(255.0, 255.0, 255.0))
    contract = describe_io(model, stated).require()
    ramp = np.arange(256, dtype=np.uint8).repeat(96 * 96 * 3 // 256).reshape(1, 96, 96, 3)
    # scale 1/255 and zero point -128: pixel / 255 is code pixel - 128.
    assert (contract.encode(ramp) == ramp.astype(int) - 128).all()


def test_open_image_sizes_and_float_files_are_named(small_int8):
    def change(graph):
        tensor = graph.tensors[graph.inputs[0]]
        tensor.shapeSignature, tensor.type = np.array([1, -1, -1, 3], np.int32), 0

    said = "; ".join(describe_io(edited(small_int8, change)).oddities)
    assert "size is left open" in said
    assert "input is float32" in said


def test_encoding_rounds_and_clips_and_decoding_orders_the_classes(small_int8):
    contract = describe_io(small_int8, Stated(class_order=("person", "background")))
    scale, zero = contract.output.scale, contract.output.zero_point
    decoded = contract.decode(np.array([[zero - 2, zero - 1]], np.int8))
    assert np.allclose(decoded, [[-scale, -2 * scale]])
    black, white = np.zeros((1, 32, 32, 3), np.uint8), np.full((1, 32, 32, 3), 255, np.uint8)
    assert contract.encode(black).min() >= -128
    assert contract.encode(white).max() <= 127
    with pytest.raises(InputError, match=r"uint8 \[1, 16, 16, 3\]"):
        contract.check_images(black[:, :16, :16])
    with pytest.raises(InputError, match="class_order"):
        describe_io(small_int8, Stated(class_order=("cat", "dog")))
