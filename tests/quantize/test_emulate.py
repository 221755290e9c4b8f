"""Generated C on an emulated Cortex-M4 computes what TFLM computes, in the memory that it says."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from firmware_models import classifier, feature_map, gated, means, two_heads
from quantize_models import reference_model
from tiny_tflite import tiny_model
from typer.testing import CliRunner

from tinysieve.ground.errors import GateMissed
from tinysieve.ground.progress import silent
from tinysieve.quantize.firmware import emulate as module
from tinysieve.quantize.firmware.board_files import load_boards
from tinysieve.quantize.firmware.boards import Board, pick_board
from tinysieve.quantize.firmware.c_program import generate
from tinysieve.quantize.firmware.c_stripes import stripe_for_c
from tinysieve.quantize.firmware.kernel_sets import kernel_set

for needed in ("bakenn", "ziglang", "unicorn", "tflite_micro"):
    pytest.importorskip(needed, reason="needs the extra mcu")


BOARDS = tuple(load_boards().values())


def board(name: str) -> Board:
    return pick_board(name, load_boards())


def emulated(model: bytes, kernels: str, inputs: int = 8, on: Board | None = None) -> module.Emulation:
    return module.emulate(model, generate(model, kernel_set(kernels)), on, (on,) if on else BOARDS, inputs, silent)


@pytest.fixture(scope="module")
def models() -> dict[str, bytes]:
    return {"classifier": classifier(), "feature map": feature_map(), "means": means(), "gated": gated()}


@pytest.mark.parametrize("kernels", ["portable", "cmsis-nn", "dsp", "wide"])
@pytest.mark.parametrize("name", ["classifier", "feature map", "means", "gated"])
def test_equals_tflm(name: str, kernels: str, models: dict[str, bytes]) -> None:
    result = emulated(models[name], kernels)
    assert result.compared_with == "TFLM"
    assert result.exact_inputs == result.inputs == 8
    assert result.ram_bytes == result.static_bytes + result.stack_bytes
    assert result.flash_bytes == result.weights_bytes + result.tables_bytes + result.code_bytes
    assert 100 < result.stack_bytes < module.STACK_RESERVE_BYTES


@pytest.mark.parametrize("outputs", [(3, 5), (5, 3), (3, 3, 5), (5, 0)])
@pytest.mark.parametrize("kernels", ["portable", "cmsis-nn", "dsp"])
def test_several_outputs_in_the_files_order(outputs: tuple[int, ...], kernels: str) -> None:
    """One output is what the other is made of, one is given twice, one is the input itself: none is eaten by a run."""
    model = tiny_model(lambda tree: setattr(tree.subgraphs[0], "outputs", np.array(outputs, np.int32)))
    sizes = {0: 8 * 8 * 4, 3: 8 * 8 * 8, 5: 8}
    result = emulated(model, kernels).require_exact()
    assert result.compared_with == "TFLM"
    assert result.output_bytes == sum(sizes[tensor] for tensor in outputs)
    assert result.arena_bytes >= sum(sizes[tensor] for tensor in set(outputs))


def test_two_heads_of_a_network_are_exact() -> None:
    result = emulated(two_heads(), "cmsis-nn").require_exact()
    assert (result.compared_with, result.output_bytes) == ("TFLM", 3 + 5 * 6 * 4)


def test_unsigned_input_and_output(small_uint8: bytes) -> None:
    assert emulated(small_uint8, "cmsis-nn").require_exact().exact_inputs == 8


def test_instructions_are_counted_exactly(small_int8: bytes) -> None:
    once, again = (emulated(small_int8, "portable", 1).instructions for _ in range(2))
    assert once == again
    # A portable multiply-accumulate takes several instructions, and not a hundred.
    macs = emulated(small_int8, "portable", 1).macs
    assert 3 * macs < once < 100 * macs


def test_too_little_memory_is_the_linkers_word_in_bytes(small_int8: bytes) -> None:
    small = replace(board("nRF52840"), ram_bytes=4096)
    with pytest.raises(GateMissed, match=r"does not fit: [\d,]+ B > 4,096 B of RAM, [\d,]+ B too many") as missed:
        emulated(small_int8, "portable", 1, small)
    assert missed.value.exit_code == 1


def test_a_wrong_answer_is_a_missed_gate(small_int8: bytes) -> None:
    with pytest.raises(GateMissed, match="1 of 2 inputs"):
        replace(emulated(small_int8, "portable", 1), inputs=2).require_exact()


def test_a_board_without_an_arm_core_is_judged_by_memory(small_int8: bytes) -> None:
    result = emulated(small_int8, "portable", 1, board("ESP32-S3"))
    (verdict,) = result.boards
    assert verdict.latency is None
    assert verdict.fits_ram
    assert "not emulated" in verdict.note


def test_latency_is_instructions_times_cycles_over_clock() -> None:
    """216 M instructions at 1 cycle each on 216 MHz: one second, and 40 % either way."""
    estimate = module.latency(board("STM32F746"), 216_000_000)
    assert estimate is not None
    assert (estimate.low, estimate.milliseconds, estimate.high) == pytest.approx((600, 1000, 1400))
    assert "TinyEngine" in estimate.basis


def test_challenge_mcunet_fits_where_tinyengine_does() -> None:
    """TinyEngine publishes 174 kB of RAM and 741 kB of flash for this network."""
    result = emulated(reference_model("seed_submission.tflite"), "cmsis-nn", 2, board("STM32F746"))
    assert result.require_exact().linked_for == "STM32F746"
    assert result.ram_bytes < 174_000
    assert result.flash_bytes < 741_000


def test_stripes_take_less_and_stay_exact(small_int8: bytes) -> None:
    """Stripes of the generated program are pointers into rows: less arena for some more multiply-accumulates."""
    kernels = kernel_set("portable")
    whole = generate(small_int8, kernels)
    found = stripe_for_c(small_int8, kernels, 0, 1.0, silent)
    striped = generate(found.model, kernels)
    assert not found.met
    assert striped.arena_bytes == found.arena_bytes < whole.arena_bytes
    assert striped.macs == whole.macs + found.extra_macs
    assert module.emulate(small_int8, striped, None, BOARDS, 8, silent).require_exact().arena_bytes == found.arena_bytes


def test_a_program_that_fits_is_not_striped(small_int8: bytes) -> None:
    kernels = kernel_set("portable")
    found = stripe_for_c(small_int8, kernels, generate(small_int8, kernels).arena_bytes, 0.06, silent)
    assert found.met
    assert (found.model, found.extra_macs) == (small_int8, 0)


def test_command_prints_json(small_int8: bytes, tmp_path) -> None:
    from tinysieve.pipeline.cli import app

    (tmp_path / "m.tflite").write_bytes(small_int8)
    ran = CliRunner().invoke(app, ["emulate", str(tmp_path / "m.tflite"), "--inputs", "1", "--board", "stm32f746", "--json"])
    assert ran.exit_code == 0, ran.output
    found = json.loads(ran.stdout)
    assert found["exact_inputs"] == 1
    assert found["boards"][0]["board"] == "STM32F746"
