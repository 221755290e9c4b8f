"""How long work says how far it is."""

from __future__ import annotations

from collections.abc import Callable

# Done and total, in a unit that the callee's docstring names.
Progress = Callable[[int, int], None]
# Parts of unlike kinds are counted together in thousandths of the whole; shown in percent.
WHOLE = 1000
PERCENT = "%"


def silent(done: int, total: int) -> None:
    """Says nothing."""


def part(progress: Progress, start: float, end: float) -> Progress:
    """Progress of one part of a job, as thousandths of all of it, so that the count of the whole moves within its parts.

    Args:
        progress: of the whole job.
        start, end: the part's shares of it, 0 <= start <= end <= 1; parts of parts may be taken.

    >>> said = []
    >>> half = part(lambda done, total: said.append((done, total)), 0.5, 1.0)
    >>> half(1, 4), part(half, 0.5, 1.0)(1, 1), said
    (None, None, [(625, 1000), (1000, 1000)])
    """
    def report(done: int, total: int) -> None:
        share = start + (end - start) * min(done / max(total, 1), 1.0)
        progress(round(WHOLE * share), WHOLE)

    return report
