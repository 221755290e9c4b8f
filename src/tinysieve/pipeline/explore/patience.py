"""Services that start or answer slowly are waited for and tried again; what fails in the end says its true cause."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from textwrap import shorten
from typing import TypeVar

import typer

from tinysieve.ground.errors import MissingRequirement, TinysieveError

T = TypeVar("T")
# Seconds before each further attempt; FiftyOne itself gives up after a limit of its own, made for idle machines.
WAITS = (5.0, 15.0, 30.0)
_LONGEST = 200
_SLOW = ("timeout", "timed out", "failed to bind", "connection", "serverselection", "not responding", "reconnect", "refused")


class _GaveUp(Exception):
    """The last attempt failed; its error is the cause."""

    def __init__(self, attempts: int, error: Exception) -> None:
        super().__init__(attempts)
        self.error, self.words = error, f"{f' after {attempts} attempts' if attempts > 1 else ''}: {cause(error)}"


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
    try:
        return _insist(attempt, f"{what} is slow to start", waits, sleep)
    except _GaveUp as end:
        raise MissingRequirement(f"{what} does not start{end.words}", where=where, fix=fix) from end.error


def while_it_answers(work: Callable[[], T], what: str, where: str, fix: str, waits: Sequence[float] = WAITS,
                     sleep: Callable[[float], None] = time.sleep) -> T:
    """What the work with a running service gives; done again where the service was too slow, as often as `patiently`.

    Args:
        work: may be done twice; other failures than slowness are its own and pass.
        what, where, fix, waits, sleep: as of `patiently`.

    Raises:
        MissingRequirement: the service did not answer in time, each time; with the cause.
    """
    try:
        return _insist(work, f"{what} is slow to answer", waits, sleep)
    except _GaveUp as end:
        if not is_slow(end.error):
            raise end.error from end.error.__cause__
        raise MissingRequirement(f"{what} does not answer{end.words}", where=where, fix=fix) from end.error


def _insist(attempt: Callable[[], T], slow: str, waits: Sequence[float], sleep: Callable[[float], None]) -> T:
    for number, wait in enumerate((*waits, None), start=1):
        try:
            return attempt()
        except Exception as error:
            if wait is None or not is_slow(error):
                raise _GaveUp(number, error) from error
            typer.echo(f"{slow} ({cause(error)}); trying again in {wait:g} s", err=True)
            sleep(wait)
    raise AssertionError("the last attempt returns or raises")


def is_slow(error: BaseException) -> bool:
    """Whether a failure, or what caused it, says that something did not answer in time."""
    if isinstance(error, TinysieveError):
        return False
    words = f"{type(error).__name__} {error}".lower()
    behind = error.__cause__ or error.__context__
    return any(word in words for word in _SLOW) or (behind is not None and is_slow(behind))


def cause(error: BaseException) -> str:
    """Kind and first line of a failure, cut where it is a page long.

    >>> cause(TimeoutError("no answer\\nin 30 s")), cause(ValueError())
    ('TimeoutError: no answer', 'ValueError')
    """
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {shorten(lines[0], _LONGEST, placeholder=' ...')}" if lines else type(error).__name__
