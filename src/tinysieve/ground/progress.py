"""How long work says how far it is."""

from __future__ import annotations

from collections.abc import Callable

# Done and total, in a unit that the callee's docstring names.
Progress = Callable[[int, int], None]


def silent(done: int, total: int) -> None:
    """Says nothing."""
