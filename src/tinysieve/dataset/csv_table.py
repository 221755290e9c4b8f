"""Tables out to CSV that a person opens, and the same texts back."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from tinysieve.ground.atomic_files import replacing
from tinysieve.ground.escaping import ESCAPED_FORMULA, FORMULA, csv_cell, csv_text


def write_csv_table(path: Path, table: pa.Table) -> None:
    """Write a table whole or not at all; names of columns and texts are escaped as `csv_cell` says, and all texts quoted."""
    columns = [_escaped(column) for column in table.columns]
    with replacing(path) as temporary:
        pacsv.write_csv(pa.table(columns, names=[csv_cell(name) for name in table.column_names]), temporary)


def without_escapes(table: pa.Table) -> tuple[pa.Table, int]:
    """A table of texts as they were before `write_csv_table`, and how many cells and names of columns that changes."""
    columns, names = [], [csv_text(name) for name in table.column_names]
    changed = sum(name != before for name, before in zip(names, table.column_names, strict=True))
    for column in table.columns:
        # Almost no text is so, and looking is much cheaper than replacing.
        if pc.any(pc.or_(pc.starts_with(column, "'"), pc.match_substring(column, ";'"))).as_py():
            plain = pc.replace_substring_regex(column, ESCAPED_FORMULA, r"\1\2")
            changed += pc.sum(pc.not_equal(plain, column)).as_py() or 0
            column = plain
        columns.append(column)
    return pa.table(columns, names=names), changed


def _escaped(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = pc.cast(column, column.type.value_type)
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return column
    return pc.replace_substring_regex(column, FORMULA, r"\1'\2")
