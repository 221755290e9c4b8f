"""A table of log temperatures of which a step touches only the visited entries: it costs the batch, whatever the table's size.

Ordinary SGD with momentum would let every entry coast on at every step, seen or not. Here value, momentum, weight decay and
clamp belong to the visit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from tinysieve.ground.errors import InputError

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class TableSettings:
    """How temperatures move. The published values; Saxena et al. 2019.

    Args:
        init: sigma of an entry before its first visit.
        learning_rate: of log sigma, on the gradient of the batch's *mean* loss; a sample feels learning_rate / batch size.
        weight_decay: pulls log sigma to 0: the loss gains weight_decay / 2 times the batch's *sum* of squares.
        momentum: in [0, 1).
        lowest, highest: sigma is clamped to this range; 0 and infinity do not clamp.

    Raises:
        InputError: a value is out of range.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    init: Annotated[float, Field(gt=0)] = 1.0
    learning_rate: Annotated[float, Field(ge=0)] = 0.2
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    lowest: Annotated[float, Field(ge=0)] = 1 / 20
    highest: Annotated[float, Field(gt=0)] = 20.0

    def __post_init__(self) -> None:
        if not (self.init > 0 and self.learning_rate >= 0 and self.weight_decay >= 0 and 0 <= self.momentum < 1):
            raise InputError(f"{self} is out of range", fix="init above 0, rates not negative, momentum in [0, 1)")
        if not 0 <= self.lowest < self.highest:
            raise InputError(f"temperatures cannot lie between {self.lowest} and {self.highest}", fix="lowest under highest")


@dataclass(eq=False)
class TemperatureTable:
    """Log temperatures and their momentum; they move in place.

    Args:
        settings: how they move.
        log_sigma: float32 [n].
        velocity: float32 [n].
    """

    settings: TableSettings
    log_sigma: FloatArray
    velocity: FloatArray

    @staticmethod
    def start(count: int, settings: TableSettings) -> TemperatureTable:
        """All entries at `init`, brought into the clamp's range (published code does that after the first step)."""
        sigma = np.clip(settings.init, settings.lowest, settings.highest)
        return TemperatureTable(settings, np.full(count, np.log(sigma), np.float32), np.zeros(count, np.float32))

    def sigma(self, entries: NDArray[np.integer]) -> FloatArray:
        """Temperatures float32 [B] of the entries int [B]."""
        return np.exp(self.log_sigma[entries])

    def step(self, entries: NDArray[np.integer], gradient: NDArray[np.floating]) -> None:
        """Move the entries that were visited.

        Args:
            entries: int [B]; an entry that stands twice was visited twice and moves once, by the sum.
            gradient: float [B], of the batch's mean loss with respect to log sigma at each visit.
        """
        pull = gradient + self.settings.weight_decay * self.log_sigma[entries]
        visited, place = np.unique(entries, return_inverse=True)
        summed = np.bincount(place, pull, len(visited))
        velocity = self.settings.momentum * self.velocity[visited] + summed
        moved = self.log_sigma[visited] - self.settings.learning_rate * velocity
        self.velocity[visited] = velocity
        with np.errstate(divide="ignore"):
            self.log_sigma[visited] = np.clip(moved, np.log(self.settings.lowest), np.log(self.settings.highest))
