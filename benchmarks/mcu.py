"""The challenge's MCUNet on a microcontroller, step by step: file, arena and exactness, beside published figures.

    python benchmarks/mcu.py [MODEL.tflite]

Every row of ours is made here from the model and measured: the arena is the smallest in which TFLM runs it, "equal" counts
inputs (random, smooth, extreme) whose outputs are the original's, bit for bit. The last rows are generated C on an
emulated Cortex-M4. Takes about ten minutes on two cores.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tinysieve.ground.atomic_files import write_text
from tinysieve.ground.errors import MissingRequirement
from tinysieve.ground.progress import silent
from tinysieve.quantize.firmware.c_program import generate
from tinysieve.quantize.firmware.c_stripes import stripe_for_c
from tinysieve.quantize.firmware.emulate import emulate
from tinysieve.quantize.firmware.kernel_sets import kernel_set
from tinysieve.quantize.passes.constant_shapes import constant_shapes
from tinysieve.quantize.passes.dead_parts import drop_dead_parts
from tinysieve.quantize.passes.equality import require_equal
from tinysieve.quantize.passes.fit_model import Target, fit_model
from tinysieve.quantize.passes.fold_padding import fold_padding
from tinysieve.quantize.passes.squeeze import squeeze
from tinysieve.quantize.tflite.graph import read_graph
from tinysieve.quantize.tflm.arena_process import measure_arena

SHARED = Path(os.environ.get("TINYSIEVE_SHARED", Path(__file__).parents[2] / "shared"))
MODEL = SHARED / "models" / "reference" / "seed_submission.tflite"
RESULT = Path(__file__).parent / "results" / "mcu.json"
TARGETS = ((327_680, 0.03), (250_000, 0.06))  # RAM in bytes, extra multiply-accumulates at most
# TinyEngine's 174 kB, less a stack of 1 kB.
C_ARENA_BYTES, C_EXTRA_MACS, C_INPUTS = 173_000, 0.06, 8
KERNELS = "dsp"


@dataclass(frozen=True)
class Row:
    """One version of the model; RAM is TFLM's arena, or all static memory and stack of the C program."""

    step: str
    file_bytes: int
    ram_bytes: int
    flash_bytes: int | None
    extra_macs: float
    equal_inputs: int
    measured_with: str


@dataclass(frozen=True)
class Published:
    """What others report for this architecture (MCUNet-VWW-2, 55.8 M multiply-accumulates, their own weights), in kB."""

    engine: str
    board: str
    ram_kb: int
    flash_kb: int
    source: str


PUBLISHED = (
    Published("TFLM", "STM32H743", 385, 1016, "README of mit-han-lab/tinyengine"),
    Published("TFLM with CMSIS-NN", "STM32H743", 390, 1034, "README of mit-han-lab/tinyengine"),
    Published("X-CUBE-AI", "STM32H743", 201, 774, "README of mit-han-lab/tinyengine"),
    Published("TinyEngine", "STM32H743", 174, 741, "README of mit-han-lab/tinyengine"),
    Published("TinyEngine", "STM32F746", 311, 897, "README of mit-han-lab/mcunet"),
)


def row(step: str, model: bytes, original: bytes) -> Row:
    """Measure a version of ``original`` under TFLM."""
    checked = require_equal(original, model, np.random.default_rng(0))
    arena = measure_arena(model)
    return Row(step, len(model), arena.total_bytes, None, read_graph(model).macs / read_graph(original).macs - 1,
               checked.inputs, "TFLM arena: " + " and ".join(checked.checked_with))


def tflm_rows(original: bytes) -> Iterator[Row]:
    """As published, folded, squeezed, and fitted to each target."""
    yield row("as published", original, original)
    folded = drop_dead_parts(fold_padding(constant_shapes(original).model).model).model
    yield row("padding folded, shapes constant", folded, original)
    yield row("squeezed", drop_dead_parts(squeeze(folded).model).model, original)
    for ram, extra in TARGETS:
        fitted = fit_model(original, Target(ram_bytes=ram, max_extra_macs=extra), 0, silent)
        yield row(f"fit to {ram:,} B, at most {extra:.0%} more MACs", fitted.model, original)


def c_row(original: bytes) -> Row:
    """Generated C, its stripes chosen by what C needs: no persistent part, slices and concatenations for nothing.

    Raises:
        MissingRequirement: bakenn, ziglang or unicorn is not installed.
    """
    kernels = kernel_set(KERNELS)
    striped = stripe_for_c(original, kernels, C_ARENA_BYTES, C_EXTRA_MACS, silent)
    require_equal(original, striped.model, np.random.default_rng(0))
    program = generate(striped.model, kernels)
    found = emulate(original, program, None, (), C_INPUTS, silent)
    return Row(f"C, at most {C_EXTRA_MACS:.0%} more MACs", len(striped.model), found.ram_bytes, found.flash_bytes,
               striped.extra_macs / read_graph(original).macs, found.exact_inputs,
               f"generated C with {found.kernels}, emulated Cortex-M4, {found.instructions:,} instructions, "
               f"{found.exact_inputs} of {found.inputs} inputs equal to {found.compared_with}")


def line(one: Row) -> str:
    """A row of the table."""
    flash = f"{one.flash_bytes:>9,}" if one.flash_bytes is not None else " " * 9
    return (f"{one.step:<40}{one.file_bytes:>9,}{one.ram_bytes:>9,}{flash}{one.extra_macs:>8.1%}{one.equal_inputs:>7}"
            f"  {one.measured_with}")


def save(name: str, rows: list[Row]) -> None:
    """Write what was measured so far."""
    result = {"model": name, "rows": [asdict(one) for one in rows], "published": [asdict(one) for one in PUBLISHED]}
    write_text(RESULT, json.dumps(result, indent=1) + "\n")


def main(arguments: list[str]) -> int:
    """Measure, print, write; 0 also where there is no model to measure."""
    path = Path(arguments[0]) if arguments else MODEL
    if not path.is_file():
        print(f"skipped: no model at {path}")
        return 0
    original, rows = path.read_bytes(), []
    print(f"{path.name}\n{'step':<40}{'file, B':>9}{'RAM, B':>9}{'flash, B':>9}{'MACs':>8}{'equal':>7}  how", flush=True)
    for one in tflm_rows(original):
        rows.append(one)
        print(line(one), flush=True)
        save(path.name, rows)
    try:
        rows.append(c_row(original))
        print(line(rows[-1]))
        save(path.name, rows)
    except MissingRequirement as error:
        print(f"C route skipped: {error.what}")
    print("\npublished for this architecture (other weights; kB)")
    for other in PUBLISHED:
        print(f"{f'{other.engine}, {other.board}':<40}RAM {other.ram_kb:>4}  flash {other.flash_kb:>5}  {other.source}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
