"""Generated C: what becomes a call, what a pointer, what is refused by name, and how many bytes the constants take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from quantize_models import reference_model
from tiny_tflite import code, tiny_model

from tinysieve.ground.errors import InputError, MissingRequirement, TinysieveError
from tinysieve.quantize.firmware import kernel_sets, toolchain
from tinysieve.quantize.firmware.kernel_sets import kernel_set
from tinysieve.quantize.firmware.lowering import lower
from tinysieve.quantize.tflite.graph import read_graph

pytest.importorskip("bakenn", reason="needs the extra mcu")
from tinysieve.quantize.firmware.c_program import generate


def test_pads_and_reshapes_cost_no_call(small_int8: bytes) -> None:
    names = [step.name for step in lower(small_int8).steps]
    counted = read_graph(small_int8).operator_counts
    assert counted.keys() - set(names) <= {"PAD", "RESHAPE"}
    assert "PAD" not in names
    assert "RESHAPE" not in names


def test_constants_are_weights_and_nine_bytes_a_channel(small_int8: bytes) -> None:
    """Bias and multiplier take 4 bytes each, the shift 1; equal vectors are stored once."""
    filters = [step.filter for step in lower(small_int8).steps if step.filter is not None]
    vectors = {(values.dtype.name, values.tobytes())
               for one in filters for values in (one.weights, one.bias, one.multipliers, one.shifts)}
    stored = sum(len(content) for _, content in vectors)
    assert generate(small_int8, kernel_set("portable")).constant_bytes == stored
    assert stored <= sum(one.weights.size + 9 * len(one.bias) for one in filters)


def test_the_same_model_gives_the_same_files(small_int8: bytes) -> None:
    assert generate(small_int8, kernel_set("cmsis-nn")).files == generate(small_int8, kernel_set("cmsis-nn")).files


def test_macs_are_the_graphs_own(small_int8: bytes) -> None:
    assert generate(small_int8, kernel_set("portable")).macs == read_graph(small_int8).macs


def test_operators_without_a_kernel_are_named() -> None:
    def change(tree: Any) -> None:
        tree.operatorCodes = [*tree.operatorCodes[:1], code(schema.BuiltinOperator.L2_NORMALIZATION)]
    with pytest.raises(InputError, match=r"no kernel for L2_NORMALIZATION #1"):
        lower(tiny_model(change))


def test_a_published_model_needs_no_computed_shape() -> None:
    """SHAPE, STRIDED_SLICE and PACK feed the dynamic batch of a reshape only: nothing of it is left."""
    model = reference_model("seed_submission.tflite")
    assert {"SHAPE", "STRIDED_SLICE", "PACK"} <= read_graph(model).operator_counts.keys()
    assert {step.name for step in lower(model).steps} == {"CONV_2D", "DEPTHWISE_CONV_2D", "ADD", "QUANTIZE", "AVERAGE_POOL_2D"}


def test_an_unknown_kernel_set_lists_the_known() -> None:
    with pytest.raises(InputError) as refused:
        kernel_set("fastest")
    assert "portable" in refused.value.fix
    assert "cmsis-nn" in refused.value.fix


def test_garbage_is_refused() -> None:
    with pytest.raises(InputError):
        lower(b"\x00" * 64)


@pytest.mark.parametrize(("wrong", "what"), [
    (lambda graph: setattr(graph, "outputs", np.array([1], np.int32)), "the output is a tensor"),
    (lambda graph: setattr(graph.operators[1], "outputs", np.array([3], np.int32)), "the output is a tensor")])
def test_what_no_operator_has_made_is_not_read(wrong: Callable[[Any], object], what: str) -> None:
    """A constant as the output, and a result that goes into another tensor."""
    model = tiny_model(lambda tree: wrong(tree.subgraphs[0]))
    with pytest.raises(InputError, match=f"{what} that no operator before has made"):
        generate(model, kernel_set("portable"))


def test_damaged_files_are_refused_in_words(small_int8: bytes) -> None:
    """Whatever a few flipped bytes make of the file, it is an error of ours or a program; bounds come before tables."""
    rng = np.random.default_rng(5)
    refused = 0
    for _ in range(150):
        damaged = np.frombuffer(small_int8, np.uint8).copy()
        damaged[rng.integers(8, len(damaged), 6)] = rng.integers(0, 256, 6)
        try:
            generate(damaged.tobytes(), kernel_set("portable"))
        except TinysieveError:
            refused += 1
    assert 0 < refused < 150


def test_another_version_of_the_kernels_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_sets.metadata, "version", lambda _: "0.9.9")
    with pytest.raises(MissingRequirement, match=r"bakenn 0\.9\.9"):
        kernel_set("portable").files()


def test_missing_packages_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingRequirement) as missing:
        toolchain.require_ziglang()
    assert missing.value.exit_code == 3
    assert "tinysieve[mcu]" in missing.value.fix
