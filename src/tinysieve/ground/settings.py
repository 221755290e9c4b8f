"""Types of settings that several floors share: shares, sizes with a unit, paths with variables."""

from __future__ import annotations

import os
import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")
_LONGEST_NAME, _LONGEST_PATH = 255, 4095
_UNITS = {"B": 1, "kB": 1000, "MB": 1000**2, "GB": 1000**3, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}


def parse_bytes(value: object) -> object:
    """A size with unit -> bytes; other values pass unchanged and are judged by pydantic.

    >>> parse_bytes("320KiB")
    327680
    """
    match = re.fullmatch(r"\s*(\d+\.?\d*|\.\d+)\s*(\w+)\s*", value) if isinstance(value, str) else None
    return round(Decimal(match[1]) * _UNITS[match[2]]) if match and match[2] in _UNITS else value


def _size(value: object) -> object:
    size = parse_bytes(value)
    if isinstance(size, str) and not size.strip().isdecimal():
        raise ValueError(f"a size is a number with one of the units {', '.join(_UNITS)}, or a whole number of bytes")
    return size


def expand_path(value: object) -> object:
    """`${NAME}` and `${NAME:-default}` in a path -> the environment variable or the default; a leading `~` -> the home folder."""
    if not isinstance(value, str):
        return value
    path = _VARIABLE.sub(_variable, value)
    if re.search(r"\$[A-Za-z_{(]", _VARIABLE.sub("", value)):
        raise ValueError("write a variable as ${NAME}, or as ${NAME:-default}")
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in path):
        raise ValueError("a path with a control character")
    if any(len(os.fsencode(part)) > _LONGEST_NAME for part in path.split("/")) or len(os.fsencode(path)) > _LONGEST_PATH:
        raise ValueError("a path that no file system takes: it is too long")
    expanded = os.path.expanduser(path)
    if path.startswith("~") and expanded == path:
        raise ValueError(f"no home folder for '{path.split('/')[0]}'")
    return expanded


def _variable(match: re.Match[str]) -> str:
    value = os.environ.get(match[1]) or match[2]
    if value is None:
        raise ValueError(f"the variable {match[1]} is not set; set it, or write ${{{match[1]}:-default}}")
    return value


Bytes = Annotated[int, BeforeValidator(_size), Field(gt=0)]
FilePath = Annotated[Path, BeforeValidator(expand_path)]
Share = Annotated[float, Field(ge=0, le=1)]
