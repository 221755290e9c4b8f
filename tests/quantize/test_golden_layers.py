"""A vector that fails names the first layer that computes something else, on this machine and on an emulated Cortex-M4."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_tflite import tiny_model

from tinysieve.ground.errors import InputError
from tinysieve.quantize.firmware.board_files import load_boards
from tinysieve.quantize.firmware.emulate import FLAGS, STACK_RESERVE_BYTES, emulator_files, emulator_kernels
from tinysieve.quantize.firmware.emulator import Emulator, require_unicorn
from tinysieve.quantize.firmware.flash_bundle import Bundle, make_bundle
from tinysieve.quantize.firmware.golden import golden_inputs
from tinysieve.quantize.firmware.golden_layers import checksums, chosen_operators, golden_layers, watched_operators
from tinysieve.quantize.firmware.kernel_sets import kernel_set
from tinysieve.quantize.firmware.toolchain import Memory, compile_c, link_image, write_program

for needed in ("bakenn", "ziglang", "unicorn", "tflite_micro"):
    pytest.importorskip(needed, reason="needs the extra mcu")

BOARDS = tuple(load_boards().values())
WATCHED = ("-DTS_WATCH_LAYERS", "-Wall", "-Wextra", "-Wpedantic", "-Werror")
# What a board's own check would do, for the emulator: the first layer that differs in vector 0, 0 where none does.
ENTRY = """\
#include "model.h"
#include "ts_golden.h"
#include "ts_layers.h"
int first_layer(void (*report)(uint32_t, int)) {
    (void)report;
    ts_golden_input(0, ts_model_input());
    ts_layers_start(0);
    ts_model_run();
    for (uint32_t layer = 0; layer < ts_layers_count(); ++layer) {
        if (ts_layer_cycles(layer) == 0) {
            return -2;
        }
    }
    return ts_layers_first_difference() + 1;
}
"""


def bundle_of(model: bytes, layers: str = "all", kernels: str = "portable") -> Bundle:
    return make_bundle(model, model, "m", (), kernel_set(kernels), BOARDS, watched=chosen_operators(layers))


def project(made: Bundle) -> dict[str, str]:
    return {name.removeprefix("c/"): text for name, text in made.files.items() if name.startswith("c/") and name.count("/") == 1}


def spoiled(files: dict[str, str], layer: str) -> dict[str, str]:
    """The C project with one weight of ``layer``, such as ``CONV_2D 3``, far from what it was."""
    call = next(line for line in files["model.c"].splitlines() if line.endswith(f"/* {layer} */"))
    struct = re.search(r"&(filter_\d+)", call)
    assert struct is not None
    weights = re.search(rf"{struct[1]} = {{(ts_data_\d+)", files["model.c"])
    assert weights is not None
    text = re.sub(rf"( {weights[1]}\[\d+\] = {{\n)(-?\d+)", lambda one: f"{one[1]}{-127 if int(one[2]) > 0 else 127}",
                  files["model_data.c"])
    assert text != files["model_data.c"]
    return {**files, "model_data.c": text}


def printed(files: dict[str, str], folder: Path) -> list[str]:
    sources = write_program(folder, files, kernel_set("portable").files())
    built = compile_c([*WATCHED, *sources, "-o", "golden"], folder)
    assert built.returncode == 0, built.stderr
    return subprocess.run([folder / "golden"], capture_output=True, text=True, check=False).stdout.splitlines()


@pytest.fixture(scope="module")
def bundle(small_int8: bytes) -> Bundle:
    return bundle_of(small_int8)


def layers_of(made: Bundle) -> list[str]:
    assert made.program is not None
    return re.findall(r'\{"([A-Z0-9_]+ #\d+)"', made.files["c/golden_layers.h"])


def test_the_layer_with_a_spoiled_weight_is_named(bundle: Bundle, tmp_path: Path) -> None:
    """Whichever layer it is: those before it are equal, those behind it are not asked."""
    assert printed(project(bundle), tmp_path)[-1] == "PASS: 8 of 8 golden vectors equal"
    weighted = [layer for layer in layers_of(bundle) if layer.startswith(("CONV", "DEPTHWISE", "FULLY"))]
    assert len(weighted) > 2
    for layer in (weighted[0], weighted[len(weighted) // 2], weighted[-1]):
        lines = printed(spoiled(project(bundle), layer.replace("#", "")), tmp_path)
        assert f"vector 0: FAIL, first in {layer}" in lines, (layer, lines)
        assert lines[-1].startswith("FAIL")


def test_a_failure_outside_the_watched_layers_says_so(small_int8: bytes, bundle: Bundle, tmp_path: Path) -> None:
    first, *_, last = layers_of(bundle)
    only_first = bundle_of(small_int8, first.split("#")[1])
    assert layers_of(only_first) == [first]
    lines = printed(spoiled(project(only_first), "CONV_2D 3" if first != "CONV_2D #3" else last.replace("#", "")), tmp_path)
    assert any(line.endswith("FAIL, first in none of the layers that are watched") for line in lines), lines


@pytest.mark.parametrize("kernels", ["portable", "cmsis-nn", "dsp"])
def test_a_cortex_m4_names_the_layer_and_counts_cycles(kernels: str, small_int8: bytes) -> None:
    """Its cycle counter is a device of the emulator here: every look at it finds it further on."""
    made = bundle_of(small_int8, kernels=kernels)
    weighted = [layer for layer in layers_of(made) if layer.startswith(("CONV", "DEPTHWISE"))]
    assert first_layer(made, project(made)) == 0
    for layer in (weighted[0], weighted[-1]):
        assert first_layer(made, spoiled(project(made), layer.replace("#", ""))) == layers_of(made).index(layer) + 1


def first_layer(made: Bundle, files: dict[str, str]) -> int:
    assert made.program is not None
    named = {name: text for name, text in files.items() if name.endswith((".c", ".h")) and name != "main.c"}
    memory = Memory(2**20, 0, 256 * 1024, 0x20000000, STACK_RESERVE_BYTES)
    image = link_image({**emulator_files(made.program), **named, "entry.c": ENTRY}, emulator_kernels(made.program), memory,
                       (*FLAGS, "-DTS_WATCH_LAYERS", "-DTS_BOOT_RUN=first_layer"))
    emulator = Emulator(image, memory)
    with_cycle_counter(emulator)
    return emulator.returned()


def with_cycle_counter(emulator: Emulator) -> None:
    """DEMCR, DWT_LAR, DWT_CTRL and DWT_CYCCNT, which counts once trace and counter are on."""
    registers, looks = {"trace": 0, "on": 0}, [0]

    def read(_: Any, offset: int, size: int, of: str) -> int:
        if of == "trace":
            return registers["trace"]
        looks[0] += 1
        counting = registers["trace"] >> 24 & 1 and registers["on"] & 1
        return 100 * looks[0] if offset == 4 and counting else registers["on"]

    def write(_: Any, offset: int, size: int, value: int, of: str) -> None:
        registers[of] = value if of == "trace" or offset == 0 else registers[of]

    require_unicorn()
    for base, of in ((0xE000E000, "trace"), (0xE0001000, "on")):
        emulator._machine.mmio_map(base, 0x1000, read, of, write, of)


def test_checksums_tell_a_code_from_its_neighbour_and_its_place() -> None:
    codes = np.arange(-8, 8, dtype=np.int8).reshape(1, 16)
    moved, changed = np.roll(codes, 1, axis=1), codes.copy()
    changed[0, 0] += 1
    assert len({int(checksums(one)[0]) for one in (codes, moved, changed, codes[:, 1:])}) == 4
    sum_ = 0
    for code in codes[0].tolist():
        sum_ = (sum_ * 16777619 + (code & 255) + 1) % 2**32
    assert int(checksums(codes)[0]) == sum_


def test_layers_of_a_file_by_their_numbers() -> None:
    model = tiny_model()
    inputs = golden_inputs((1, 8, 8, 4), "int8", 2)
    assert watched_operators(model, chosen_operators("1-9")) == (1,)
    both = golden_layers(model, inputs, watched_operators(model, chosen_operators("all")))
    assert [(layer.name, layer.tensor, layer.size_bytes) for layer in both] == [("CONV_2D #0", 3, 512), ("MEAN #1", 5, 8)]
    assert golden_layers(model, inputs, (1,)) == both[1:]
    assert all(len(set(layer.checksums)) == 2 for layer in both)


@pytest.mark.parametrize("text", ["", "some", "1,,2", "-3", "1-"])
def test_a_choice_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="neither all, none nor numbers"):
        chosen_operators(text)


def test_none_leaves_all_of_it_out(small_int8: bytes, bundle: Bundle) -> None:
    without = bundle_of(small_int8, "none")
    assert not any("layer" in name for name in without.files)
    assert "TS_AFTER" not in without.files["c/model.c"]
    assert "Watch" not in without.files["tflm/src/model_check.cc"]
    assert {"c/ts_layers.c", "tflm/src/ts_layers.c", "tflm/src/layer_watch.cc"} <= bundle.files.keys()
