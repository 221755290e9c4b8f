"""Multipliers as TFLM prepares them."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from tinysieve.quantize.firmware.fixed_point import fixed_point


@given(st.floats(1e-9, 1e6, allow_nan=False))
def test_is_the_nearest_with_31_bits(real: float) -> None:
    found = fixed_point(real)
    assert 2**30 <= found.multiplier < 2**31
    # Half a unit in the last place of a 31-bit fraction.
    assert abs(math.ldexp(found.multiplier, found.shift - 31) - real) <= math.ldexp(0.5, found.shift - 31)


@given(st.integers(-30, 29))
def test_powers_of_two_are_exact(exponent: int) -> None:
    found = fixed_point(2.0**exponent)
    assert (found.multiplier, found.shift) == (2**30, exponent + 1)


def test_a_fraction_that_rounds_up_to_one_moves_into_the_shift() -> None:
    assert fixed_point(1.0 - 2.0**-40) == fixed_point(1.0)


def test_what_is_too_small_is_nothing() -> None:
    """Below 2**-32 every 32-bit accumulator would be scaled to 0."""
    assert fixed_point(2.0**-33).multiplier == 0
