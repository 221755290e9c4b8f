"""Figures of real and of tiny models, each with its derivation."""

import json

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from quantize_models import reference_model
from tiny_tflite import tiny_model

from tinysieve.ground.errors import MissingRequirement
from tinysieve.quantize.inspection import flash_of, inspect_model
from tinysieve.quantize.runtime_code import TFLM_CODE_BYTES
from tinysieve.quantize.tflm.arena import Arena

PROMISED_KEYS = {"file_bytes", "macs", "operators", "activation_bytes", "persistent_bytes", "arena_bytes", "lower_bound_bytes",
                 "peak_operator", "inputs", "outputs"}


def unmeasured(model: bytes) -> Arena:
    raise MissingRequirement("not measured here")


def test_every_byte_of_the_tiny_model_has_a_purpose():
    model = tiny_model(side=8, channels=4, wide=8)
    found = inspect_model(model, unmeasured)
    parts = found.parts
    assert (parts.weights, parts.biases, parts.other_constants) == (8 * 4, 4 * 8, 4 * 2)
    # One scale (4 B) and one zero point (8 B) for three activations, eight of each for the filters.
    assert parts.quantization == (3 + 8) * (4 + 8)
    names = ("image", "filters", "bias", "conv", "axes", "mean")
    assert parts.names == sum(len(name) + 5 for name in names)
    assert parts.metadata == len("tiny") + 5
    assert sum((parts.weights, parts.biases, parts.other_constants, parts.quantization, parts.names, parts.metadata,
                parts.structure)) == found.file_bytes == len(model)


def test_live_rows_follow_the_graph():
    found = inspect_model(tiny_model(side=8, channels=4, wide=8), unmeasured)
    conv, mean = found.live
    assert (conv.operator.name, conv.output_shape, conv.macs) == ("CONV_2D", (1, 8, 8, 8), 8 * 8 * 8 * 4)
    assert (conv.live_bytes, conv.tensors) == (8 * 8 * (8 + 4), ((3, 8 * 8 * 8), (0, 8 * 8 * 4)))
    assert (mean.operator.name, mean.live_tensors, mean.live_bytes) == ("MEAN", 2, 8 * 8 * 8 + 8)
    assert found.lower_bound_bytes == conv.live_bytes
    assert (found.peak_operator.index, found.peak_operator.name) == (0, "CONV_2D")


def test_without_tflm_the_activations_are_the_plans_and_the_rest_is_said():
    found = inspect_model(tiny_model(), unmeasured)
    assert found.activation_bytes == found.plan_bytes == 768
    assert (found.arena_bytes, found.persistent_bytes, found.arena_missing) == (None, None, "not measured here")
    assert "not measured" in found.arena_basis


def test_a_head_that_the_plan_does_not_explain_is_noted():
    found = inspect_model(tiny_model(), lambda model: Arena(3000, 1000, 2000))
    assert (found.activation_bytes, found.persistent_bytes, found.arena_bytes) == (1000, 2000, 3000)
    assert any("1,000 B, the plan 768 B" in note for note in found.notes)


def test_flash_is_the_file_and_each_librarys_code():
    reference, cmsis = flash_of(1000)
    assert (reference.flash_bytes, cmsis.flash_bytes) == (1000 + 55_000, 1000 + TFLM_CODE_BYTES)
    assert "54-55 kB" in reference.basis
    assert "92-99 kB" in cmsis.basis


def test_published_model():
    pytest.importorskip("tflite_micro")
    model = reference_model("seed_submission.tflite")
    found = inspect_model(model)
    assert (found.file_bytes, found.macs, sum(found.operators.values())) == (945_928, 55_771_280, 155)
    assert (found.arena_bytes, found.activation_bytes, found.persistent_bytes) == (402_288, 298_752, 103_536)
    assert found.plan_bytes == found.lower_bound_bytes == 298_752
    assert found.parts.weights + found.parts.biases > 0.65 * found.file_bytes
    plain = json.loads(json.dumps(found.to_json()))
    assert plain.keys() >= PROMISED_KEYS
    assert plain["inputs"][0]["layout"] == "NHWC"
    assert len(plain["live"]) == 155


def test_a_model_that_tflm_cannot_run_is_described_all_the_same():
    def three_axes(tree):  # a mean over nothing that TFLM knows
        for index in (3, 5):
            tree.subgraphs[0].tensors[index].type = 16  # uint16
        tree.subgraphs[0].tensors[3].shape = np.array([1, 8, 8, 8], np.int32)

    pytest.importorskip("tflite_micro")
    found = inspect_model(tiny_model(three_axes))
    assert found.arena_bytes is None
    assert "TFLM cannot run the model" in found.arena_missing
    assert found.lower_bound_bytes == 8 * 8 * 4 + 2 * 8 * 8 * 8


def planned(*values):
    """The tiny model with a plan of its own: version, subgraph, count, offsets."""
    def change(tree):
        tree.buffers.append(schema.BufferT(data=np.array(values, np.int32).view(np.uint8)))
        tree.metadata = [schema.MetadataT(name="OfflineMemoryAllocation", buffer=len(tree.buffers) - 1)]

    return tiny_model(change, side=8, channels=4, wide=8)


def test_a_plan_in_the_file_is_the_one_that_counts():
    """The image of 256 B behind the result of 512 B, and the means far behind both, where TFLM puts them."""
    pytest.importorskip("tflite_micro")
    found = inspect_model(planned(1, 0, 6, 512, -1, -1, 0, -1, 1024))
    assert (found.plan_bytes, found.stored_plan_bytes) == (768, 1024 + 16)
    assert found.activation_bytes == 1024 + 16


def test_tensors_that_a_plan_puts_in_one_place_count_once():
    """The image inside the result of its convolution (wrong to run, but the arithmetic is clear): 512, not 768."""
    found = inspect_model(planned(1, 0, 6, 128, -1, -1, 0, -1, 512), unmeasured)
    assert [row.live_bytes for row in found.live] == [512, 512 + 8]
    assert (found.lower_bound_bytes, found.peak_operator.name) == (520, "MEAN")
    apart = inspect_model(planned(1, 0, 6, 384, -1, -1, 0, -1, -1), unmeasured)
    assert [row.live_bytes for row in apart.live] == [384 + 256, 512 + 8]


@pytest.mark.parametrize("values", [
    (), (1,), (1, 0), (9, 0, 6, 0, 0, 0, 0, 0, 0), (1, 0, 2, 0, 0), (1, 0, 6, 2**31 - 1, -5, 0, 0, 0, 0)])
def test_a_plan_that_makes_no_sense_does_no_harm(values):
    assert inspect_model(planned(*values), unmeasured).file_bytes > 0


def test_more_subgraphs_are_noted():
    found = inspect_model(tiny_model(lambda tree: tree.subgraphs.append(tree.subgraphs[0])), unmeasured)
    assert any("2 subgraphs" in note for note in found.notes)


def test_same_file_same_answer():
    model = tiny_model()
    assert inspect_model(model, unmeasured) == inspect_model(model, unmeasured)
