"""Every pass keeps every output bit, and removes what it says."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from quantize_models import reference_model
from striped_models import SEEDS, assert_same_answers, random_network
from tiny_tflite import INT8, code, operator, packed, tensor, tiny_model, tiny_tree

from tinysieve.quantize.passes.constant_shapes import constant_shapes
from tinysieve.quantize.passes.dead_parts import drop_dead_parts
from tinysieve.quantize.passes.equality import DifferentOutputs, require_equal
from tinysieve.quantize.passes.fold_padding import fold_padding
from tinysieve.quantize.passes.reorder import reorder
from tinysieve.quantize.passes.squeeze import squeeze
from tinysieve.quantize.tflite.graph import load_model, read_graph
from tinysieve.quantize.tflite.model_tree import ModelTree
from tinysieve.quantize.tflite.packing import pack_model

PASSES = (constant_shapes, fold_padding, squeeze, drop_dead_parts, reorder)


@pytest.fixture(scope="session")
def networks() -> list[bytes]:
    return [random_network(seed) for seed in SEEDS]


@pytest.mark.parametrize("one_pass", PASSES)
def test_a_pass_keeps_every_bit_and_does_nothing_twice(networks, one_pass):
    for model in networks:
        once = one_pass(model).model
        assert_same_answers(model, once)
        assert one_pass(once).model == once


@pytest.mark.parametrize("one_pass", PASSES)
def test_a_pass_leaves_what_it_does_not_understand(one_pass):
    tree = tiny_tree()
    tree.subgraphs = [tree.subgraphs[0], tiny_tree().subgraphs[0]]
    model = packed(tree)
    found = one_pass(model)
    assert found.model == model
    assert "2 subgraphs" in found.notes[0]


def padded(rows, columns, kernel, stride, size=9, extra_reader=False) -> bytes:
    """PAD by (before, after) of rows and columns in front of a VALID depthwise convolution."""
    tree = tiny_tree(side=size, channels=4, wide=4)
    graph = tree.subgraphs[0]
    high, wide = size + sum(rows), size + sum(columns)
    made = [(n - kernel) // stride + 1 for n in (high, wide)]
    amounts = np.array([[0, 0], rows, columns, [0, 0]], np.int32)
    tree.buffers += [schema.BufferT(data=amounts.reshape(-1).view(np.uint8)),
                     schema.BufferT(data=np.arange(kernel * kernel * 4).astype(np.uint8) % 50)]
    graph.tensors += [tensor("amounts", (4, 2), schema.TensorType.INT32, 4), tensor("padded", (1, high, wide, 4), INT8, 0),
                      tensor("filter", (1, kernel, kernel, 4), INT8, 5, 4, axis=3), tensor("deep", (1, *made, 4), INT8, 0)]
    options = schema.DepthwiseConv2DOptionsT(padding=schema.Padding.VALID, strideH=stride, strideW=stride, depthMultiplier=1)
    tree.operatorCodes += [code(schema.BuiltinOperator.PAD), code(schema.BuiltinOperator.DEPTHWISE_CONV_2D)]
    graph.operators = [operator(2, [0, 6], [7], schema.BuiltinOptions.PadOptions, schema.PadOptionsT()),
                       operator(3, [7, 8, 2], [9], schema.BuiltinOptions.DepthwiseConv2DOptions, options)]
    graph.outputs = np.array([9, 7] if extra_reader else [9], np.int32)
    return packed(tree)


def operators_of(model: bytes) -> list[str]:
    return [one.name for one in read_graph(model).operators]


@pytest.mark.parametrize(("rows", "columns", "kernel", "stride", "left"), [
    ((0, 0), (0, 0), 3, 1, ["DEPTHWISE_CONV_2D"]),          # nothing padded
    ((1, 1), (1, 1), 3, 1, ["DEPTHWISE_CONV_2D"]),          # SAME at stride 1
    ((3, 3), (3, 3), 7, 1, ["DEPTHWISE_CONV_2D"]),
    ((1, 1), (1, 1), 3, 2, ["DEPTHWISE_CONV_2D"]),          # 9 rows at stride 2: SAME pads (5 - 1) * 2 + 3 - 9 = 2 rows
    ((1, 0), (1, 0), 3, 1, ["PAD", "DEPTHWISE_CONV_2D"]),   # a row less comes out than SAME gives
    ((2, 0), (2, 0), 3, 1, ["PAD", "DEPTHWISE_CONV_2D"]),   # as many rows come out, but other ones
    ((1, 1), (2, 2), 3, 1, ["PAD", "DEPTHWISE_CONV_2D"]),
])
def test_padding_goes_where_same_does_it(rows, columns, kernel, stride, left):
    model = padded(rows, columns, kernel, stride)
    folded = fold_padding(model).model
    assert operators_of(folded) == left
    assert_same_answers(model, folded)


def test_padding_that_no_window_reaches_is_cut():
    """8 rows, one before and one after, kernel 3 at stride 2: the last window starts at row 6 of 10 and ends before row 9."""
    folded = fold_padding(padded((1, 1), (1, 1), 3, 2, size=8)).model
    assert read_graph(folded).tensors[7].shape == (1, 9, 9, 4)
    assert_same_answers(padded((1, 1), (1, 1), 3, 2, size=8), folded)


def test_padding_that_a_caller_sees_stays():
    model = padded((1, 1), (1, 1), 3, 1, extra_reader=True)
    assert fold_padding(model).model == model


def test_computed_shapes_of_a_published_model_become_constants():
    model = reference_model("wv_quality_mcunet-10fps_vww.tflite")
    fixed = drop_dead_parts(constant_shapes(model).model).model
    assert not {"SHAPE", "STRIDED_SLICE", "PACK"} & set(operators_of(fixed))
    assert not any(one.dynamic_axes for one in read_graph(fixed).tensors)
    assert load_model(fixed).subgraphs[0].operators[-2].builtinOptions.newShape.tolist() == [1, 2]


def test_dead_operators_tensors_and_buffers_go_and_equal_buffers_are_one():
    """The tiny model's mean is cut off, so only its convolution is left; two biases with the same values share a buffer."""
    tree = tiny_tree()
    graph = tree.subgraphs[0]
    graph.outputs = np.array([3], np.int32)
    tree.buffers.append(schema.BufferT(data=np.arange(8, dtype=np.int32).view(np.uint8)))
    graph.tensors.append(tensor("again", (8,), schema.TensorType.INT32, 4))
    graph.tensors.append(tensor("more", (1, 8, 8, 8), INT8, 0))
    graph.operators.insert(1, operator(0, [0, 1, 6], [7], schema.BuiltinOptions.Conv2DOptions, graph.operators[0].builtinOptions))
    graph.outputs = np.array([3, 7], np.int32)
    model = packed(tree)
    cleared = drop_dead_parts(model).model
    left = load_model(cleared)
    assert operators_of(cleared) == ["CONV_2D", "CONV_2D"]
    assert len(left.subgraphs[0].tensors) == len(graph.tensors) - 2  # the axes and the mean
    assert len(left.buffers) == 3  # none, filters, one bias
    assert_same_answers(model, cleared)


def test_squeeze_takes_names_and_the_scales_of_biases(small_int8):
    squeezed = load_model(squeeze(small_int8).model)
    graph = squeezed.subgraphs[0]
    assert not any(one.name for one in graph.tensors)
    assert squeezed.metadata is None
    assert squeezed.signatureDefs is None
    biases = [one for one in graph.tensors if one.type == schema.TensorType.INT32 and len(one.shape) == 1]
    assert biases
    assert not any(one.quantization for one in biases)
    filters = [one for one in graph.tensors if one.type == INT8 and one.buffer and one.quantization]
    assert all(len(one.quantization.scale) for one in filters)


def test_signatures_stay_on_request(small_int8):
    kept = drop_dead_parts(squeeze(fold_padding(small_int8).model, keep_signatures=True).model).model
    before, after = (Interpreter(model_content=one).get_signature_list() for one in (small_int8, kept))
    assert before == after


def test_equal_vectors_are_written_once():
    """A second filter with as many channels costs no second vector of zero points: 8 bytes a channel less than its own."""
    def with_second_filter(point):
        def change(tree):
            graph = tree.subgraphs[0]
            graph.tensors.append(tensor("second", (64, 1, 1, 4), INT8, 1, 64))
            graph.tensors[-1].quantization.zeroPoint = np.full(64, point, np.int64)
            options = graph.operators[0].builtinOptions
            graph.operators.append(operator(0, [0, 6, 2], [7], schema.BuiltinOptions.Conv2DOptions, options))
            graph.tensors.append(tensor("other", (1, 8, 8, 64), INT8, 0))
        return pack_model(load_model(tiny_model(change, wide=64)))

    shared, own = with_second_filter(0), with_second_filter(1)
    assert 8 * 64 <= len(own) - len(shared) <= 8 * 64 + 16


def test_buffers_are_aligned_for_word_reads(small_int8):
    model = pack_model(load_model(small_int8))
    weights = [one.data for one in load_model(small_int8).buffers if one.data is not None and len(one.data) > 64]
    assert weights
    assert all(model.index(one.tobytes()) % 16 == 0 for one in weights)


def test_a_branch_waits_until_it_is_needed():
    """Two wide convolutions, each narrowed by another, and a sum: in the given order both wide ones are alive at once."""
    def change(tree):
        graph = tree.subgraphs[0]
        names = ("wide", "wide again", "narrow", "narrow again", "sum")
        shapes = ((1, 8, 8, 64), (1, 8, 8, 64), (1, 8, 8, 4), (1, 8, 8, 4), (1, 8, 8, 4))
        weights, few, many = np.arange(64 * 4).astype(np.uint8) % 99, np.zeros(4 * 4, np.uint8), np.zeros(4 * 64, np.uint8)
        tree.buffers += [schema.BufferT(data=one) for one in (weights, few, many)]
        graph.tensors = [tensor("image", (1, 8, 8, 4), INT8, 0), tensor("widen", (64, 1, 1, 4), INT8, 4, 64),
                         tensor("narrow", (4, 1, 1, 64), INT8, 4, 4), tensor("bias", (4,), schema.TensorType.INT32, 5),
                         *(tensor(name, shape, INT8, 0) for name, shape in zip(names, shapes, strict=True)),
                         tensor("wide bias", (64,), schema.TensorType.INT32, 6)]
        conv, options = schema.BuiltinOptions.Conv2DOptions, graph.operators[0].builtinOptions
        tree.operatorCodes[1] = code(schema.BuiltinOperator.ADD)
        add = operator(1, [6, 7], [8], schema.BuiltinOptions.AddOptions, schema.AddOptionsT())
        graph.operators = [operator(0, [0, 1, 9], [4], conv, options), operator(0, [0, 1, 9], [5], conv, options),
                           operator(0, [4, 2, 3], [6], conv, options), operator(0, [5, 2, 3], [7], conv, options), add]
        graph.outputs = np.array([8], np.int32)

    model = tiny_model(change)
    found = reorder(model)
    wide, narrow = 64 * 64, 64 * 4
    assert f"{narrow + wide + narrow:,} B alive at the peak instead of {2 * wide + narrow:,} B" in found.notes[0]
    assert_same_answers(model, found.model)


def test_a_changed_weight_is_noticed(small_int8):
    tree = ModelTree(small_int8)
    filters = max((one for one in tree.tree.buffers if one.data is not None), key=lambda one: len(one.data))
    filters.data = filters.data.copy()
    filters.data[:40] ^= 255
    with pytest.raises(DifferentOutputs, match="inputs give other outputs"):
        require_equal(small_int8, tree.bytes(), np.random.default_rng(0))
