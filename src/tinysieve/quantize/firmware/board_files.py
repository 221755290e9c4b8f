"""Where boards are written down: the file that comes along, and a user's own beside it."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from tinysieve.ground.errors import InputError
from tinysieve.ground.yaml_text import parse_yaml, read_yaml
from tinysieve.quantize.firmware.boards import Board, board_word

SHIPPED = "configs/boards.yaml"


@cache
def shipped_boards() -> dict[str, Board]:
    """The boards of ``configs/boards.yaml`` by name."""
    text = (files("tinysieve.configs") / "boards.yaml").read_text(encoding="utf-8")
    return _boards(parse_yaml(text, SHIPPED).data, SHIPPED)


def load_boards(own: Path | None = None) -> dict[str, Board]:
    """The boards that come along and those of a file of the same layout, by name.

    Raises:
        InputError: the file cannot be read, a key is missing, unknown, given twice or has a wrong value, or a name is taken.
    """
    shipped = shipped_boards()
    if own is None:
        return dict(shipped)
    added = _boards(_content(own), str(own))
    lower = {board_word(name) for name in shipped}
    if taken := [name for name in added if board_word(name) in lower]:
        raise InputError(f"board {taken[0]} comes with tinysieve already", where=str(own),
                         why="two boards of one name could not be told apart", fix="give yours another name")
    return {**shipped, **added}


def _content(path: Path) -> Any:
    try:
        return read_yaml(path).data
    except OSError as error:
        raise InputError(f"it cannot be read: {error}", where=str(path),
                         fix="give a YAML file with the layout of configs/boards.yaml") from error


def _boards(content: Any, where: str) -> dict[str, Board]:
    if not isinstance(content, dict) or set(content) != {"boards"} or not isinstance(content["boards"], dict):
        raise InputError("there is no list of boards", where=where, fix="begin with `boards:` and indent each board below it")
    return {name: _board(name, entry, where) for name, entry in content["boards"].items()}


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
