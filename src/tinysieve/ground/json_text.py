"""JSON from a file that anyone may have edited: bounded in size and nesting, and every fault an error that names the file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tinysieve.ground.errors import InputError
from tinysieve.ground.escaping import one_line

LARGEST_BYTES = 256 * 1024**2


def read_json(path: Path, largest_bytes: int = LARGEST_BYTES) -> Any:
    """What a JSON file holds.

    Raises:
        InputError: not there, no file, larger than `largest_bytes`, not JSON, or nested deeper than Python reads.
    """
    if not path.is_file():
        raise InputError("there is no such file" if not path.exists() else "it is not a file", where=str(path))
    try:
        if path.stat().st_size > largest_bytes:
            raise InputError(f"more than {largest_bytes:,} B of JSON", where=str(path), fix="split it into smaller files")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"it cannot be read: {error}", where=str(path)) from error
    return parse_json(text, str(path))


def parse_json(text: str, where: str) -> Any:
    """What a JSON text says.

    Raises:
        InputError: not JSON, nested deeper than Python reads, or an object with the same key twice; names `where`.

    >>> parse_json('{"a": [1]}', "a.json")
    {'a': [1]}
    """
    try:
        return json.loads(text, object_pairs_hook=_object)
    except _KeyTwice as error:
        raise InputError(f"the key '{one_line(error.key)}' stands twice", where=where,
                         why="readers disagree on which of them counts", fix="keep one of them") from error
    except RecursionError as error:
        raise InputError("nested too deeply to be read", where=where, why="only a damaged or hostile file is",
                         fix="make the file again") from error
    except ValueError as error:
        raise InputError(f"not JSON: {error}", where=where, why="it was changed or cut short",
                         fix="make the file again") from error


class _KeyTwice(Exception):
    """Two values of one name in an object."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key[:100]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise _KeyTwice(key)
        seen.add(key)
    raise AssertionError("fewer keys than pairs, and none of them twice")


@contextmanager
def expected_form(where: str, form: str) -> Iterator[None]:
    """While a parsed file of another program is taken apart: what it lacks, or has of another kind, is an error of the file.

    Args:
        form: what it should be, such as "COCO's JSON".

    Raises:
        InputError: a key or a place is missing, or a value is of another type than `form` has there.
    """
    try:
        yield
    except KeyError as error:
        raise InputError(f"no {form}: an entry has no {error}", where=where, fix="export the file again") from error
    except (TypeError, AttributeError, IndexError, ValueError, OverflowError) as error:
        raise InputError(f"no {form}: {str(error)[:200]}", where=where, fix="export the file again") from error


def read_object(path: Path, largest_bytes: int = LARGEST_BYTES) -> dict[str, Any]:
    """A JSON file whose outermost value is an object.

    Raises:
        InputError: see `read_json`; or it holds something else.
    """
    made = read_json(path, largest_bytes)
    if not isinstance(made, dict):
        raise InputError("no JSON object", where=str(path), why="it was changed, or is another kind of file",
                         fix="make the file again")
    return made
