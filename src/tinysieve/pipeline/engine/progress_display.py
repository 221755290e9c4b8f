"""Progress with rate and time left: one live line on a terminal, plain lines elsewhere; neither is silent for long."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tinysieve.ground.progress import PERCENT, silent
from tinysieve.pipeline.engine.loudness import LOUDNESS

Report = Callable[[int, int], None]
# Short work says nothing off a terminal: its stage was announced, and its end is seen.
SECONDS_BEFORE_A_LINE = 2.0
SECONDS_BETWEEN_LINES = 5.0
SECONDS_BETWEEN_LOOKS = 0.25


@contextmanager
def progress(title: str, unit: str = "images") -> Iterator[Report]:
    """Give a callback (done, total) that draws on standard error; work that never calls it is seen to go on all the same.

    `unit` is what is counted, or PERCENT where parts of unlike kinds are. With `--quiet` nothing is drawn.
    """
    if LOUDNESS.quiet:
        yield silent
    elif sys.stderr.isatty():
        yield from _live_line(title, unit)
    else:
        lines = _Lines(title, unit)
        with lines.beating():
            yield lines.report


def counted(done: int, total: int, unit: str) -> str:
    """How far work is.

    >>> counted(1200, 4000, "images"), counted(125, 1000, PERCENT)
    ('1,200/4,000 images', '12.5 %')
    """
    return f"{100 * done / max(total, 1):.1f} %" if unit == PERCENT else f"{done:,}/{total:,} {unit}"


class _Pace:
    """Rate and time left, from the first piece that is done: compiling before it, and what a killed run had done, say
    nothing of the rest."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._first: tuple[float, int] | None = None

    def words(self, done: int, total: int, now: float) -> str:
        if self._first is None and done:
            self._first = now, done
        if self._first is None or done <= self._first[1]:
            return ""
        rate = (done - self._first[1]) / max(now - self._first[0], 1e-9)
        left = f"{(total - done) / rate:,.0f} s left"
        return left if self._unit == PERCENT else f"{rate:,.1f}/s, {left}"


def _live_line(title: str, unit: str) -> Iterator[Report]:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[words]}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task, pace = bar.add_task(title, total=None, words=""), _Pace(unit)

        def draw(done: int, total: int) -> None:
            words = ", ".join(filter(None, (counted(done, total, unit), pace.words(done, total, time.monotonic()))))
            bar.update(task, completed=done, total=total, words=words)

        yield draw


class _Lines:
    """A line after two seconds, and then every five, whether something is reported or not."""

    def __init__(self, title: str, unit: str) -> None:
        self._title, self._unit, self._pace = title, unit, _Pace(unit)
        self._started = time.monotonic()
        self._next = self._started + SECONDS_BEFORE_A_LINE
        self._counted = self._left = ""
        self._written = ""
        self._turn = threading.Lock()

    def report(self, done: int, total: int) -> None:
        with self._turn:
            now = time.monotonic()
            self._counted, self._left = counted(done, total, self._unit), self._pace.words(done, total, now)
            self._write_if_due(now)

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Until the end, say now and then that the work goes on, unless its reports say so."""
        over = threading.Event()
        beat = threading.Thread(target=self._beat, args=(over,), daemon=True)
        beat.start()
        try:
            yield
        finally:
            over.set()
            beat.join()

    def _beat(self, over: threading.Event) -> None:
        while not over.wait(SECONDS_BETWEEN_LOOKS):
            with self._turn:
                self._write_if_due(time.monotonic())

    def _write_if_due(self, now: float) -> None:
        if now < self._next:
            return
        self._next = now + SECONDS_BETWEEN_LINES
        # What is counted stood still since the last line: then the seconds say that the work goes on.
        still = not self._counted or self._counted == self._written
        self._written = self._counted
        words = (self._counted, f"running, {now - self._started:,.0f} s elapsed" if still else self._left)
        print(f"{self._title}: {', '.join(filter(None, words))}", file=sys.stderr, flush=True)
