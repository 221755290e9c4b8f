"""Which input rows a stripe of output rows needs: the arithmetic of kernels, strides and borders, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Rows:
    """Rows ``first`` (inclusive) to ``last`` (exclusive) of a tensor."""

    first: int
    last: int

    @property
    def count(self) -> int:
        """How many rows; never negative."""
        return max(0, self.last - self.first)

    def union(self, other: Rows) -> Rows:
        """The smallest range that holds both.

        >>> Rows(2, 5).union(Rows(4, 9))
        Rows(first=2, last=9)
        """
        return Rows(min(self.first, other.first), max(self.last, other.last))


@dataclass(frozen=True)
class Window:
    """How an operator's output rows follow from its input rows.

    Output row ``o`` reads the input rows ``o * stride - before`` up to ``kernel`` rows on; rows outside the input are
    padding. ``kernel`` is the extent with dilation, ``before`` the padding above row 0.
    """

    kernel: int = 1
    stride: int = 1
    before: int = 0


def needed_rows(window: Window, wanted: Rows, height: int) -> tuple[Rows, int, int]:
    """Input rows behind ``wanted`` output rows, and the padding rows above and below them.

    A 3-row kernel at stride 2 with one row of padding above, on 8 rows: output rows 2 and 3 read rows 3 to 7; rows 0
    and 1 read one row of padding and rows 0 to 3.

    >>> needed_rows(Window(3, 2, 1), Rows(2, 4), 8)
    (Rows(first=3, last=8), 0, 0)
    >>> needed_rows(Window(3, 2, 1), Rows(0, 2), 8)
    (Rows(first=0, last=4), 1, 0)
    """
    start = wanted.first * window.stride - window.before
    stop = (wanted.last - 1) * window.stride - window.before + window.kernel
    return Rows(max(start, 0), min(stop, height)), max(-start, 0), max(stop - height, 0)


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Padding before and after that TensorFlow's SAME gives along one axis; the odd one goes after.

    >>> same_padding(144, 3, 2), same_padding(36, 5, 1)
    ((0, 1), (2, 2))
    """
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def valid_size(padded: int, kernel: int, stride: int) -> int:
    """Output size of a window over an axis without further padding.

    >>> valid_size(146, 3, 2)
    72
    """
    return (padded - kernel) // stride + 1


def even_cuts(height: int, stripes: int) -> tuple[int, ...]:
    """Inner borders of stripes as equal as can be.

    >>> even_cuts(10, 3)
    (3, 7)
    """
    return tuple(round(height * index / stripes) for index in range(1, stripes))
