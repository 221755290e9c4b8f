"""From settings and evidence to the rows that are kept."""

from __future__ import annotations

import numpy as np

from tinysieve.dataset.classes import NEGATIVE, POSITIVE, Codes
from tinysieve.filtering.filter import Evidence
from tinysieve.filtering.selection.registry import WAYS
from tinysieve.filtering.selection.settings import Selection, Step
from tinysieve.filtering.selection.way import Rows
from tinysieve.ground.errors import InputError


def choose(selection: Selection, evidence: Evidence, labels: Codes, rows: Rows, rng: np.random.Generator) -> Rows:
    """The rows to keep, in ascending order.

    Args:
        selection: what is asked for.
        evidence: of all N samples.
        labels: int8 [N], current labels.
        rows: int64 [M], labelled samples to choose from; all are kept where the budget holds them.
        rng: for ways that draw.

    Raises:
        InputError: the budget does not leave a photo of each class.
    """
    budget = min(_photos(selection.budget, len(rows)), len(rows))
    parts = [rows] if selection.per_class == "any" else [rows[labels[rows] == code] for code in (NEGATIVE, POSITIVE)]
    budgets = [budget] if len(parts) == 1 else shares(budget, [len(part) for part in parts], selection.per_class == "equal")
    kept = [_narrow(selection.by, evidence, labels, part, size, rng) for part, size in zip(parts, budgets, strict=True)]
    chosen = np.sort(np.concatenate(kept))
    if len(np.unique(labels[chosen])) < 2:
        raise InputError(f"a selection of {budget:,} photos leaves one class only", where="policy.select",
                         why="nothing can be learnt from one class", fix="raise policy.select.budget, or set per_class: equal")
    return chosen


def _photos(budget: float, count: int) -> int:
    return budget if isinstance(budget, int) else round(budget * count)


def shares(budget: int, sizes: list[int], equal: bool) -> list[int]:
    """The budget dealt to two classes; what one cannot fill goes to the other.

    >>> shares(10, [30, 70], equal=False), shares(10, [3, 70], equal=True)
    ([3, 7], [3, 7])
    """
    first = budget // 2 if equal else round(budget * sizes[0] / sum(sizes))
    first = min(max(first, budget - sizes[1]), sizes[0])
    return [first, budget - first]


def sizes_of(steps: tuple[Step, ...], count: int, budget: int) -> list[int]:
    """How many photos each step leaves; the last one leaves the budget, none leaves fewer.

    Steps without a share of their own divide by equal factors what the others do not.

    >>> sizes_of((Step("uniqueness", .3), Step("representativeness")), 1000, 100)
    [300, 100]
    >>> sizes_of((Step("uniqueness"), Step("coverage")), 1600, 100)
    [400, 100]
    """
    given = float(np.prod([step.keep for step in steps[:-1] if step.keep is not None]))
    free = 1 + sum(step.keep is None for step in steps[:-1])
    factor = min(1.0, budget / max(count * given, 1)) ** (1 / free)
    left, sizes = float(count), []
    for step in steps[:-1]:
        left *= factor if step.keep is None else step.keep
        sizes.append(min(count, max(budget, round(left))))
    return [*sizes, budget]


def _narrow(steps: tuple[Step, ...], evidence: Evidence, labels: Codes, rows: Rows, budget: int,
            rng: np.random.Generator) -> Rows:
    for step, size in zip(steps, sizes_of(steps, len(rows), budget), strict=True):
        if size < len(rows):
            rows = WAYS[step.way].order(evidence, rows, labels[rows], rng)[:size]
    return rows
