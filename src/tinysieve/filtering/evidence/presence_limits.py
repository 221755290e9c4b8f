"""When boxes are sure enough for a vote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict

from tinysieve.ground.errors import InputError


@dataclass(frozen=True)
class PresenceLimits:
    """When presence evidence is worth a vote.

    Args:
        positive: a counting box at or above this confidence votes for the positive class.
        negative: no box at or above this confidence votes for the negative class; between the two there is no vote.

    Raises:
        InputError: not 0 <= negative <= positive <= 1.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    positive: float = 0.5
    negative: float = 0.25

    def __post_init__(self) -> None:
        if not 0 <= self.negative <= self.positive <= 1:
            raise InputError(f"limits negative {self.negative} and positive {self.positive} must be ordered in [0, 1]",
                             fix="set filter.boxes")
