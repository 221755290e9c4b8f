"""The target of `Model.fit` from what a person writes: sizes with a unit, a share as a number or in percent."""

from __future__ import annotations

from tinysieve.ground.errors import InputError
from tinysieve.ground.settings import parse_bytes
from tinysieve.quantize.passes.fit_model import Target


def fit_target(ram: str | int, flash: str | int, max_extra_macs: str | float) -> Target:
    """The target.

    >>> fit_target("320KiB", 1048576, "6%").ram_bytes
    327680

    Raises:
        InputError: not a size or not a share; names the argument.
    """
    return Target(_size("ram", ram), _size("flash", flash), _share("max_extra_macs", max_extra_macs))


def _size(name: str, given: str | int) -> int:
    value = parse_bytes(given)
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise InputError(f"{name}={given!r} is not a size", fix='write "320KiB", "1MiB" or a number of bytes')
    return value


def _share(name: str, given: str | float) -> float:
    text = str(given).strip()
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise InputError(f"{name}={given!r} is not a share", fix='write "6%" or 0.06')
    return value
