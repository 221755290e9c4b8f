"""How much RAM a model needs under TFLM: measured by running it in ever smaller arenas, not computed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from dataset.errors import InputError, MissingRequirement
from quantize.graph import read_graph
from quantize.native_messages import captured_messages

ALLOCATION = re.compile(r"Arena allocation (total|head|tail) (\d+) bytes")


@dataclass(frozen=True)
class Arena:
    """Bytes of the smallest arena in which the model allocates and runs; activations (head), persistent (tail)."""

    total_bytes: int
    activations_bytes: int
    persistent_bytes: int
    measured_with: str = "TFLM, x86-64 build, reference kernels"


def tflm_runtime() -> Any:
    """The TFLM interpreter's module.

    Raises:
        MissingRequirement: tflite-micro is not installed (it exists for x86-64 Linux only).
    """
    try:
        from tflite_micro.python.tflite_micro import runtime
    except ImportError as error:
        raise MissingRequirement("tflite-micro is not installed", why="the arena cannot be measured without TFLM",
                                 fix="pip install tflite-micro (x86-64 Linux only)") from error
    return runtime


def measure_arena(model: bytes) -> Arena:
    """The smallest arena in which TFLM allocates *and* runs the model, found by bisection.

    TFLM's own total is where the bisection starts: so far it has always been the answer, in two runs.

    Raises:
        InputError: TFLM cannot run the model at any size; the message is TFLM's.
        MissingRequirement: tflite-micro is not installed.
    """
    tflm_runtime()
    # Every tensor at once and 1 KiB an operator: no plan needs more.
    graph = read_graph(model)
    enough = sum(4 * int(np.prod(t.shape)) + 4096 for t in graph.tensors if not t.constant_bytes) + 2**20
    reported = _reported(model, enough)
    high = reported["total"] if _runs(model, reported["total"]) else enough
    low = high - 1 if not _runs(model, high - 1) else 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _runs(model, middle) else (middle, high)
    return Arena(high, reported["head"], high - reported["head"])


def _run(model: bytes, arena_bytes: int) -> Any:
    interpreter = tflm_runtime().Interpreter.from_bytes(model, arena_size=arena_bytes)
    details = interpreter.get_input_details(0)
    interpreter.set_input(np.zeros(details["shape"], details["dtype"]), 0)
    interpreter.invoke()
    return interpreter


def _runs(model: bytes, arena_bytes: int) -> bool:
    with captured_messages():
        try:
            _run(model, arena_bytes)
        except RuntimeError:
            return False
    return True


def _reported(model: bytes, arena_bytes: int) -> dict[str, int]:
    failure = None
    with captured_messages() as messages:
        try:
            _run(model, arena_bytes).print_allocations()
        except (RuntimeError, ValueError) as error:
            failure = error
    if failure is not None:
        reason = messages.text.strip().splitlines() or [str(failure)]
        raise InputError(f"TFLM cannot run the model: {reason[0]}", why="it would not run on a microcontroller",
                         fix="convert to full-integer int8 with operators that TFLM knows") from failure
    return {name: int(size) for name, size in ALLOCATION.findall(messages.text)}
