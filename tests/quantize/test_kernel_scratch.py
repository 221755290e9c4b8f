"""Scratch memory as the libraries' own size functions give it, and the arena that a firmware needs with it.

The figures were computed by the libraries' own functions (ESP-NN 1.2.3; CMSIS-NN 99f736a with DSP, without, with Helium).
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from quantize_models import reference_model

from tinysieve.ground.errors import InputError
from tinysieve.quantize.passes.firmware_arena import HANDLE_BYTES, RECORDING_BYTES, firmware_arena
from tinysieve.quantize.passes.offline_plan import plan_arena
from tinysieve.quantize.tflm.arena import Arena
from tinysieve.quantize.tflm.arena_process import measure_arena
from tinysieve.quantize.tflm.cmsis_nn_scratch import dsp_scratch, mve_scratch, scalar_scratch
from tinysieve.quantize.tflm.esp_nn_scratch import esp32s3_scratch, esp_generic_scratch
from tinysieve.quantize.tflm.kernel_libraries import KERNEL_LIBRARIES, kernel_library, library_scratch
from tinysieve.quantize.tflm.memory_plan import Lifetime, greedy_plan
from tinysieve.quantize.tflm.windows import Window, windows_of

CONV, DEPTHWISE = "CONV_2D", "DEPTHWISE_CONV_2D"
# name, input, kernel, output, stride, padding, multiplier; bytes by ESP-NN, CMSIS-NN with DSP, without, with Helium.
ROWS = [
    (CONV, (146, 146, 3), (3, 3), (72, 72, 16), 2, (0, 0), 1, 704, 112, 112, 128),
    (CONV, (72, 72, 16), (1, 1), (72, 72, 8), 1, (0, 0), 1, 448, 0, 0, 0),
    (CONV, (9, 9, 12), (1, 1), (9, 9, 8), 1, (0, 0), 1, 1744, 0, 0, 0),
    (CONV, (1, 1, 160), (1, 1), (1, 1, 2), 1, (0, 0), 1, 384, 0, 0, 0),
    (CONV, (20, 20, 24), (1, 1), (10, 10, 32), 2, (0, 0), 1, 2240, 0, 0, 0),
    (CONV, (20, 20, 16), (3, 3), (20, 20, 32), 1, (1, 1), 1, 24896, 576, 576, 576),
    (CONV, (20, 20, 10), (3, 3), (18, 18, 6), 1, (0, 0), 1, 1528, 368, 368, 384),
    (CONV, (5, 5, 1), (3, 3), (3, 3, 4), 1, (0, 0), 1, 848, 48, 48, 64),
    (DEPTHWISE, (74, 74, 16), (3, 3), (72, 72, 16), 1, (0, 0), 1, 160, 0, 0, 4464),
    (DEPTHWISE, (24, 24, 32), (3, 3), (24, 24, 32), 1, (1, 1), 1, 21936, 0, 0, 4464),
    (DEPTHWISE, (48, 48, 64), (3, 3), (48, 48, 64), 1, (1, 1), 1, 10192, 0, 0, 4464),
    (DEPTHWISE, (74, 74, 24), (3, 3), (36, 36, 24), 2, (0, 0), 1, 217056, 0, 0, 4464),
    (DEPTHWISE, (48, 48, 8), (3, 3), (48, 48, 8), 1, (1, 1), 1, 37040, 0, 0, 4464),
    (DEPTHWISE, (42, 42, 80), (7, 7), (18, 18, 80), 2, (0, 0), 1, 54912, 7840, 0, 24304),
    (DEPTHWISE, (40, 40, 96), (5, 5), (36, 36, 96), 1, (0, 0), 1, 43232, 4800, 0, 12400),
    (DEPTHWISE, (10, 10, 12), (3, 3), (10, 10, 12), 1, (1, 1), 1, 5296, 0, 0, 4464),
    (DEPTHWISE, (96, 96, 1), (3, 3), (48, 48, 8), 2, (0, 0), 8, 18608, 0, 0, 136),
    (DEPTHWISE, (9, 9, 3), (3, 3), (9, 9, 6), 1, (1, 1), 2, 32, 0, 0, 0),
]
# What Espressif's own Prepare code measured, ESP-NN 1.2.3; the last model ends in a dense layer.
MEASURED_WITH_ESP_NN = [("models/reference/seed_submission.tflite", 483_408, 0),
                        ("cases/models/tflm_person_detect.tflite", 125_408, 0),
                        ("models/reference/mlperftiny_vww_96_int8.tflite", 125_344, 32)]


def window(name, read, kernel, written, stride, pads, multiplier) -> Window:
    return Window(0, name, *read, *kernel, read[2] if name == CONV else written[2], *written, stride, stride, *pads,
                  multiplier=multiplier)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0][:4]}-{'x'.join(map(str, row[1]))}-{row[2][0]}s{row[4]}")
def test_scratch_is_what_the_libraries_ask_for(row) -> None:
    asked = window(*row[:7])
    assert tuple(sum(scratch(asked)) for scratch in (esp32s3_scratch, dsp_scratch, scalar_scratch, mve_scratch)) == row[7:]


def test_chips_without_vector_kernels_and_reference_kernels_ask_for_nothing() -> None:
    for row in ROWS:
        asked = window(*row[:7])
        assert esp_generic_scratch(asked) == ()
        assert all(kernel_library(name).scratch(asked) == () for name in ("reference", "esp-nn-ansi", "esp-nn-generic"))
    with pytest.raises(InputError, match="no kernel library 'mine'") as raised:
        kernel_library("mine")
    assert "cmsis-nn-mve" in raised.value.fix


def test_every_row_of_four_models(shared: Path) -> None:
    table = shared / "cases" / "esp_nn_scratch.csv"
    if not table.is_file():
        pytest.skip("no table of scratch sizes in the data folder")
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert len(rows) == 165
    paths = {path.name: path for folder in ("models", "cases") for path in (shared / folder).rglob("*.tflite")}
    windows = {name: {asked.operator: asked for asked in windows_of(paths[name].read_bytes())}
               for name in {row["model"] for row in rows}}
    for row in rows:
        asked = windows[row["model"]][int(row["operator"])]
        shape = (asked.in_h, asked.in_w, asked.in_c, asked.kernel_h, asked.kernel_w, asked.out_h, asked.out_w, asked.out_c,
                 asked.stride_h, asked.stride_w, asked.pad_h, asked.pad_w)
        keys = ("in_h", "in_w", "in_c", "filter_h", "filter_w", "out_h", "out_w", "out_c", "stride_h", "stride_w", "pad_h",
                "pad_w", "scratch_bytes_esp32s3")
        assert (*shape, *esp32s3_scratch(asked)) == tuple(int(row[key]) for key in keys)


@pytest.mark.parametrize(("name", "expected", "above"), MEASURED_WITH_ESP_NN)
def test_the_arena_is_what_espressifs_own_prepare_code_measured(name: str, expected: int, above: int, shared: Path) -> None:
    pytest.importorskip("tflite_micro")
    model = (shared / name).read_bytes()
    assert firmware_arena(model, measure_arena(model), kernel_library("esp-nn-esp32s3")).total_bytes == expected + above


def test_windows_have_tflms_padding(small_int8: bytes) -> None:
    """The stem reads a padded image (34 to 16, stride 2, VALID); its depthwise layer is SAME at stride 1."""
    stem, depthwise, *rest = windows_of(small_int8)
    assert (stem.in_h, stem.kernel_h, stem.out_h, stem.stride_h, stem.pad_h) == (34, 3, 16, 2, 0)
    assert (depthwise.in_w, depthwise.out_w, depthwise.in_c, depthwise.pad_w, depthwise.multiplier) == (16, 16, 8, 1, 1)
    assert [other.name for other in rest] == [CONV, "AVERAGE_POOL_2D", CONV]


def test_the_arena_of_a_library_grows_by_its_buffers(small_int8: bytes) -> None:
    """Never less than the one with reference kernels, never more than by all that is asked for at once."""
    measured = Arena(20_000, 12_000, 8_000)
    plain = firmware_arena(small_int8, measured, kernel_library("reference"))
    assert plain.total_bytes == -(-(20_000 - RECORDING_BYTES) // 16) * 16
    for library in KERNEL_LIBRARIES.values():
        arena = firmware_arena(small_int8, measured, library)
        buffers = library_scratch(windows_of(small_int8), library)
        assert arena.activations_bytes + arena.persistent_bytes == arena.total_bytes
        assert 0 <= arena.total_bytes - plain.total_bytes <= sum(
            buffer.size_bytes + 16 + HANDLE_BYTES for buffer in buffers) + 16


def test_a_plan_in_the_file_is_kept_and_scratch_goes_into_its_gaps() -> None:
    lives = [Lifetime(0, 64, 0, 1), Lifetime(1, 32, 1, 2)]
    fixed = {0: 128, 1: 0}
    plan = greedy_plan([*lives, Lifetime(9, 96, 1, 1), Lifetime(10, 112, 1, 1)], fixed=fixed)
    assert {tensor: plan.offsets[tensor] for tensor in fixed} == fixed
    # 32..128 is free during operator 1, and takes the smaller buffer; the larger goes behind everything.
    assert (plan.offsets[9], plan.offsets[10], plan.bytes) == (32, 192, 304)


def test_with_a_stored_plan_too(small_int8: bytes) -> None:
    import numpy as np

    planned = plan_arena(small_int8, np.random.default_rng(0)).model
    measured = Arena(20_000, 12_000, 8_000)
    for library in KERNEL_LIBRARIES.values():
        assert firmware_arena(planned, measured, library).total_bytes >= firmware_arena(
            planned, measured, kernel_library("reference")).total_bytes


def test_a_published_model_with_cmsis_nn() -> None:
    """vww_96: the only scratch is small and lies in gaps of the plan; 15 buffers want a pointer each."""
    model = reference_model("mlperftiny_vww_96_int8.tflite")
    measured = Arena(103_672, 73_728, 29_944)
    arena = firmware_arena(model, measured, kernel_library("cmsis-nn"))
    buffers = library_scratch(windows_of(model), kernel_library("cmsis-nn"))
    assert arena.activations_bytes == 73_728
    assert arena.total_bytes == -(-(103_672 - RECORDING_BYTES + HANDLE_BYTES * len(buffers)) // 16) * 16
