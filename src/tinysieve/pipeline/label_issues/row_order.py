"""Whether the rows of a table of labels stand in the order of the probabilities: a shuffled frame keeps its numbers.

Row i of both files is one sample. Where a column says that the rows were moved, nothing tells which of the two orders counts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tinysieve.dataset.table_file import TableFile
from tinysieve.filtering.label_errors.probability_matrix import InvalidLabels

# What pandas calls an index that it writes as a column, and what people call it.
_UNNAMED = ("", "Unnamed: 0")
_NAMES = (*_UNNAMED, "index", "level_0", "__index_level_0__")
_NO_INDEX = "the pandas index is not 0, 1, 2, ..."


def index_columns(file: TableFile) -> list[str]:
    """Columns that are a pandas index, by the description in a Parquet file or as pandas writes one into text.

    Raises:
        InvalidLabels: the index is a range that is not 0, 1, 2, ...
    """
    described = (file.table.schema.pandas_metadata or {}).get("index_columns", [])
    for index in described:
        if isinstance(index, dict) and (index.get("start"), index.get("step")) != (0, 1):
            raise _other_order(file, f"{_NO_INDEX}: the index begins at {index.get('start')} and goes by {index.get('step')}")
    first = file.table.column_names[:1]
    return [name for name in described if isinstance(name, str)] or [name for name in first if name in _UNNAMED]


def refuse_other_order(file: TableFile, index: Sequence[str], others: Sequence[str]) -> None:
    """Stop where an index, or another column that numbers all rows, is in another order than the rows.

    An index that is written by its own name, or after `reset_index`, is a column like any other: it is known by its name, or by
    holding each of 0..N-1 or 1..N once.

    Args:
        file: the table of labels.
        index: columns that are an index; names and dates in them say nothing of an order.
        others: the columns beside it that are no labels.

    Raises:
        InvalidLabels: as said; with the first row that is moved.
    """
    known = {*index, *(name for name in others if name in _NAMES)}
    for name in (*index, *others):
        numbers = _whole_numbers(file.table[name])
        if numbers is not None and (name in known or _counts_rows(numbers)):
            own = np.arange(len(numbers)) + (0 if name in known else int(numbers.min()))
            moved = np.flatnonzero(numbers != own)
            if len(moved):
                said = f"of row {int(moved[0])} is {numbers[int(moved[0])]}"
                raise _other_order(file, f"{_NO_INDEX}: the index {said}" if name in known else
                                   f"column '{name}' numbers the rows in another order: that {said}")


def _counts_rows(numbers: NDArray[np.int64]) -> bool:
    """Whether each of 0..N-1, or each of 1..N, stands there once."""
    return len(numbers) > 1 and numbers.min() in (0, 1) and bool((np.diff(np.sort(numbers)) == 1).all())


def _whole_numbers(column: pa.ChunkedArray) -> NDArray[np.int64] | None:
    """int64 [N]; None where a cell is no whole number."""
    if column.null_count:
        return None
    try:
        return np.asarray(pc.cast(pc.cast(column, pa.float64()), pa.int64()).to_numpy(), np.int64)
    except pa.ArrowException:
        return None


def _other_order(file: TableFile, what: str) -> InvalidLabels:
    return InvalidLabels(what, where=str(file.path),
                         why="row i of both files is one sample: nothing says whether numbers or order counts",
                         fix="bring the rows into the order of the probabilities and write them with index=False")
