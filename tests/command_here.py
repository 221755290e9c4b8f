"""`tinysieve` in the process of the tests: what Python and its libraries take to start is paid once and not for every command.

What is about processes (exit codes seen from outside, signals, streams that close, what an import loads) starts real ones.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from unittest.mock import patch

from tinysieve.pipeline import cli

ROOT = Path(__file__).parents[1]
SCREEN = {"COLUMNS": "100", "NO_COLOR": "1"}


def tinysieve(*words: str, folder: Path = ROOT) -> CompletedProcess[str]:
    """Exit code and both streams of the command, called in this folder; no stream is a terminal."""
    out, said = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    code: object = 0
    with contextlib.chdir(folder), _screen(), patch.object(sys, "argv", ["tinysieve", *words]), \
            contextlib.redirect_stdout(out), contextlib.redirect_stderr(said):
        try:
            cli.main()
        except SystemExit as stop:
            code = stop.code or 0
    assert isinstance(code, int)
    return CompletedProcess(words, code, *(stream.buffer.getvalue().decode() for stream in (out, said)))  # type: ignore[attr-defined]


@contextlib.contextmanager
def _screen() -> Iterator[None]:
    """These variables alone are put back: what libraries set when they are first imported stays, as it must."""
    before = {name: os.environ.get(name) for name in SCREEN}
    os.environ.update(SCREEN)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
