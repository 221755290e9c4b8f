"""Boards as data: what each has of memory and speed, and where each figure is from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Gt, Interval, MinLen
from pydantic import ConfigDict, Strict

from tinysieve.ground.errors import InputError

Words = Annotated[str, Strict(), MinLen(1)]
Positive = Annotated[int, Strict(), Gt(0)]
Address = Annotated[int, Strict(), Interval(ge=0, lt=2**32)]
_KNOWN_KEYS_ONLY = ConfigDict(extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True)
class Latency:
    """``cycles_per_instruction`` of CMSIS-NN code counted on an emulated Cortex-M4; none where there is no basis."""

    __pydantic_config__: ClassVar[ConfigDict] = _KNOWN_KEYS_ONLY

    cycles_per_instruction: Annotated[float, Strict(), Gt(0)] | None
    basis: Words


@dataclass(frozen=True)
class Board:
    """One microcontroller; bytes that a linker can use in one stretch, addresses where they start.

    ``steps`` say how a person gets the C project onto it, with code between backquotes.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _KNOWN_KEYS_ONLY

    name: Words
    core: Words
    clock_hz: Positive
    ram_bytes: Positive
    ram_origin: Address
    ram_source: Words
    flash_bytes: Positive
    flash_origin: Address
    flash_source: Words
    clock_source: Words
    emulated: Annotated[bool, Strict()]
    latency: Latency
    steps: Words
    note: Annotated[str, Strict()] = ""

    def __post_init__(self) -> None:
        """Raises ValueError where flash and RAM overlap, or end beyond 32 bits."""
        regions = sorted([(self.flash_origin, self.flash_bytes), (self.ram_origin, self.ram_bytes)])
        if regions[0][0] + regions[0][1] > regions[1][0]:
            raise ValueError("flash and RAM overlap")
        if regions[1][0] + regions[1][1] > 2**32:
            raise ValueError("flash or RAM ends beyond the last 32-bit address")


def pick_board(name: str, boards: Mapping[str, Board]) -> Board:
    """The board of that name, in any case.

    Raises:
        InputError: there is none; lists all.
    """
    by_lower = {known.lower(): board for known, board in boards.items()}
    if name.lower() not in by_lower:
        raise InputError(f"no board {name!r}", fix=f"give one of {', '.join(boards)}, or add yours with --boards FILE")
    return by_lower[name.lower()]
