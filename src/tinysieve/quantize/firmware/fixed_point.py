"""Real multipliers as an int32 and a power of two, the way TFLM's kernels prepare them, so that generated C rounds alike."""

from __future__ import annotations

import math
from dataclasses import dataclass

_Q31 = 1 << 31


@dataclass(frozen=True)
class FixedPoint:
    """``multiplier * 2**(shift - 31)``; multiplier in [2**30, 2**31) or 0, shift in [-31, 30]."""

    multiplier: int
    shift: int


def fixed_point(real: float) -> FixedPoint:
    """The nearest fixed-point number to ``real`` >= 0, halves rounded away from zero (QuantizeMultiplier of TFLM).

    >>> fixed_point(1.0)
    FixedPoint(multiplier=1073741824, shift=1)
    >>> fixed_point(0.0)
    FixedPoint(multiplier=0, shift=0)
    """
    if real == 0.0:
        return FixedPoint(0, 0)
    fraction, shift = math.frexp(real)
    multiplier = math.floor(fraction * _Q31 + 0.5)
    if multiplier == _Q31:
        multiplier, shift = multiplier // 2, shift + 1
    if shift < -31:
        return FixedPoint(0, 0)
    return FixedPoint(_Q31 - 1, 30) if shift > 30 else FixedPoint(multiplier, shift)
