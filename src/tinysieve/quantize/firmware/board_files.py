"""Where boards are written down: the file that comes along, and a user's own beside it."""

from __future__ import annotations

from collections import Counter
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from tinysieve.ground.errors import InputError
from tinysieve.quantize.firmware.boards import Board

SHIPPED = "configs/boards.yaml"
LARGEST_FILE_BYTES = 2**20


@cache
def shipped_boards() -> dict[str, Board]:
    """The boards of ``configs/boards.yaml`` by name."""
    return _boards((files("tinysieve.configs") / "boards.yaml").read_text(encoding="utf-8"), SHIPPED)


def load_boards(own: Path | None = None) -> dict[str, Board]:
    """The boards that come along and those of a file of the same layout, by name.

    Raises:
        InputError: the file cannot be read, a key is missing, unknown, given twice or has a wrong value, or a name is taken.
    """
    shipped = shipped_boards()
    if own is None:
        return dict(shipped)
    added = _boards(_text(own), str(own))
    lower = {name.lower() for name in shipped}
    if taken := [name for name in added if name.lower() in lower]:
        raise InputError(f"board {taken[0]} comes with tinysieve already", where=str(own),
                         why="two boards of one name could not be told apart", fix="give yours another name")
    return {**shipped, **added}


def _text(path: Path) -> str:
    try:
        if not path.is_file():
            raise InputError("it is not a file", where=str(path), fix="give a YAML file with the layout of configs/boards.yaml")
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise InputError(f"{path.stat().st_size:,} bytes are more than a list of boards has", where=str(path),
                             fix="give a YAML file with the layout of configs/boards.yaml")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"it cannot be read: {error}", where=str(path), fix="give a UTF-8 text file") from error


def _boards(text: str, where: str) -> dict[str, Board]:
    try:
        node = yaml.compose(text, yaml.SafeLoader)
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"not YAML: {error}", where=where, fix="correct that line") from error
    if not isinstance(content, dict) or set(content) != {"boards"} or not isinstance(content["boards"], dict):
        raise InputError("there is no list of boards", where=where, fix="begin with `boards:` and indent each board below it")
    if twice := _given_twice(node):
        raise InputError(f"{twice!r} is given twice", where=where, why="only the last would count", fix="take one of them out")
    return {name: _board(name, entry, where) for name, entry in content["boards"].items()}


def _given_twice(node: Any, depth: int = 3) -> str:
    """The first key that occurs twice in a mapping: the file's, a board's or its latency's."""
    if not isinstance(node, yaml.MappingNode) or not depth:
        return ""
    counts = Counter(str(key.value) for key, _ in node.value)
    here = [key for key, count in counts.items() if count > 1]
    return here[0] if here else next(filter(None, (_given_twice(value, depth - 1) for _, value in node.value)), "")


def _board(name: object, entry: object, where: str) -> Board:
    if not isinstance(name, str) or not name.isprintable() or not isinstance(entry, dict):
        raise InputError(f"board {name!r:.60} is no name with keys below it", where=where,
                         fix="write the name, a colon, and its keys indented below; quote a name that is a number")
    try:
        return TypeAdapter(Board).validate_python({**entry, "name": name})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise InputError(f"board {name}: {key + ': ' if key else ''}{first['msg']}", where=where,
                         fix="give every key as configs/boards.yaml does") from error
