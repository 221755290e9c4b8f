"""The first sheet of an Excel file as a table of texts."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa

from tinysieve.dataset.table_rows import Lines
from tinysieve.dataset.table_text import MAX_COLUMNS
from tinysieve.ground.errors import InputError, MissingRequirement

_MAX_BYTES = 1_000_000_000


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
        InputError: no workbook, an empty sheet, or one that unpacks to more than any table needs.
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
        rows = [(line, _texts(row)) for line, row in enumerate(sheet.iter_rows(values_only=True), 1)]
    except InputError:
        raise
    # A workbook is XML of many parts: its reader raises as many types.
    except Exception as error:
        raise InputError(f"the Excel file cannot be read: {error}", where=where, fix="save the sheet as CSV") from error
    notes = (f"{where}: sheet '{names[0]}' is read, the other {len(names) - 1} are not",) if len(names) > 1 else ()
    return (*_table([row for row in rows if any(row[1])], where), notes)


def _texts(row: Iterable[Any]) -> list[str]:
    return ["" if cell is None else str(cell).upper() if isinstance(cell, bool) else str(cell)
            for cell in islice(row, MAX_COLUMNS + 1)]


def _table(rows: list[tuple[int, list[str]]], where: str) -> tuple[tuple[str, ...], pa.Table, Lines]:
    if not rows or len(rows[0][1]) > MAX_COLUMNS:
        raise InputError("the first sheet is empty" if not rows else "too many columns", where=where,
                         fix="the first row names the columns")
    names = tuple(name.strip() for name in rows[0][1])
    width = len(names)
    cells = [(row + [""] * width)[:width] for _, row in rows[1:]]
    table = pa.table({str(place): pa.array([row[place] for row in cells], pa.string()) for place in range(width)})
    return names, table, np.array([line for line, _ in rows[1:]], np.int64)
