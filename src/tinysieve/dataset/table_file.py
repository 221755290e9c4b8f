"""The one reader for every table that comes from outside: CSV as anybody writes it, Excel, Parquet."""

from __future__ import annotations

import codecs
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tinysieve.dataset.csv_table import without_escapes
from tinysieve.dataset.parquet_table import read_parquet
from tinysieve.dataset.spreadsheet import is_spreadsheet, read_spreadsheet
from tinysieve.dataset.table_rows import Lines, rows_of
from tinysieve.dataset.table_text import MAX_COLUMNS, TableForm, table_text
from tinysieve.ground.errors import InputError

MAX_TEXT_BYTES = 4_000_000_000
AS_WRITTEN = TableForm()
_PHOTO = re.compile(r"\.(jpe?g|png|webp|bmp|gif|tiff?|heic|avif)(\s|$)", re.IGNORECASE)
# Begins the note of a Parquet file that holds images.
HEAVY_LEFT_OUT = "columns of images or the like are not read"
_FIX = "a table is a CSV with a header, the first sheet of an .xlsx, or Parquet"
_OTHERS = ((b"\xd0\xcf\x11\xe0", "an Excel file of before 2007"), (b"\x1f\x8b", "packed with gzip"),
           (b"PK\x03\x04", "a zip archive"), (b"ARROW1", "an Arrow file"), (b"\x93NUMPY", "a numpy file"), (b"{", "JSON"),
           (b"[{", "JSON"), (b"<?xml", "XML"), (b"<annotation", "XML"), (b"<!DOCTYPE html", "a web page"),
           (b"<html", "a web page"))


@dataclass(frozen=True, eq=False)
class TableFile:
    """A table and where its rows stand.

    Args:
        path: its file.
        table: every column as text; a Parquet file's as they are stored.
        lines: int64 [N], the line of the file that a row begins on; of a Parquet file the row, from 1.
        counted: what `lines` counts, as in ":" or ": record ".
        notes: what was assumed while reading.
    """

    path: Path
    table: pa.Table
    lines: Lines
    counted: str = ":"
    notes: tuple[str, ...] = ()

    def place(self, row: int) -> str:
        """Where a row stands, for an error."""
        return f"{self.path}{self.counted}{self.lines[row]}"

    def column(self, name: str) -> str:
        """The column of this name; in another case, or with spaces around it, where only one is so.

        Raises:
            InputError: there is none; names those that are there.
        """
        if name in self.table.column_names:
            return name
        close = [other for other in self.table.column_names if other.strip().casefold() == name.strip().casefold()]
        if len(close) == 1:
            return str(close[0])
        raise InputError(f"no column '{name}'", where=f"{self.path}:1",
                         fix="; ".join(("its columns: " + ", ".join(self.table.column_names), *self.notes)))


def read_table(path: Path, form: TableForm = AS_WRITTEN) -> pa.Table:
    """The rows of `open_table` where nobody asks for their lines."""
    return open_table(path, form).table


def open_table(path: Path, form: TableForm = AS_WRITTEN) -> TableFile:
    """Read Parquet, the first sheet of an .xlsx, or text with every column as text so that nothing is guessed.

    What it is says its content, not its name. Blank rows, and columns without a name and a value, are left out. Cells that
    `csv_cell` escaped, as our own files have them, are the texts that they were, and a note says so.

    Raises:
        InputError: no regular file, nothing that reads as a table, or a column that stands in it twice.
        MissingRequirement: an Excel file, and openpyxl is not installed.
    """
    check_table(path)
    try:
        with path.open("rb") as file:
            head = file.read(8)
        if head.startswith(b"PAR1") or path.suffix == ".parquet":
            return _parquet(path)
        if path.stat().st_size > MAX_TEXT_BYTES:
            raise InputError(f"{path} is over-large for text", where=str(path), fix="convert it to Parquet")
        data = path.read_bytes()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}", fix=_FIX) from error
    if is_spreadsheet(data):
        header, rows, lines, notes = read_spreadsheet(data, str(path))
    else:
        _refuse_others(data, path)
        text = table_text(data, str(path), form)
        header, notes = text.header, text.notes
        rows, lines = rows_of(text, str(path))
    table, escaped = without_escapes(_named(rows, header, path))
    if escaped:
        notes = (*notes, f"{path}: {escaped:,} cells begin with ' before a sign of spreadsheets' formulas: read without it")
    return TableFile(path, table, lines, notes=notes)


def check_table(path: Path) -> None:
    """Refuse a path that no table can be read from: opening a pipe would wait for ever, a device may never end.

    Raises:
        InputError: as said.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        raise InputError(f"{path} does not exist" if missing else f"{path} cannot be read: {error.strerror}",
                         fix="correct the path") from error
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "a device, a pipe or a socket"
        inside = sorted(path.glob("*.parquet")) if stat.S_ISDIR(mode) else []
        shards = (f"name its files: [{', '.join(map(str, inside[:3]))}{', ...' if inside[3:] else ''}]; if they hold the photos "
                  f"too, use kind: shards with images: '{path}/*.parquet'")
        raise InputError(f"the table is {what}", where=str(path), fix=shards if inside else _FIX)


def _refuse_others(data: bytes, path: Path) -> None:
    head = data[:64].removeprefix(codecs.BOM_UTF8).lstrip()
    for start, name in _OTHERS:
        if head.startswith(start):
            raise InputError(f"{path} is no table: it is {name}", where=str(path), fix=_FIX)


def _parquet(path: Path) -> TableFile:
    schema = pq.read_schema(path)
    names = schema.names
    if len(names) > MAX_COLUMNS:
        raise InputError(f"{len(names):,} columns", where=str(path), why=f"{MAX_COLUMNS:,} is the limit", fix=_FIX)
    _refuse_doubled(names, path)
    table, heavy = read_parquet(path, schema)
    notes = (f"{path}: {HEAVY_LEFT_OUT}: {', '.join(heavy)}; kind: shards with images: {path} reads photos and labels from it",)
    return TableFile(path, table, np.arange(1, table.num_rows + 1), ": record ", notes if heavy else ())


def _named(rows: pa.Table, header: Sequence[str], path: Path) -> pa.Table:
    """Give the columns their names, without those that have neither a name nor a value."""
    kept = [place for place, name in enumerate(header) if name or not _is_empty(rows.column(place))]
    names = [header[place] for place in kept]
    photo = next((name for name in names if _PHOTO.search(name)), None)
    if photo is not None:
        raise InputError(f"the first line names no columns: it is a row about {photo[:100]!r}", where=f"{path}:1",
                         why="the row would be lost, and nothing says what the others mean",
                         fix="write a line with the names of the columns above it, such as filename,person")
    _refuse_doubled(names, path)
    return rows.select(kept).rename_columns(names)


def _is_empty(column: pa.ChunkedArray) -> bool:
    return not pc.any(pc.not_equal(pc.utf8_trim_whitespace(column), "")).as_py()


def _refuse_doubled(names: Sequence[str], path: Path) -> None:
    doubled = [name for name in names if names.count(name) > 1]
    if doubled[:1] == [""]:
        raise InputError(f"{names.count('')} of {len(names)} columns have no name", where=str(path),
                         why="the first line that is not blank names the columns", fix="remove what stands above that line")
    if doubled:
        raise InputError(f'{path} has the column "{doubled[0]}" twice', why="nothing says which of them counts", fix="keep one")
