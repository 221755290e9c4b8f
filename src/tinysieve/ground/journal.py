"""A file that lines are only appended to. A last line torn by a crash is cut off and said; all other damage is an error.

Each line is a JSON object that carries a checksum of the others of its values, so that a changed letter is noticed.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

from tinysieve.ground.atomic_files import sync
from tinysieve.ground.errors import InputError
from tinysieve.ground.json_text import parse_json

Entry = dict[str, str]
_SUM = "sum"


def cut_torn_line(path: Path) -> str:
    """Cut off what follows the last line break, say so on standard error, and return it; "" where the file ends as it should."""
    data = path.read_bytes() if path.exists() else b""
    whole = data.rfind(b"\n") + 1
    if whole == len(data):
        return ""
    os.truncate(path, whole)
    sync(path)
    torn = data[whole:].decode("utf-8", errors="backslashreplace")
    shown = torn[:80].encode("unicode_escape").decode()
    print(f"{path}: the last line was torn by a crash before it was complete, and has been cut off: {shown}", file=sys.stderr)
    return torn


def append(path: Path, entry: Entry) -> None:
    """Add a line and have it on the disk."""
    cut_torn_line(path)
    is_new = not path.exists()
    with path.open("a", encoding="utf-8") as journal:
        journal.write(json.dumps({**entry, _SUM: _checksum(entry)}) + "\n")
        journal.flush()
        os.fsync(journal.fileno())
    if is_new:
        sync(path.parent)


def read_journal(path: Path, fields: tuple[str, ...]) -> list[Entry]:
    """All whole lines; a torn last one is left to the next `append`, which cuts it off.

    Raises:
        InputError: a line is no JSON object of text values with these fields, or does not fit its checksum; names the line.
    """
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    lines = text.split("\n")[:-1]
    return [_entry(line, f"{path}:{number}", fields) for number, line in enumerate(lines, 1)]


def _entry(line: str, where: str, fields: tuple[str, ...]) -> Entry:
    try:
        made = parse_json(line, where)
    except InputError:
        made = None
    is_entry = isinstance(made, dict) and all(isinstance(made.get(name), str) for name in fields)
    if not is_entry or (_SUM in made and made.pop(_SUM) != _checksum(made)) or not set(made) <= set(fields):
        raise InputError("this line of the journal was changed", where=where, why="it no longer says what happened",
                         fix="bring the file back from a copy, or remove the line")
    return made


def _checksum(entry: Entry) -> str:
    return hashlib.blake2b(json.dumps(entry, sort_keys=True).encode(), digest_size=4).hexdigest()
