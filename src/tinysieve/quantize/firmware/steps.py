"""What the generated program does, step by step, before anything has an address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Filter:
    """Weights [out, kh, kw, in] (depthwise [1, kh, kw, out]) and per output channel bias, multiplier and shift."""

    weights: NDArray[np.int8]
    bias: NDArray[np.int32]
    multipliers: NDArray[np.int32]
    shifts: NDArray[np.int8]


@dataclass(frozen=True)
class Raster:
    """A step that writes row y after reading rows from ``y * stride - pad`` on, and never looks back above that."""

    rows: int
    stride: int
    pad: int
    input_row_bytes: int
    output_row_bytes: int

    def first_needed(self, row: int) -> int:
        """First byte of the input that output row ``row`` or a later one reads.

        >>> Raster(rows=36, stride=1, pad=2, input_row_bytes=100, output_row_bytes=100).first_needed(5)
        300
        """
        return max(0, row * self.stride - self.pad) * self.input_row_bytes


@dataclass(frozen=True)
class Step:
    """One call of a kernel.

    ``kernel`` is its C name without prefix, ``parameters`` the fields of its struct, ``raster`` says how an input that
    dies here may share memory with the output (None: the step may look back at all of it). ``in_place``: element i is
    written after element i of the inputs was read, and nothing else is read.
    """

    operator: int
    name: str
    kernel: str
    inputs: tuple[int, ...]
    output: int
    parameters: Mapping[str, int]
    filter: Filter | None = None
    raster: Raster | None = None
    in_place: bool = False
    macs: int = 0
    tables: Mapping[str, NDArray] = field(default_factory=dict)
