"""Progress with rate and time left: a bar on a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Report = Callable[[int, int], None]
SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def progress(title: str, unit: str = "images") -> Iterator[Report]:
    """Give a callback (done, total) that draws on standard error."""
    if not sys.stderr.isatty():
        yield _plain(title, unit)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task, started = bar.add_task(title, total=None, rate=""), time.monotonic()

        def draw(done: int, total: int) -> None:
            rate = done / max(time.monotonic() - started, 1e-9)
            bar.update(task, completed=done, total=total, rate=f"{rate:,.0f} {unit}/s")

        yield draw


def _plain(title: str, unit: str) -> Report:
    last = time.monotonic()
    first: tuple[float, int] | None = None
    print(f"{title}: starting", file=sys.stderr, flush=True)

    def write(done: int, total: int) -> None:
        nonlocal last, first
        now = time.monotonic()
        # The rate counts from the first report: compiling before it, and what a killed run had done, say nothing of the rest.
        first = first or (now, done)
        if now - last < SECONDS_BETWEEN_LINES:
            return
        last, pace = now, ""
        if done > first[1]:
            rate = (done - first[1]) / max(now - first[0], 1e-9)
            pace = f", {rate:,.1f}/s, {(total - done) / rate:,.0f} s left"
        print(f"{title}: {done:,}/{total:,} {unit}{pace}", file=sys.stderr, flush=True)

    return write
