"""The arena of generated C: no step overwrites what is still to be read, and sharing gains what it promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from quantize_models import reference_model

from tinysieve.ground.progress import silent
from tinysieve.quantize.firmware.c_arena import ALIGNMENT, ArenaPlan, plan_arena
from tinysieve.quantize.firmware.c_stripes import stripe_for_c
from tinysieve.quantize.firmware.kernel_sets import kernel_set
from tinysieve.quantize.firmware.lowering import Lowered, lower
from tinysieve.quantize.firmware.sharing import least_bytes
from tinysieve.quantize.firmware.steps import Raster, Step


def no_scratch(_: Step) -> int:
    return 0


def replay(lowered: Lowered, plan: ArenaPlan) -> None:
    """Runs the plan row by row on an arena of owners: each byte that is read must still belong to the tensor read."""
    owner = np.full(plan.bytes, -1)
    source = lowered.source

    def address(tensor: int) -> int:
        view = lowered.place(tensor)
        return plan.offsets[view.root] + view.offset_bytes

    def mark(tensor: int, start: int, end: int) -> None:
        assert address(tensor) >= 0
        assert address(tensor) + source.size_bytes(tensor) <= plan.bytes
        owner[address(tensor) + start:address(tensor) + end] = lowered.place(tensor).root

    def check(tensor: int, start: int, end: int) -> None:
        held = owner[address(tensor) + start:address(tensor) + end] == lowered.place(tensor).root
        assert held.all(), f"tensor {tensor} was overwritten before it was read"

    mark(source.inputs[0], 0, source.size_bytes(source.inputs[0]))
    for step in lowered.steps:
        if step.raster is not None:
            for y in range(step.raster.rows):
                for tensor in step.inputs:
                    check(tensor, step.raster.first_needed(y), source.size_bytes(tensor))
                mark(step.output, y * step.raster.output_row_bytes, (y + 1) * step.raster.output_row_bytes)
            continue
        for tensor in step.inputs:
            check(tensor, 0, source.size_bytes(tensor))
            if step.in_place:
                # Element i of the output may only overwrite elements of the input up to i.
                assert (address(tensor) >= address(step.output)
                        or address(tensor) + source.size_bytes(tensor) <= address(step.output))
            else:
                assert (address(tensor) + source.size_bytes(tensor) <= address(step.output)
                        or address(step.output) + source.size_bytes(step.output) <= address(tensor))
        mark(step.output, 0, source.size_bytes(step.output))
    check(source.outputs[0], 0, source.size_bytes(source.outputs[0]))


@given(rows=st.integers(1, 12), stride=st.integers(1, 3), pad=st.integers(0, 4), row_bytes=st.integers(1, 40))
def test_a_row_needs_no_input_above_its_window(rows: int, stride: int, pad: int, row_bytes: int) -> None:
    """Output row y reads input rows y * stride - pad and on; what is above the image is not read."""
    raster = Raster(rows, stride, pad, row_bytes, 1)
    for y in range(rows):
        touched = [row for row in range(y * stride - pad, rows * stride + 1) if row >= 0]
        assert raster.first_needed(y) == touched[0] * row_bytes


@pytest.mark.parametrize("name", ["small_int8", "small_uint8"])
def test_nothing_is_overwritten_too_early(name: str, request: pytest.FixtureRequest) -> None:
    lowered = lower(request.getfixturevalue(name))
    replay(lowered, plan_arena(lowered, no_scratch))


@pytest.mark.parametrize("name", ["seed_submission", "challenge2_submission_a", "mlperftiny_vww_96_int8",
                                  "wv_quality_mcunet-10fps_vww"])
def test_nothing_is_overwritten_too_early_in_published_models(name: str) -> None:
    lowered = lower(reference_model(f"{name}.tflite"))
    replay(lowered, plan_arena(lowered, no_scratch))


def test_nothing_is_overwritten_too_early_in_stripes(small_int8: bytes) -> None:
    striped = stripe_for_c(small_int8, kernel_set("portable"), 0, 1.0, silent)
    assert striped.notes
    lowered = lower(striped.model)
    replay(lowered, plan_arena(lowered, no_scratch))


def test_the_replay_notices_an_overwritten_tensor(small_int8: bytes) -> None:
    lowered = lower(small_int8)
    plan = plan_arena(lowered, no_scratch)
    everything_at_zero = ArenaPlan(dict.fromkeys(plan.offsets, 0), plan.bytes, plan.shared)
    with pytest.raises(AssertionError, match="overwritten"):
        replay(lowered, everything_at_zero)


def test_mcunet_takes_one_wide_image_its_shortcut_and_three_rows() -> None:
    """Block 3's depthwise 5x5 at 36 x 36: 96 channels written over 96 read, three rows (stride 1, pad 2, and the row in
    work) apart, while the shortcut of 16 channels lives; the scratch is 4 bytes a channel of unpacked shifts."""
    lowered = lower(reference_model("seed_submission.tflite"))
    wide, shortcut, rows, scratch = 36 * 36 * 96, 36 * 36 * 16, 3 * 36 * 96, 4 * 96
    plan = plan_arena(lowered, kernel_set("portable").scratch_bytes)
    assert wide + shortcut + rows <= plan.bytes <= wide + shortcut + rows + 2 * scratch
    assert plan.bytes % ALIGNMENT == 0


def test_the_same_model_gives_the_same_plan(small_int8: bytes) -> None:
    assert plan_arena(lower(small_int8), no_scratch) == plan_arena(lower(small_int8), no_scratch)


def test_the_bound_is_what_the_widest_layer_cannot_do_without() -> None:
    """Block 3's depthwise 5x5 again: all that is read, the shortcut, the three rows between, and the scratch of the kernel."""
    lowered = lower(reference_model("seed_submission.tflite"))
    wide, shortcut, rows = 36 * 36 * 96, 36 * 36 * 16, 3 * 36 * 96
    assert least_bytes(lowered, no_scratch) == wide + shortcut + rows
    scratch = kernel_set("dsp").scratch_bytes
    plan = plan_arena(lowered, scratch)
    assert least_bytes(lowered, scratch) <= plan.bytes <= least_bytes(lowered, scratch) + ALIGNMENT


@pytest.mark.parametrize("name", ["small_int8", "small_uint8"])
def test_no_plan_is_under_the_bound(name: str, request: pytest.FixtureRequest) -> None:
    lowered = lower(request.getfixturevalue(name))
    assert 0 < least_bytes(lowered, no_scratch) <= plan_arena(lowered, no_scratch).bytes
