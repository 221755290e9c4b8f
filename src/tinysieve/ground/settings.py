"""Types of settings that several floors share: shares, sizes with a unit, paths with variables."""

from __future__ import annotations

import os
import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

_UNITS = {"B": 1, "kB": 1000, "MB": 1000**2, "KiB": 1024, "MiB": 1024**2}


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


def _expand(value: object) -> object:
    """`${NAME:-default}` in a path -> the environment variable or the default."""
    if not isinstance(value, str):
        return value
    return re.sub(r"\$\{(\w+)(?::-([^}]*))?\}", lambda m: os.environ.get(m[1]) or m[2] or "", value)


Bytes = Annotated[int, BeforeValidator(_size), Field(gt=0)]
FilePath = Annotated[Path, BeforeValidator(_expand)]
Share = Annotated[float, Field(ge=0, le=1)]
