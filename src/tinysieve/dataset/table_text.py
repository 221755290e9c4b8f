"""The text of a table whoever wrote it: encoding and separator are read off the file, or forced; never guessed without a word."""

from __future__ import annotations

import codecs
import csv
import io
from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from tinysieve.ground.errors import InputError

MAX_COLUMNS = 4096
# The longest header or, in the slow reader, the longest cell.
MAX_CELL_BYTES = 1_000_000
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
          (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_SEPARATORS = (",", ";", "\t", "|")
_NAMES = {",": "','", ";": "';'", "\t": "tab", "|": "'|'"}
_FORCE = "save it as UTF-8, or, for the table of the data set, set dataset.table: {encoding: ...}, such as cp1251 or utf-16"


@dataclass(frozen=True)
class TableForm:
    """How a text table is written; None is read off the file.

    Args:
        separator: the character between cells.
        encoding: a name that Python knows, such as cp1252.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    separator: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    encoding: str | None = None


@dataclass(frozen=True)
class TableText:
    """A text table before its rows are parsed.

    Args:
        header: the column names, without spaces around them.
        body: UTF-8, from the line behind the header on, lines broken by line feeds.
        lines_before: how many lines of the file stand before the body.
        separator: the character between cells.
        spaced: a space follows each separator, as some programs write.
        notes: what was assumed.
    """

    header: tuple[str, ...]
    body: bytes
    lines_before: int
    separator: str
    spaced: bool
    notes: tuple[str, ...]


def table_text(data: bytes, where: str, form: TableForm) -> TableText:
    """Decode a file's bytes and take its header off.

    Raises:
        InputError: bytes of no encoding that can be told, no header, too many columns, or two separators that are as likely.
    """
    text, notes = _utf8(data, where, form.encoding)
    if b"\n" not in text:
        text = text.replace(b"\r", b"\n")
    first, _, rest = text.partition(b"\n")
    named = first.strip(b' "\r').lower()
    separator = form.separator
    skipped = 0
    # What spreadsheets write to say it themselves.
    if named.startswith(b"sep=") and len(named) == 5:
        separator, text, skipped = separator or named[4:].decode(), rest, 1
    if first.strip(b' "\r').lower() == b"sep=":
        separator, text, skipped = separator or "\t", rest, 1
    separator = separator or _separator(text, where)
    header, lines = _header(text, separator, where)
    spaced = len(header) > 1 and all(name.startswith(" ") for name in header[1:])
    body = text.split(b"\n", lines)[lines] if text.count(b"\n") >= lines else b""
    return TableText(tuple(name.strip() for name in header), body, skipped + lines, separator, spaced, notes)


def _utf8(data: bytes, where: str, forced: str | None) -> tuple[bytes, tuple[str, ...]]:
    for mark, encoding in _MARKS:
        if data.startswith(mark) and forced is None:
            return _recoded(data[len(mark) :], encoding, where), ()
    if forced is not None:
        return _recoded(data, forced, where).removeprefix(codecs.BOM_UTF8), ()
    start = data[:4096]
    for encoding, zeros in (("utf-16-le", start[1::2]), ("utf-16-be", start[::2])):
        if len(zeros) > 1 and zeros.count(0) > len(zeros) // 2:
            return _recoded(data, encoding, where), ()
    if 0 in start:
        raise InputError("no table: it holds binary data", where=where, fix="name a CSV, an .xlsx or a Parquet file")
    if data.isascii():
        return data, ()
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        note = "not UTF-8: read as Windows-1252; dataset.table: {encoding: ...} names another"
        return _recoded(data, "cp1252", where), (f"{where}: {note}",)
    return data, ()


def _recoded(data: bytes, encoding: str, where: str) -> bytes:
    try:
        return data.decode(encoding).encode("utf-8")
    except LookupError as error:
        raise InputError(f"no encoding is called '{encoding}'", where=where, fix=_FORCE) from error
    except UnicodeError as error:
        raise InputError(f"its bytes are no {encoding}: {error}", where=where, why="letters would be lost", fix=_FORCE) from error


def _separator(text: bytes, where: str) -> str:
    """The separator that the header has, and that gives the next rows as many cells."""
    sample = text[:65_536].decode("utf-8", "replace")
    lines = [line for line in sample.splitlines()[:50] if line.strip()] or [""]
    rows = {mark: list(csv.reader(lines, delimiter=mark)) for mark in _SEPARATORS}
    likely = {mark: sum(len(row) == len(parsed[0]) for row in parsed) for mark, parsed in rows.items() if len(parsed[0]) > 1}
    best = [mark for mark, fitting in likely.items() if fitting == max(likely.values())]
    if len(best) > 1:
        raise InputError(f"cells may be separated by {' or by '.join(_NAMES[mark] for mark in best)}", where=f"{where}:1",
                         why="both fit its first lines", fix="set dataset.table: {separator: ';'}")
    return best[0] if best else ","


def _header(text: bytes, separator: str, where: str) -> tuple[list[str], int]:
    """The first record that is not blank, and how many lines it and what stands before it take."""
    reader = csv.reader(io.StringIO(text[:MAX_CELL_BYTES].decode("utf-8", "replace"), newline=""), delimiter=separator)
    try:
        header = next((row for row in reader if any(cell.strip() for cell in row)), None)
    except csv.Error as error:
        raise InputError(f"its header cannot be read: {error}", where=f"{where}:1", fix="check the quotes") from error
    if header is None:
        raise InputError("the table is empty", where=where, fix="the first line names the columns")
    if len(header) > MAX_COLUMNS:
        raise InputError(f"{len(header):,} columns", where=f"{where}:1", why=f"{MAX_COLUMNS:,} is the limit",
                         fix="keep the columns that are needed")
    return header, reader.line_num
