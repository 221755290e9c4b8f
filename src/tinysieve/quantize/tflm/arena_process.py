"""The arena, measured where a crash does no harm: TFLM trusts its input, and may crash in an arena that is too small."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from functools import cache

from tinysieve.ground.child_process import Companion, serve
from tinysieve.ground.errors import InputError
from tinysieve.quantize.tflm.arena import Arena, report, runs, smallest_arena, tflm_runtime

TIMEOUT_S = 120.0
MEMORY_BYTES = 4 * 2**30


def measure_arena(model: bytes) -> Arena:
    """The smallest arena in which TFLM allocates *and* runs the model, found by bisection in a process of at most 4 GiB.

    Raises:
        InputError: TFLM cannot run the model, crashes on it, or takes longer than two minutes.
        MissingRequirement: tflite-micro is not installed.
    """
    tflm_runtime()
    try:
        answer = json.loads(_companion().ask(model))
    except InputError as error:
        raise InputError(f"TFLM gave no arena: {error.what}", why=error.why, fix=error.fix) from error
    if "refused" in answer:
        raise InputError(answer["refused"], why="it would not run on a microcontroller",
                         fix="convert to full-integer int8 with operators that TFLM knows")
    return Arena(**answer)


@cache
def _companion() -> Companion:
    return Companion("tinysieve.quantize.tflm.arena_process", TIMEOUT_S)


def _answer(model: bytes) -> bytes:
    try:
        enough, reported = report(model)
        return json.dumps(asdict(smallest_arena(enough, reported, lambda size: _survives(model, size)))).encode()
    except InputError as error:
        return json.dumps({"refused": error.what}).encode()


def _survives(model: bytes, arena_bytes: int) -> bool:
    """Whether the model runs, tried in a fork of this small process: a crash says no."""
    child = os.fork()
    if not child:
        os._exit(0 if runs(model, arena_bytes) else 1)
    return os.waitpid(child, 0)[1] == 0


if __name__ == "__main__":
    serve(_answer, MEMORY_BYTES)
