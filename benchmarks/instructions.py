"""Where the instructions of an inference go: by layer, by kind of layer and by function, on the emulated Cortex-M4.

    python benchmarks/instructions.py [MODEL.tflite]

The generated C of each kernel set is compiled as `tinysieve emulate` compiles it, and every basic block that one inference
runs is counted. The answer must equal TFLM's. Results go to benchmarks/results/instructions.json. Ten minutes on busy cores:
a call into Python for every block.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import tempfile
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tinysieve.ground.atomic_files import write_text
from tinysieve.ground.errors import MissingRequirement
from tinysieve.quantize.firmware.c_program import CProgram, generate
from tinysieve.quantize.firmware.emulate import FLAGS, emulator_files, emulator_kernels
from tinysieve.quantize.firmware.emulator import Emulator
from tinysieve.quantize.firmware.golden import golden_inputs
from tinysieve.quantize.firmware.kernel_sets import kernel_set
from tinysieve.quantize.firmware.lowering import lower
from tinysieve.quantize.firmware.oracle import expected_outputs
from tinysieve.quantize.firmware.steps import Step
from tinysieve.quantize.firmware.toolchain import CORTEX_M4, LINKER_SCRIPT, Memory, compile_c, flash_image, write_program
from tinysieve.quantize.tflite.source_model import SourceModel

SHARED = Path(os.environ.get("TINYSIEVE_SHARED", Path(__file__).parents[2] / "shared"))
MODEL = SHARED / "models" / "reference" / "seed_submission.tflite"
RESULT = Path(__file__).parent / "results" / "instructions.json"
KERNELS = ("cmsis-nn", "dsp")
MEMORY = Memory(64 * 2**20, 0x08000000, 16 * 2**20, 0x20000000, 4096)
# What the program calls after each layer: nothing but a place that is seen.
MARK = "ts_layer_done"
MARKED = {"ts_layers.h": f"#include <stdint.h>\n#define TS_NO_LAYER UINT32_MAX\nvoid {MARK}(uint32_t, const void *);\n",
          "ts_mark.c": f'#include "ts_layers.h"\nvoid {MARK}(uint32_t n, const void *output) {{ (void)n; (void)output; }}\n'}
FUNCTION, SYMBOLS, WIDE = 2, 2, 0xE800
MOST_FUNCTIONS = 8


def linked(program: CProgram) -> bytes:
    """The ELF file of a program that marks its layers."""
    with tempfile.TemporaryDirectory() as name:
        folder, files = Path(name), {**emulator_files(program), **MARKED}
        sources = write_program(folder, files, emulator_kernels(program))
        (folder / "link.ld").write_text(LINKER_SCRIPT.format(**vars(MEMORY)))
        finished = compile_c([*CORTEX_M4, *FLAGS, "-DTS_WATCH_LAYERS", *sources,
                              "-Wl,-T,link.ld", "-Wl,--gc-sections", "-Wl,-e,0", "-o", "image.elf"], folder)
        assert not finished.returncode, finished.stderr
        return (folder / "image.elf").read_bytes()


def functions(elf: bytes) -> list[tuple[int, str]]:
    """Address and name of every function in a 32-bit ELF file, by address."""
    table, (entry_bytes, entries) = struct.unpack_from("<I", elf, 32)[0], struct.unpack_from("<HH", elf, 46)
    sections = [struct.unpack_from("<10I", elf, table + number * entry_bytes) for number in range(entries)]
    found = []
    for _, kind, _, _, offset, size, link, *_ in sections:
        for at in range(offset, offset + size if kind == SYMBOLS else offset, 16):
            name, address, _, info = struct.unpack_from("<IIIB", elf, at)
            if info & 15 == FUNCTION:
                start = sections[link][4] + name
                found.append((address & ~1, elf[start:elf.index(b"\0", start)].decode()))
    return sorted(found)


def instructions(image: bytes, block: tuple[int, int]) -> int:
    """Instructions of a Thumb block: a first half from 0xE800 on has a second."""
    at, end, count = block[0] - MEMORY.flash_origin, sum(block) - MEMORY.flash_origin, 0
    while at < end:
        at += 4 if struct.unpack_from("<H", image, at)[0] >= WIDE else 2
        count += 1
    return count


def by_function(elf: bytes, program: CProgram, codes: bytes, expected: bytes) -> Iterator[Counter[str]]:
    """Instructions of each function, a count for each layer."""
    image, names = flash_image(elf, MEMORY.flash_origin), functions(elf)
    addresses = [address for address, _ in names]
    mark = next(address for address, name in names if name == MARK)
    answer, layers = Emulator(image, MEMORY).blocks(codes, program.output_sizes, mark)
    assert answer == expected, "the emulated program answers differently from TFLM"
    for layer in layers:
        counted: Counter[str] = Counter()
        for block, times in layer.items():
            counted[names[bisect_right(addresses, block[0]) - 1][1]] += times * instructions(image, block)
        yield counted


def kind(step: Step) -> str:
    """What layers are summed by."""
    p = step.parameters
    return f"{step.kernel} {p['k_h']}x{p['k_w']}, stride {p['stride_h']}" if step.filter is not None else step.kernel


def measure(model: bytes, kernels: str) -> dict[str, Any]:
    """One kernel set: totals, layers, kinds of layers and functions."""
    source, steps = SourceModel(model), lower(model).steps
    program = generate(model, kernel_set(kernels), lambda _: True)
    codes = golden_inputs(source.shape(source.inputs[0]), source.dtype(source.inputs[0]), 1)
    layers = list(by_function(linked(program), program, codes[0].tobytes(), expected_outputs(model, codes).rows[0]))
    sums, kinds = sum(layers, Counter[str]()), {}
    for step, layer in zip(steps, layers, strict=False):
        one = kinds.setdefault(kind(step), {"macs": 0, "instructions": 0})
        one["macs"] += step.macs
        one["instructions"] += layer.total()
    return {"instructions": sums.total(), "macs": program.macs, "arena_bytes": program.arena_bytes, "kinds": kinds,
            "functions": dict(sums.most_common(MOST_FUNCTIONS)),
            "layers": [{"operator": step.operator, "kind": kind(step), "macs": step.macs, "instructions": layer.total()}
                       for step, layer in zip(steps, layers, strict=False)]}


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write; 0 also where there is no model to measure."""
    path = Path(arguments[0]) if arguments else MODEL
    if not path.is_file():
        print(f"skipped: no model at {path}")
        return 0
    found: dict[str, Any] = {}
    try:
        for kernels in KERNELS:
            one = found[kernels] = measure(path.read_bytes(), kernels)
            print(f"{kernels}: {one['instructions']:,} instructions, {one['instructions'] / one['macs']:.2f} a MAC, "
                  f"arena {one['arena_bytes']:,} B")
            for name, sums in sorted(one["kinds"].items(), key=lambda item: -item[1]["instructions"]):
                print(f"  {name:<28}{sums['macs']:>12,} MACs{sums['instructions']:>13,}", flush=True)
    except MissingRequirement as error:
        print(f"skipped: {error.what}")
        return 0
    write_text(RESULT, json.dumps({"model": path.name, "kernels": found}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
