"""The first sheet of an Excel file as a table of texts."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from tinysieve.dataset.table_rows import Lines
from tinysieve.dataset.table_text import MAX_CELL_BYTES, MAX_COLUMNS
from tinysieve.ground.errors import InputError, MissingRequirement

_MAX_BYTES = 1_000_000_000
# Of a sheet in Excel. A few bytes of XML can say that the next row is the 2^40th, and all rows before it would be made.
_MAX_ROWS = 1_048_576


def is_spreadsheet(data: bytes) -> bool:
    """True for a zip archive with the parts of a workbook."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return any(name.startswith("xl/") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError):
        return False


def read_spreadsheet(data: bytes, where: str) -> tuple[tuple[str, ...], pa.Table, Lines, tuple[str, ...]]:
    """Column names, rows with columns "0", "1", ..., the sheet's row of each, and what was assumed.

    Raises:
        MissingRequirement: openpyxl is not installed.
        InputError: no workbook, an empty sheet, or one that unpacks to more than any table needs; more rows than Excel has,
            columns than MAX_COLUMNS, or letters in a cell than MAX_CELL_BYTES.
    """
    try:
        import openpyxl
    except ImportError as error:
        raise MissingRequirement("Excel files need the package openpyxl", where=where,
                                 fix="pip install 'tinysieve[excel]', or save the sheet as CSV") from error
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(part.file_size for part in archive.infolist())
        if unpacked > _MAX_BYTES:
            raise InputError(f"it unpacks to {unpacked:,} bytes", where=where, fix="save the sheet as CSV")
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheet, names = book.worksheets[0], book.sheetnames
        # What the file says of the sheet's size would be the length of every row.
        sheet.reset_dimensions()
        rows = list(_filled_rows(sheet.iter_rows(values_only=True), where))
    except InputError:
        raise
    # A workbook is XML of many parts: its reader raises as many types.
    except Exception as error:
        raise InputError(f"the Excel file cannot be read: {error}", where=where, fix="save the sheet as CSV") from error
    notes = (f"{where}: sheet '{names[0]}' is read, the other {len(names) - 1} are not",) if len(names) > 1 else ()
    return (*_table(rows, where), notes)


def _filled_rows(rows: Iterable[Sequence[Any]], where: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that hold something, with their numbers, without the empty cells at their ends."""
    for line, row in enumerate(rows, 1):
        width = next((place for place in range(len(row), 0, -1) if row[place - 1] is not None), 0)
        if line > _MAX_ROWS or width > MAX_COLUMNS:
            what = f"more than {_MAX_ROWS:,} rows" if line > _MAX_ROWS else f"{width:,} columns"
            raise InputError(what, where=f"{where}, row {line}", fix="keep the rows and columns that are needed")
        texts = [_text(cell) for cell in row[:width]]
        longest = max(map(len, texts), default=0)
        if longest > MAX_CELL_BYTES:
            raise InputError(f"a cell of {longest:,} letters", where=f"{where}, row {line}",
                             why=f"{MAX_CELL_BYTES:,} is the limit", fix="take that column out")
        if any(texts):
            yield line, texts


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    return str(cell).upper() if isinstance(cell, bool) else str(cell)


def _table(rows: list[tuple[int, list[str]]], where: str) -> tuple[tuple[str, ...], pa.Table, Lines]:
    if not rows:
        raise InputError("the first sheet is empty", where=where, fix="the first row names the columns")
    names = tuple(name.strip() for name in rows[0][1])
    width = len(names)
    cells = [(row + [""] * width)[:width] for _, row in rows[1:]]
    table = pa.table({str(place): pa.array([row[place] for row in cells], pa.string()) for place in range(width)})
    return names, table, np.array([line for line, _ in rows[1:]], np.int64)
