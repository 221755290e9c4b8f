"""Features of every image as one float16 array on disk, and the backbone that makes them.

The rows are those of the sample table. Whoever has better features gives them as a file instead.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.images import Pixels
from tinysieve.ground.errors import InputError

HalfArray = NDArray[np.float16]

ARRAY = "embeddings.npy"


class Backbone(Protocol):
    """What turns images into features.

    Attributes:
        name: for people.
        fingerprint: changes whenever the features would.
        dim: features an image.
        side: pixels of the square that `embed` takes.
    """

    name: str
    fingerprint: str
    dim: int
    side: int

    def embed(self, images: Pixels) -> NDArray[np.float32]:
        """Features float32 [n, dim] of images uint8 [n, side, side, 3]."""
        ...


def read_embeddings(path: Path, count: int) -> HalfArray:
    """Open features from a file: ours, or the user's own in the same row order.

    Args:
        path: a `.npy` file, float16, float32 or float64 [N, D].
        count: N, the rows of the sample table.

    Returns:
        [N, D] as stored, a read-only memory map.

    Raises:
        InputError: no such file, another shape or type, or a value that is not finite (its row is named).
    """
    try:
        rows = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"cannot read features: {error}", where=str(path), fix="give a .npy file") from error
    if rows.ndim != 2 or rows.shape[0] != count or rows.shape[1] == 0 or rows.dtype.kind != "f":
        raise InputError(
            f"features are {rows.dtype} {list(rows.shape)}, expected float [{count}, D]", where=str(path),
            why="each row belongs to the image in the same row of the sample table",
            fix="make one row an image, in the order of the sample table",
        )  # fmt: skip
    for start in range(0, count, 65_536):
        finite(rows[start : start + 65_536], str(path), start)
    return rows


def finite(rows: NDArray[np.floating], where: str, offset: int = 0) -> NDArray[np.floating]:
    """The rows float [n, D] as they are.

    Args:
        rows: features.
        where: for the error.
        offset: number of the first.

    Raises:
        InputError: a value is not a finite number.
    """
    bad = ~np.isfinite(rows).all(axis=1)
    if bad.any():
        raise InputError(f"row {offset + int(bad.argmax())} of the features is not finite", where=where)
    return rows
