"""The plan is TFLM's, byte for byte; what must hold of any plan holds of it."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given
from hypothesis import strategies as st
from quantize_models import reference_model
from tiny_tflite import INT8, code, operator, tensor, tiny_model

from tinysieve.quantize.tflite.graph import read_graph
from tinysieve.quantize.tflm.arena_process import measure_arena
from tinysieve.quantize.tflm.memory_plan import Lifetime, Peak, greedy_plan, lifetimes, live_bytes, lower_bound, tflm_scratch

OPERATORS = 12
buffer_sets = st.lists(st.tuples(st.integers(0, 300), st.integers(0, OPERATORS - 1), st.integers(0, 5)), max_size=14).map(
    lambda rows: [Lifetime(index, size, first, min(first + length, OPERATORS - 1))
                  for index, (size, first, length) in enumerate(rows)])


def head(model: bytes) -> int:
    pytest.importorskip("tflite_micro")
    return measure_arena(model).activations_bytes


def planned(model: bytes) -> int:
    graph = read_graph(model)
    return greedy_plan((*lifetimes(graph), *tflm_scratch(graph))).bytes


@pytest.mark.parametrize("name", [
    "seed_submission.tflite", "seed_baseline.tflite", "challenge2_submission_a.tflite", "mlperftiny_vww_96_int8.tflite",
    "wv_quality_mcunet-10fps_vww.tflite", "wv_quality_mcunet-320kb-1mb_vww.tflite"])
def test_plan_is_tflms_head_on_published_models(name):
    model = reference_model(name)
    assert planned(model) == head(model)


def test_plan_is_tflms_head_on_converted_models(small_int8, small_uint8):
    for model in (small_int8, small_uint8):
        assert planned(model) == head(model)


@pytest.mark.parametrize(("side", "channels", "wide"), [(8, 4, 8), (3, 1, 40), (2, 2, 64), (1, 16, 100), (5, 3, 7)])
def test_scratch_of_a_mean_is_four_bytes_an_axis_and_a_channel(side, channels, wide):
    model = tiny_model(side=side, channels=channels, wide=wide)
    axes, reduced, sums = Lifetime(6, 4 * 4, 1, 1), Lifetime(7, 4 * 2, 1, 1), Lifetime(8, 4 * wide, 1, 1)
    assert tflm_scratch(read_graph(model)) == (axes, reduced, sums)
    assert planned(model) == head(model)


def test_a_mean_over_few_pixels_needs_the_scratch():
    """2 x 2 pixels of 64 channels, their sums of 4 bytes, the means, and two small vectors in 16 bytes each."""
    model = tiny_model(side=2, channels=2, wide=64)
    assert planned(model) == 2 * 2 * 64 + 4 * 64 + 64 + 2 * 16
    assert greedy_plan(lifetimes(read_graph(model))).bytes == 2 * 2 * 64 + 64


def reduction(name, dtype):
    """The mean becomes another reduction of ``dtype``, alone in its graph."""
    def change(tree):
        tree.operatorCodes[1] = code(getattr(schema.BuiltinOperator, name))
        graph = tree.subgraphs[0]
        graph.operators, graph.inputs = graph.operators[1:], np.array([3], np.int32)
        for index in (3, 5):
            graph.tensors[index].type = getattr(schema.TensorType, dtype)
            if dtype == "FLOAT32":
                graph.tensors[index].quantization = None

    return change


@pytest.mark.parametrize("kind", [("MEAN", "INT16"), ("MEAN", "FLOAT32"), ("SUM", "INT8"), ("SUM", "FLOAT32"),
                                  ("REDUCE_MAX", "INT8"), ("REDUCE_MAX", "FLOAT32"), ("REDUCE_MIN", "INT8")])
def test_scratch_of_other_reductions(kind):
    model = tiny_model(reduction(*kind), side=2, channels=2, wide=64)
    assert planned(model) == head(model)


def side_branches(tree) -> None:
    """Two copies of the convolution's output that live to the end, of equal size, and one that nobody reads."""
    graph = tree.subgraphs[0]
    for index in (6, 7, 8):
        graph.tensors.append(tensor(f"copy{index}", (1, 8, 8, 8), INT8, 0))
        graph.operators.insert(index - 5, operator(2, [3, 3], [index], schema.BuiltinOptions.AddOptions, schema.AddOptionsT()))
    added = schema.OperatorCodeT()
    added.builtinCode = added.deprecatedBuiltinCode = schema.BuiltinOperator.ADD
    tree.operatorCodes.append(added)
    graph.outputs = np.array([5, 6, 7], np.int32)


def test_equal_sizes_several_outputs_and_an_unread_tensor_are_tflms_too():
    model = tiny_model(side_branches)
    assert planned(model) == head(model)


def test_lifetimes_of_a_chain():
    graph = read_graph(tiny_model(side=8, channels=4, wide=8))
    assert lifetimes(graph) == (Lifetime(0, 8 * 8 * 4, 0, 0), Lifetime(3, 8 * 8 * 8, 0, 1), Lifetime(5, 8, 1, 1))
    assert lower_bound(lifetimes(graph), 2) == Peak(8 * 8 * 4 + 8 * 8 * 8, 0)
    assert lower_bound((), 0) == Peak(0, 0)


def test_published_peak_is_the_expanded_block():
    """Block 4 of seed_submission: 96 channels before and after the padding to 40 x 40, and the shortcut of 16."""
    graph = read_graph(reference_model("seed_submission.tflite"))
    peak = lower_bound(lifetimes(graph), len(graph.operators))
    assert peak == Peak(36 * 36 * 96 + 40 * 40 * 96 + 36 * 36 * 16, 22)


@given(buffer_sets, st.sampled_from((1, 4, 16)))
def test_buffers_that_live_together_lie_apart(buffers, alignment):
    plan = greedy_plan(buffers, alignment)
    assert set(plan.offsets) == {one.tensor for one in buffers}
    assert all(offset % alignment == 0 for offset in plan.offsets.values())
    for a in buffers:
        assert plan.offsets[a.tensor] + a.size_bytes <= plan.bytes
        for b in buffers:
            if a.tensor < b.tensor and a.first <= b.last and b.first <= a.last:
                start, end = plan.offsets[a.tensor], plan.offsets[b.tensor]
                assert start + a.size_bytes <= end or end + b.size_bytes <= start


@given(buffer_sets)
def test_no_plan_is_smaller_than_the_bound(buffers):
    live = [sum(one.size_bytes for one in buffers if one.first <= step <= one.last) for step in range(OPERATORS)]
    assert live_bytes(buffers, OPERATORS) == tuple(live)
    assert lower_bound(buffers, OPERATORS).bytes == max(live) <= greedy_plan(buffers, 1).bytes


@given(buffer_sets, st.randoms(use_true_random=False))
def test_order_of_the_list_changes_nothing(buffers, random):
    shuffled = random.sample(buffers, len(buffers))
    assert greedy_plan(shuffled) == greedy_plan(buffers)
