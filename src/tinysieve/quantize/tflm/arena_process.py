"""The arena, measured where a crash does no harm: TFLM trusts its input, and may crash in an arena that is too small."""

from __future__ import annotations

import json
import os
import resource
import sys
from dataclasses import asdict

from tinysieve.ground.child_process import ask_module
from tinysieve.ground.errors import InputError
from tinysieve.quantize.tflm.arena import Arena, report, runs, smallest_arena, tflm_runtime

TIMEOUT_S = 120.0
MEMORY_BYTES = 4 * 2**30


def measure_arena(model: bytes, timeout_s: float = TIMEOUT_S) -> Arena:
    """The smallest arena in which TFLM allocates *and* runs the model, found by bisection in a process of at most 4 GiB.

    Raises:
        InputError: TFLM cannot run the model, crashes on it, or takes longer than ``timeout_s`` seconds.
        MissingRequirement: tflite-micro is not installed.
    """
    tflm_runtime()
    try:
        answer = json.loads(ask_module("tinysieve.quantize.tflm.arena_process", model, timeout_s))
    except InputError as error:
        raise InputError(f"TFLM gave no arena: {error.what}", why=error.why, fix=error.fix) from error
    if "refused" in answer:
        raise InputError(answer["refused"], why="it would not run on a microcontroller",
                         fix="convert to full-integer int8 with operators that TFLM knows")
    return Arena(**answer)


def _child(model: bytes) -> str:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        enough, reported = report(model)
        return json.dumps(asdict(smallest_arena(enough, reported, lambda size: _survives(model, size))))
    except InputError as error:
        return json.dumps({"refused": error.what})


def _survives(model: bytes, arena_bytes: int) -> bool:
    """Whether the model runs, tried in a fork of this small process: a crash says no."""
    child = os.fork()
    if not child:
        os._exit(0 if runs(model, arena_bytes) else 1)
    return os.waitpid(child, 0)[1] == 0


if __name__ == "__main__":
    sys.stdout.write(_child(sys.stdin.buffer.read()))
