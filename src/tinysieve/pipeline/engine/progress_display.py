"""Progress with rate and time left: a bar on a terminal, plain lines elsewhere; neither is ever silent for long."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Report = Callable[[int, int], None]
SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def progress(title: str, unit: str = "images") -> Iterator[Report]:
    """Give a callback (done, total) that draws on standard error; work that never calls it is seen to go on all the same."""
    if not sys.stderr.isatty():
        lines = _Lines(title, unit)
        with lines.beating():
            yield lines.report
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TextColumn("{task.fields[rate]}"), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task, started = bar.add_task(title, total=None, rate=""), time.monotonic()

        def draw(done: int, total: int) -> None:
            rate = done / max(time.monotonic() - started, 1e-9)
            bar.update(task, completed=done, total=total, rate=f"{rate:,.0f} {unit}/s")

        yield draw


class _Lines:
    """A line at the start, and then every few seconds, whether something is reported or not."""

    def __init__(self, title: str, unit: str) -> None:
        self._title, self._unit = title, unit
        self._started = self._last = self._heard = time.monotonic()
        self._first: tuple[float, int] | None = None
        self._counted = ""
        self._turn = threading.Lock()
        self._write("starting")

    def report(self, done: int, total: int) -> None:
        now, pace = time.monotonic(), ""
        with self._turn:
            # The rate counts from the first piece that is done: compiling before it, and what a killed run had done, say
            # nothing of the rest.
            if self._first is None and done:
                self._first = now, done
            self._counted, self._heard = f"{done:,}/{total:,} {self._unit}", now
            if now - self._last < SECONDS_BETWEEN_LINES:
                return
            if self._first is not None and done > self._first[1]:
                rate = (done - self._first[1]) / max(now - self._first[0], 1e-9)
                pace = f", {rate:,.1f}/s, {(total - done) / rate:,.0f} s left"
            self._last = now
            self._write(self._counted + pace)

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Until the end, say every few seconds that the work goes on, unless its reports say so."""
        over = threading.Event()
        beat = threading.Thread(target=self._beat, args=(over,), daemon=True)
        beat.start()
        try:
            yield
        finally:
            over.set()
            beat.join()

    def _beat(self, over: threading.Event) -> None:
        while not over.wait(SECONDS_BETWEEN_LINES / 5):
            with self._turn:
                now = time.monotonic()
                if now - max(self._last, self._heard) >= SECONDS_BETWEEN_LINES:
                    self._last = now
                    counted = f"{self._counted}, " if self._counted else ""
                    self._write(f"{counted}running, {now - self._started:,.0f} s elapsed")

    def _write(self, words: str) -> None:
        print(f"{self._title}: {words}", file=sys.stderr, flush=True)
