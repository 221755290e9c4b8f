"""What the database does not hold yet: a value is written only where it differs, for reading is many times cheaper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinysieve.pipeline.explore.columns import Column


def differing(dataset: Any, name: str, column: Column, values: Sequence[Any]) -> list[int]:
    """Places of the values that are not those that the field holds.

    Args:
        dataset: its samples stand in the order of the values; the field is declared.
        column: says what of a value is compared; ids that FiftyOne gives to labels are not.
        values: as `Column.make` gives them.
    """
    if not column.compared:
        return [place for place, (held, value) in enumerate(zip(dataset.values(name), values, strict=True))
                if not _same(held, value)]
    held = zip(*dataset.values([f"{name}.{part}" for part in column.compared]), strict=True)
    paths = [part.split(".") for part in column.compared]
    return [place for place, (before, value) in enumerate(zip(held, values, strict=True))
            if before != tuple(_part(value, path) for path in paths)]


def _same(held: Any, value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return held is not None and np.array_equal(held, value)
    return bool(held == value)


def _part(value: Any, path: Sequence[str]) -> Any:
    if value is None:
        return None
    if len(path) == 1:
        return value.get(path[0])
    return [element[path[1]] for element in value[path[0]]]
