"""Boards as data: what each has of memory and speed, and where each figure is from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.resources import files
from typing import Any

import yaml

from tinysieve.ground.errors import InputError


@dataclass(frozen=True)
class Latency:
    """``cycles_per_instruction`` of CMSIS-NN code counted on an emulated Cortex-M4; none where there is no basis."""

    cycles_per_instruction: float | None
    basis: str


@dataclass(frozen=True)
class Board:
    """One microcontroller; bytes that a linker can use in one stretch, addresses where they start."""

    name: str
    core: str
    clock_hz: int
    ram_bytes: int
    ram_origin: int
    ram_source: str
    flash_bytes: int
    flash_origin: int
    flash_source: str
    clock_source: str
    emulated: bool
    latency: Latency
    note: str = ""


def load_boards() -> dict[str, Board]:
    """All boards of ``configs/boards.yaml`` by name.

    Raises:
        InputError: a key is missing or unknown.
    """
    found = yaml.safe_load((files("tinysieve.configs") / "boards.yaml").read_text(encoding="utf-8"))
    return {name: _board(name, entry) for name, entry in found["boards"].items()}


def board(name: str) -> Board:
    """The board of that name, in any case.

    Raises:
        InputError: there is none; lists all.
    """
    boards = load_boards()
    by_lower = {one.lower(): one for one in boards}
    if name.lower() not in by_lower:
        raise InputError(f"no board {name!r}", where="configs/boards.yaml", fix=f"give one of {', '.join(boards)}")
    return boards[by_lower[name.lower()]]


def _board(name: str, entry: Mapping[str, Any]) -> Board:
    known = {one.name for one in fields(Board)} - {"name"}
    if unknown := set(entry) - known:
        raise InputError(f"unknown key {sorted(unknown)[0]!r} of board {name}", where="configs/boards.yaml",
                         fix=f"keys are {', '.join(sorted(known))}")
    try:
        return Board(name, **{**entry, "latency": Latency(**entry["latency"])})
    except (TypeError, KeyError) as error:
        raise InputError(f"board {name}: {error}", where="configs/boards.yaml", fix="give every key") from error
