"""Runs one of our modules in a process of its own: native code that crashes there takes nothing with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tinysieve.ground.errors import InputError


def child_environment() -> dict[str, str]:
    """This process's environment, in which a child finds our packages wherever it runs."""
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path}


def ask_module(module: str, question: bytes, timeout_s: float) -> bytes:
    """What ``python -m module`` writes on standard output when it reads ``question`` on standard input.

    Raises:
        InputError: it crashed, ended with an error, or took longer than ``timeout_s`` seconds.
    """
    try:
        done = subprocess.run([sys.executable, "-m", module], input=question, capture_output=True, timeout=timeout_s,
                              env=child_environment(), check=False)
    except subprocess.TimeoutExpired as error:
        raise InputError(f"no answer within {timeout_s:g} s", where=module, why="the model may be damaged",
                         fix="check where the model comes from") from error
    if done.returncode:
        raise InputError(f"the process ended: {_reason(done)}", where=module, why="the model may be damaged",
                         fix="check where the model comes from")
    return done.stdout


def _reason(done: subprocess.CompletedProcess[bytes]) -> str:
    if done.returncode < 0:
        return f"native code crashed with {signal.Signals(-done.returncode).name}"
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"exit code {done.returncode}"
