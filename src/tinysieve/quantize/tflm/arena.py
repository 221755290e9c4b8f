"""How much RAM a model needs under TFLM: measured by running it in ever smaller arenas, not computed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinysieve.ground.errors import InputError, MissingRequirement
from tinysieve.ground.native_messages import captured_messages
from tinysieve.quantize.tflite.graph import read_graph

ALLOCATION = re.compile(r"Arena allocation (total|head|tail) (\d+) bytes")
_RECORDED = re.compile(r"'(.+?)' used (\d+) bytes")
LARGEST_ARENA_BYTES = 2**31
SEARCH_STEP_BYTES = 64


@dataclass(frozen=True)
class Arena:
    """Bytes of the smallest arena in which the model allocates and runs; activations (head), persistent (tail)."""

    total_bytes: int
    activations_bytes: int
    persistent_bytes: int
    measured_with: str = "TFLM, x86-64 build, reference kernels"


def arena_words(arena: Arena | None, planned_bytes: int) -> str:
    """The arena as people read it; where nothing measured it, what a plan knows of it.

    Args:
        arena: as measured, or None.
        planned_bytes: activations by TFLM's memory plan, computed; the persistent part beside them only TFLM knows.

    >>> arena_words(Arena(297_416, 187_792, 109_624), 187_792)
    '297,416 B'
    >>> arena_words(None, 187_792)
    'computed, not measured: activations 187,792 B; the persistent part beside them is not known'
    """
    if arena is not None:
        return f"{arena.total_bytes:,} B"
    return f"computed, not measured: activations {planned_bytes:,} B; the persistent part beside them is not known"


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


def smallest_arena(enough: int, reported: dict[str, int], fits: Callable[[int], bool]) -> Arena:
    """Bisect from TFLM's own total: with larger models it is the answer, in two trials; small ones may need some bytes
    less, or more while they are set up.

    Args:
        enough: an arena, in bytes, that fits.
        reported: TFLM's own head, tail and total.
        fits: whether the model runs in an arena of so many bytes.
    """
    high = reported["total"] if fits(reported["total"]) else enough
    low = high - 1 if high < enough else reported["total"]
    while low > 0 and fits(low):
        low, high = low - SEARCH_STEP_BYTES, low
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return Arena(high, reported["head"], high - reported["head"])


def report(model: bytes) -> tuple[int, dict[str, int]]:
    """An arena that is large enough, in bytes, and TFLM's own figures in it: head, tail, total.

    Raises:
        InputError: TFLM cannot run the model, or it would need more than 2 GiB.
    """
    # Every tensor at once and 1 KiB an operator: no plan needs more.
    graph = read_graph(model)
    enough = sum(4 * math.prod(t.shape) + 4096 for t in graph.tensors if not t.constant_bytes) + 2**20
    if enough > LARGEST_ARENA_BYTES:
        raise InputError(f"its tensors have up to {enough:,} bytes", why="no microcontroller holds them",
                         fix="give a smaller model")
    return enough, _reported(model, enough)


def _run(model: bytes, arena_bytes: int) -> Any:
    interpreter = tflm_runtime().Interpreter.from_bytes(model, arena_size=arena_bytes)
    for index in range(len(read_graph(model).inputs)):
        details = interpreter.get_input_details(index)
        interpreter.set_input(np.zeros(details["shape"], details["dtype"]), index)
    interpreter.invoke()
    return interpreter


def runs(model: bytes, arena_bytes: int) -> bool:
    """Whether TFLM allocates and runs the model in an arena of so many bytes; it may crash where that is far too small."""
    with captured_messages():
        try:
            _run(model, arena_bytes)
        except RuntimeError:
            return False
    return True


def refusal(messages: str, failure: Exception) -> InputError:
    """TFLM's refusal in one sentence: the first of its own messages, which says more than the exception."""
    reason = messages.strip().splitlines() or [str(failure)]
    return InputError(f"TFLM cannot run the model: {reason[0]}", why="it would not run on a microcontroller",
                      fix="convert to full-integer int8 with operators that TFLM knows")


def recorded_allocations(model: bytes) -> dict[str, int]:
    """Bytes by TFLM's own recording allocator: head, tail and total, and what the tail holds, by TFLM's names for it.

    Raises:
        InputError: TFLM cannot run the model.
    """
    words = _messages(model, report(model)[0])
    return {name: int(size) for name, size in (*ALLOCATION.findall(words), *_RECORDED.findall(words))}


def _reported(model: bytes, arena_bytes: int) -> dict[str, int]:
    return {name: int(size) for name, size in ALLOCATION.findall(_messages(model, arena_bytes))}


def _messages(model: bytes, arena_bytes: int) -> str:
    failure = None
    with captured_messages() as messages:
        try:
            _run(model, arena_bytes).print_allocations()
        except (RuntimeError, ValueError) as error:
            failure = error
    if failure is not None:
        raise refusal(messages.text, failure) from failure
    return messages.text
