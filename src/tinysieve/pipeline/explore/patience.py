"""Services that start slowly are waited for and tried again; what fails in the end says its true cause."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import typer

from tinysieve.ground.errors import MissingRequirement

T = TypeVar("T")
# Seconds before each further attempt; FiftyOne itself gives up after a limit of its own, made for idle machines.
WAITS = (5.0, 15.0, 30.0)
_SLOW = ("timeout", "timed out", "failed to bind", "connection", "serverselection", "not responding")


def patiently(attempt: Callable[[], T], what: str, where: str, fix: str, waits: Sequence[float] = WAITS,
              sleep: Callable[[float], None] = time.sleep) -> T:
    """What the attempt gives; one that fails because it took too long is made again after each wait.

    Args:
        attempt: starts the service.
        what: the service, for messages.
        where: its place.
        fix: what to do where it does not start at all.
        waits: seconds before each further attempt.
        sleep: waits.

    Raises:
        MissingRequirement: it failed for another reason, or each time; with the cause.
    """
    for number, wait in enumerate((*waits, None), start=1):
        try:
            return attempt()
        except Exception as error:
            if wait is None or not is_slow(error):
                tries = f" after {number} attempts" if number > 1 else ""
                raise MissingRequirement(f"{what} does not start{tries}: {cause(error)}", where=where, fix=fix) from error
            typer.echo(f"{what} is slow to start ({cause(error)}); trying again in {wait:g} s", err=True)
            sleep(wait)
    raise AssertionError("the last attempt returns or raises")


def is_slow(error: BaseException) -> bool:
    """Whether a failure, or what caused it, says that something did not answer in time."""
    words = f"{type(error).__name__} {error}".lower()
    behind = error.__cause__ or error.__context__
    return any(word in words for word in _SLOW) or (behind is not None and is_slow(behind))


def cause(error: BaseException) -> str:
    """Kind and first line of a failure.

    >>> cause(TimeoutError("no answer\\nin 30 s")), cause(ValueError())
    ('TimeoutError: no answer', 'ValueError')
    """
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
