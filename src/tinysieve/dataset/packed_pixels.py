"""Packed pixels: what the model sees of every image, uint8 [rows, 144, 144, 3], in parts of a chunk each.

Read like one array: a row, or an array of rows in any order; only the parts that hold these rows are opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.images import MODEL_SIZE, Pixels
from tinysieve.ground.errors import InputError

IMAGE_SHAPE = (MODEL_SIZE, MODEL_SIZE, 3)
IMAGE_BYTES = MODEL_SIZE * MODEL_SIZE * 3


class PixelRows(Protocol):
    """Images by row: an array, or parts of one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """[rows, size, size, 3]."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """uint8."""
        ...

    def __len__(self) -> int:
        """Rows."""
        ...

    def __getitem__(self, rows: Any, /) -> Any:
        """One image, or a copy of several."""
        ...


class PackedPixels:
    """Parts as one array.

    Args:
        paths: of the parts, `.npy` files uint8 [n, 144, 144, 3].
        sizes: images in each.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, paths: Sequence[Path], sizes: Sequence[int]) -> None:
        self._paths, self._ends = tuple(paths), np.cumsum(np.asarray(sizes, np.int64))
        self._starts = self._ends - np.asarray(sizes, np.int64)
        self._opened: dict[int, Pixels] = {}

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    @property
    def shape(self) -> tuple[int, ...]:
        """[rows, 144, 144, 3]."""
        return (len(self), *IMAGE_SHAPE)

    def __getitem__(self, rows: int | np.integer | Sequence[int] | NDArray[np.integer]) -> Pixels:
        """One image uint8 [144, 144, 3], or those of several rows uint8 [n, 144, 144, 3].

        Raises:
            IndexError: there is no such row.
        """
        wanted = np.asarray(rows, np.int64)
        if wanted.size and not 0 <= wanted.min() <= wanted.max() < len(self):
            raise IndexError(f"rows {wanted.min()} to {wanted.max()} of {len(self)}")
        number = np.searchsorted(self._ends, wanted, side="right")
        if not wanted.ndim:
            return self._part(int(number))[int(wanted - self._starts[number])]
        images = np.empty((len(wanted), *IMAGE_SHAPE), np.uint8)
        order = np.argsort(number, kind="stable")
        edges = np.flatnonzero(np.diff(number[order], prepend=-1, append=-1)) if len(wanted) else np.zeros(1, np.int64)
        for begin, end in pairwise(edges.tolist()):
            places = order[begin:end]
            part = int(number[places[0]])
            images[places] = self._part(part)[wanted[places] - self._starts[part]]
        return images

    def _part(self, number: int) -> Pixels:
        if number not in self._opened:
            part = np.load(self._paths[number], mmap_mode="r", allow_pickle=False)
            expected = (int(self._ends[number] - self._starts[number]), *IMAGE_SHAPE)
            if part.shape != expected or part.dtype != np.uint8:
                raise InputError(f"packed pixels are {part.dtype} {list(part.shape)}, expected uint8 {list(expected)}",
                                 where=str(self._paths[number]), fix="run ingest again")
            self._opened[number] = part
        return self._opened[number]
