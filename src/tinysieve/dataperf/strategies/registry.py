"""The strategies by name, and their settings from text."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Protocol

import numpy as np

from tinysieve.dataperf.strategies.farthest_point import FarthestPoint
from tinysieve.dataperf.strategies.n_closest import NClosest
from tinysieve.dataperf.strategies.pool import Pool
from tinysieve.dataperf.strategies.pseudo_positives import PseudoPositives
from tinysieve.dataperf.strategies.random_rows import RandomRows
from tinysieve.dataperf.strategies.uncertainty import Uncertainty
from tinysieve.dataperf.train_set import TrainSet
from tinysieve.ground.errors import InputError


class Strategy(Protocol):
    """A way to choose; its fields are its settings."""

    def choose(self, pool: Pool, rng: np.random.Generator) -> TrainSet:
        """Pick a train set from the pool."""
        ...


STRATEGIES: dict[str, type[Strategy]] = {
    "random": RandomRows, "n_closest": NClosest, "farthest_point": FarthestPoint, "uncertainty": Uncertainty,
    "pseudo_positives": PseudoPositives,
}
_HIGHEST = 1_000_000


def make_strategy(name: str, settings: Mapping[str, str | int | float]) -> Strategy:
    """The strategy of a name with some settings changed.

    Args:
        name: key of STRATEGIES.
        settings: field -> positive number, as a number or its text.

    Raises:
        InputError: another name, another setting, or a value that is no positive number.

    >>> make_strategy("n_closest", {"n_random": "100"})
    NClosest(n_random=100, n_closest=50)
    """
    kind = STRATEGIES[_known("strategy", name, list(STRATEGIES))]
    defaults: dict[str, Any] = {field.name: field.default for field in fields(kind)}  # type: ignore[arg-type]
    for key in settings:
        _known(f"setting of {name}", key, list(defaults))
    return kind(**{key: _number(key, value, type(defaults[key])) for key, value in settings.items()})


def _known(what: str, name: str, names: list[str]) -> str:
    if name in names:
        return name
    near = difflib.get_close_matches(name, names, 1)
    raise InputError(f"{name!r} is not a known {what}" + (f" (did you mean {near[0]!r}?)" if near else ""),
                     fix="use one of " + ", ".join(names))


def _number(key: str, value: str | int | float, kind: type[int] | type[float]) -> int | float:
    try:
        number = kind(value)
    except (ValueError, OverflowError) as error:
        raise InputError(f"{key} is {value!r}", fix="write a positive number") from error
    if kind is float and not 0.5 < number < 1:
        raise InputError(f"{key} is {value!r}", fix="write a number above 0.5 and below 1")
    if not 0 < number <= _HIGHEST:
        raise InputError(f"{key} is {value!r}", fix=f"write a number from 1 to {_HIGHEST:,}")
    return number
