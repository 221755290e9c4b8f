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
    started = last = time.monotonic()
    print(f"{title}: starting", file=sys.stderr, flush=True)

    def write(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < SECONDS_BETWEEN_LINES:
            return
        last = now
        rate = done / max(now - started, 1e-9)
        left = (total - done) / max(rate, 1e-9)
        print(f"{title}: {done:,}/{total:,} {unit}, {rate:,.1f}/s, {left:,.0f} s left", file=sys.stderr, flush=True)

    return write
