"""Cells and titles of tables that the page and the cards share."""

from __future__ import annotations

from dataclasses import astuple

from tinysieve.dataset.classes import ClassNames
from tinysieve.filtering.decisions.vote_table import FilterRow
from tinysieve.ground.statistics import Confusion

Counts = tuple[int, int]


def confusion_rows(cells: Confusion) -> tuple[Counts, Counts]:
    """Answers by truth, both in the order of the class codes.

    >>> confusion_rows(Confusion(5, 1, 2, 4))
    ((5, 1), (2, 4))
    """
    negative, as_positive, as_negative, positive = astuple(cells)
    return (negative, as_positive), (as_negative, positive)


def vote_titles(classes: ClassNames) -> tuple[str, ...]:
    """What stands above the counts of `votes`."""
    names = (classes.positive, classes.negative)
    return (*(f"to {name}" for name in names), *(f"new {name}" for name in names))


def votes(row: FilterRow) -> tuple[int, ...]:
    """How often a filter would flip to each class, and label with each what has no label."""
    return row.to_positive, row.to_negative, row.new_positive, row.new_negative
