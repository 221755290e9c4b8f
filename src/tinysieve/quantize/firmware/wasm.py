"""The generated C program as WebAssembly: the same integers as on the chip, in a browser."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tinysieve.ground.errors import InputError
from tinysieve.quantize.firmware.c_program import CProgram
from tinysieve.quantize.firmware.toolchain import compile_c, compiler_words, write_program

_TARGET = ("-target", "wasm32-freestanding", "-msimd128", "-mbulk-memory", "-nostdlib", "-fno-builtin", "-O3")
_EXPORTS = ("ts_model_input", "ts_model_output", "ts_model_run")
_NAME = "model.wasm"


def compile_wasm(program: CProgram) -> bytes:
    """A module that imports nothing and exports `memory` and the three functions of `model.h`.

    Raises:
        InputError: it does not compile.
        MissingRequirement: ziglang is not installed.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources = write_program(folder, program.files, program.kernels.files())
        linker = ["-s", "-Wl,--no-entry", *(f"-Wl,--export={function}" for function in _EXPORTS)]
        finished = compile_c([*_TARGET, *linker, *sources, "-o", _NAME], folder)
        if finished.returncode:
            raise InputError(f"the generated program does not compile: {compiler_words(finished)}",
                             why="there is nothing to show in a browser", fix="report this as a fault of tinysieve")
        return (folder / _NAME).read_bytes()
