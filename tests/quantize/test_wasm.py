"""The module of the live page holds the program and nothing of the place where it was compiled."""

from __future__ import annotations

import pytest
from firmware_models import classifier

from tinysieve.quantize.firmware import toolchain
from tinysieve.quantize.firmware.c_program import generate
from tinysieve.quantize.firmware.kernel_sets import kernel_set
from tinysieve.quantize.firmware.wasm import compile_wasm

pytest.importorskip("ziglang")
pytest.importorskip("bakenn")


def test_the_same_program_gives_the_same_bytes_wherever_it_is_compiled() -> None:
    program = generate(classifier(), kernel_set("wide"))
    first = compile_wasm(program)
    # Another folder of kernels, as another process has.
    toolchain._kept.cache_clear()
    assert compile_wasm(program) == first
    assert b".debug_" not in first
