"""Runs one of our modules in a process of its own: native code that crashes there takes nothing with it.

A ``Companion`` stays for many questions: it is started when first asked, and again after a crash.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

from tinysieve.ground.errors import InputError, TinysieveError

_LENGTH_BYTES = 8
_ANSWER, _REFUSAL = b"+", b"-"


def child_environment() -> dict[str, str]:
    """This process's environment, in which a child finds our packages wherever it runs."""
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path}


def stop_reason(returncode: int, messages: bytes) -> str:
    """Why a child ended, in a line: the signal, or the last that it said."""
    if returncode < 0:
        return f"native code crashed with {signal.Signals(-returncode).name}"
    lines = messages.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"exit code {returncode}"


_LATE = "no answer within"


class Companion:
    """``python -m module`` that answers questions as long as this process lives; the module calls :func:`serve`.

    A question on which it crashes, or takes longer than ``timeout_s`` seconds, ends it; the next starts another. A crash of one
    that has answered before may be the fault of an earlier question that wrote past its memory, so it is asked anew of a fresh
    one, whose word counts.
    """

    def __init__(self, module: str, timeout_s: float) -> None:
        self._module, self._timeout_s = module, timeout_s
        self._process: subprocess.Popen[bytes] | None = None
        self._answered = 0
        self._owner, self._lock = os.getpid(), threading.Lock()
        atexit.register(self.close)

    def ask(self, question: bytes) -> bytes:
        """The answer to one question; questions of several threads wait for each other.

        Raises:
            InputError: it refused, crashed, or took too long; says which.
        """
        with self._lock:
            reply, what = self._asked(question)
            if reply is None and not what.startswith(_LATE) and self._answered:
                self._answered = 0
                reply, what = self._asked(question)
            if reply is None:
                self._answered = 0
                raise InputError(what, why="the model may be damaged", fix="check where the model comes from")
            self._answered += 1
        if reply[:1] == _REFUSAL:
            raise InputError(reply[1:].decode(errors="replace"))
        return reply[1:]

    def _asked(self, question: bytes) -> tuple[bytes | None, str]:
        """The reply; None and what happened, where the process ended first."""
        process, late = self._started(), threading.Event()
        timer = threading.Timer(self._timeout_s, _end, (process, late))
        timer.start()
        try:
            reply = _exchange(process, question)
        finally:
            timer.cancel()
        if reply is not None:
            return reply, ""
        returncode = process.wait()
        self.close()
        return None, f"{_LATE} {self._timeout_s:g} s" if late.is_set() else stop_reason(returncode, b"")

    def _started(self) -> subprocess.Popen[bytes]:
        if self._owner != os.getpid() or (self._process is not None and self._process.poll() is not None):
            self.close()
        if self._process is None:
            self._owner, self._answered = os.getpid(), 0
            self._process = subprocess.Popen([sys.executable, "-m", self._module], stdin=subprocess.PIPE,
                                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=child_environment())
        return self._process

    def close(self) -> None:
        """End the process, if there is one and it is ours (not that of a process which forked us)."""
        process, self._process = self._process, None
        if process is None:
            return
        if self._owner == os.getpid():
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            # What was not yet written is lost with its reader.
            with suppress(BrokenPipeError):
                if pipe is not None:
                    pipe.close()


def _end(process: subprocess.Popen[bytes], late: threading.Event) -> None:
    late.set()
    process.kill()


def _exchange(process: subprocess.Popen[bytes], question: bytes) -> bytes | None:
    """The reply, or None where the process ended first."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(len(question).to_bytes(_LENGTH_BYTES, "little") + question)
        process.stdin.flush()
        return _message(process.stdout)
    except BrokenPipeError:
        return None


def _message(stream: IO[bytes]) -> bytes | None:
    head = stream.read(_LENGTH_BYTES)
    if len(head) < _LENGTH_BYTES:
        return None
    length = int.from_bytes(head, "little")
    body = stream.read(length)
    return body if len(body) == length else None


def serve(answer: Callable[[bytes], bytes], memory_bytes: int) -> None:
    """Answer questions from standard input until it ends, in at most so much memory; for the module of a ``Companion``.

    What ``answer`` raises becomes a refusal in a sentence. What native code prints goes nowhere.
    """
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while (question := _message(sys.stdin.buffer)) is not None:
        reply = _reply(answer, question)
        replies.write(len(reply).to_bytes(_LENGTH_BYTES, "little") + reply)
        replies.flush()


def _reply(answer: Callable[[bytes], bytes], question: bytes) -> bytes:
    try:
        return _ANSWER + answer(question)
    except TinysieveError as error:
        return _REFUSAL + error.what.encode(errors="replace")
    except MemoryError:
        return _REFUSAL + b"it needs more memory than is allowed"
    except Exception as error:
        return _REFUSAL + f"{type(error).__name__}: {error}".encode(errors="replace")
