"""Golden vectors: inputs that a board makes for itself from a formula, so that only their outputs take flash."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

KINDS = 8  # noise, smooth, noise, smooth, noise, smooth, all lowest, all highest; then again with other numbers


def golden_inputs(shape: tuple[int, ...], dtype: str, count: int) -> NDArray:
    """Input codes [count, *shape[1:]] of an 8-bit type; vector n is the same on every machine (``ts_golden.c``).

    Noise is a hash of n and the position; a smooth picture is a triangle wave over the sum of its coordinates.

    >>> golden_inputs((1, 1, 2, 3), "uint8", 8)[[0, 1, 7], 0].tolist()
    [[[0, 192, 129], [221, 209, 62]], [[31, 68, 105], [41, 78, 115]], [[255, 255, 255], [255, 255, 255]]]
    """
    positions = np.arange(int(np.prod(shape[1:])), dtype=np.uint32)
    columns, channels = grid(shape)
    codes = np.stack([_vector(n, positions, columns, channels) for n in range(count)]).reshape(count, *shape[1:])
    return codes if dtype == "uint8" else (codes ^ 0x80).view(np.int8)


def grid(shape: tuple[int, ...]) -> tuple[int, int]:
    """Columns and channels by which a smooth picture counts its coordinates; (1, 1) for an input without rows.

    >>> grid((1, 96, 90, 3)), grid((1, 640))
    ((90, 3), (1, 1))
    """
    return (shape[-2], shape[-1]) if len(shape) > 2 else (1, 1)


def _vector(n: int, positions: NDArray[np.uint32], columns: int, channels: int) -> NDArray[np.uint8]:
    kind = n % KINDS
    if kind >= KINDS - 2:
        return np.full(len(positions), 0 if kind == KINDS - 2 else 255, np.uint8)
    return _smooth(n, positions, columns, channels) if kind % 2 else _noise(n, positions)


def _noise(n: int, positions: NDArray[np.uint32]) -> NDArray[np.uint8]:
    x = positions + np.uint32(n * 0x9E3779B9 & 0xFFFFFFFF)
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x = (x ^ (x >> np.uint32(shift))) * np.uint32(factor)
    return ((x ^ (x >> np.uint32(16))) & np.uint32(255)).astype(np.uint8)


def _smooth(n: int, positions: NDArray[np.uint32], columns: int, channels: int) -> NDArray[np.uint8]:
    y, x, c = positions // (columns * channels), positions // channels % columns, positions % channels
    wave = y * (n + 2) + x * (2 * n + 8) + c * 37 + n * 31
    return np.where(wave & 256, 511 - (wave & 511), wave & 511).astype(np.uint8)
