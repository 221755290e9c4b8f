"""The rows of a text table as columns of text, and the line of the file that each stands on."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from tinysieve.dataset.table_text import MAX_CELL_BYTES, TableText
from tinysieve.ground.errors import InputError

Lines = NDArray[np.int64]


def rows_of(text: TableText, where: str) -> tuple[pa.Table, Lines]:
    """All rows that are not blank, every cell as text; empty cells behind the header's columns are no matter.

    Returns:
        the table, with columns "0", "1", ... in the header's order; and the line of each row, int64 [N], counted from 1.

    Raises:
        InputError: a row has fewer or more cells than the header, a quote is not closed, or a cell is over-large; with its line.
    """
    quoted = text.body.count(b'"')
    # Arrow reads a quote behind a space as a letter, and an open quote to the end of the file.
    plain = not text.spaced and quoted % 2 == 0 and f'{text.separator} "'.encode() not in text.body
    parsed = _by_arrow(text) if plain and len(text.separator.encode()) == 1 else None
    table, lines = _by_python(text, where) if parsed is None else parsed
    longest = max((pc.max(pc.binary_length(column)).as_py() or 0 for column in table.columns), default=0)
    if longest > MAX_CELL_BYTES:
        raise InputError(f"a cell of {longest:,} bytes", where=where, why=f"{MAX_CELL_BYTES:,} is the limit",
                         fix="check the quotes, or take that column out")
    filled = _filled(table)
    return table.filter(pa.array(filled)), lines[filled]


def _by_arrow(text: TableText) -> tuple[pa.Table, Lines] | None:
    """None where the rows are not all as long as the header, or lines and records cannot be brought together."""
    names = [str(place) for place in range(len(text.header))]
    lines = _record_lines(text.body) + text.lines_before
    if not text.body.strip():
        return pa.table({name: pa.array([], pa.string()) for name in names}), np.zeros(0, np.int64)
    try:
        table = pacsv.read_csv(
            pa.BufferReader(text.body), pacsv.ReadOptions(column_names=names, block_size=4 * MAX_CELL_BYTES),
            pacsv.ParseOptions(delimiter=text.separator, newlines_in_values=True),
            pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False))
    except pa.ArrowInvalid:
        return None
    return (table, lines) if table.num_rows == len(lines) else None


def _record_lines(body: bytes) -> Lines:
    """Line, from 1, of each record that is not an empty line: it begins behind a line feed that stands outside quotes."""
    characters = np.frombuffer(body, np.uint8)
    breaks = np.flatnonzero(characters == ord("\n"))
    if b'"' in body:
        before = np.searchsorted(np.flatnonzero(characters == ord('"')), breaks)
        outside = breaks[before % 2 == 0]
    else:
        outside = breaks
    starts = np.concatenate(([0], outside + 1))
    ends = np.concatenate((outside, [len(body)]))
    ends = ends - ((ends > starts) & (characters[np.maximum(ends - 1, 0)] == ord("\r")) if len(body) else 0)
    return np.searchsorted(breaks, starts[ends > starts]) + 1


def _by_python(text: TableText, where: str) -> tuple[pa.Table, Lines]:
    """The slow way, which names the line of what is wrong."""
    width, rows, lines, last = len(text.header), [], [], 0
    stream = io.StringIO(text.body.decode("utf-8"), newline="")
    csv.field_size_limit(MAX_CELL_BYTES)
    reader = csv.reader(stream, delimiter=text.separator, skipinitialspace=text.spaced or text.separator != " ", strict=True)
    try:
        for row in reader:
            line, last = text.lines_before + last + 1, reader.line_num
            if any(cell.strip() for cell in row):
                rows.append(_as_wide(row, width, f"{where}:{line}"))
                lines.append(line)
    except csv.Error as error:
        raise InputError(f"the table cannot be read: {error}", where=f"{where}:{text.lines_before + last + 1}",
                         fix="close the quotes; inside of quotes a quote is written twice") from error
    columns = [[row[place] for row in rows] for place in range(width)]
    table = pa.table({str(place): pa.array(column, pa.string()) for place, column in enumerate(columns)})
    return table, np.array(lines, np.int64)


def _as_wide(row: Sequence[str], width: int, where: str) -> Sequence[str]:
    if len(row) < width or any(cell.strip() for cell in row[width:]):
        raise InputError(f"{len(row)} cells, and the header has {width}", where=where, why="which cell belongs to which column?",
                         fix="put cells that hold the separator into quotes; or set dataset.table: {separator: ...}")
    return row[:width]


def _filled(table: pa.Table) -> NDArray[np.bool_]:
    filled = np.zeros(table.num_rows, bool)
    for column in table.columns:
        if filled.all():
            break
        filled |= pc.not_equal(pc.utf8_trim_whitespace(column), "").to_numpy().astype(bool)
    return filled
