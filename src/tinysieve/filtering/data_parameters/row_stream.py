"""Shuffled batches of prepared features out of a memory map that may be larger than memory.

A file is read in short runs of neighbouring rows from all over it (a data set sorted by class is the rule, not the exception);
the runs of a buffer are mixed, so that a batch is as good as random and the disk still reads in order.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tinysieve.ground.errors import InputError

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

RUN_ROWS = 64
BUFFER_ROWS = 16_384
# A feature that hardly varies is noise, not a sign: its scale stops here, as a share of the mean deviation.
LEAST_DEVIATION = 1e-3


class RowStream:
    """Features of chosen rows, standardised, as float32.

    Prepared as for the out-of-fold classifier: signed square root, mean 0, deviation 1; then divided by sqrt(D), so that a row
    has length 1 on average and one learning rate fits any backbone.

    Args:
        features: float [N, D], may be a memory map.
        rows: int64 [M], rows to use; batches name them by their place in this list.

    Raises:
        InputError: no rows, or not two-dimensional.
    """

    def __init__(self, features: NDArray[np.floating], rows: IntArray) -> None:
        if features.ndim != 2 or not len(rows):
            raise InputError(f"features {list(features.shape)} with {len(rows)} labelled rows", fix="give labelled samples")
        self._features, self._rows = features, rows
        self.dim = int(features.shape[1])
        self._mean, self._scale = self._measure()

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, places: IntArray) -> FloatArray:
        """Prepared features float32 [B, D] of the places int [B] in the list of rows."""
        made = _rooted(self._features[self._rows[places]])
        made -= self._mean
        made *= self._scale
        return made

    def epoch(
        self, rng: np.random.Generator, batch_size: int, places: IntArray | None = None
    ) -> Iterator[tuple[IntArray, FloatArray]]:
        """Batches (places, features) that visit every place once, in an order drawn from `rng`; the last one may be short."""
        chosen = np.arange(len(self)) if places is None else places
        runs = np.array_split(chosen, range(RUN_ROWS, len(chosen), RUN_ROWS))
        order = rng.permutation(len(runs))
        for start in range(0, len(order), BUFFER_ROWS // RUN_ROWS):
            buffer = np.concatenate([runs[run] for run in order[start : start + BUFFER_ROWS // RUN_ROWS]])
            prepared, mixed = self.take(buffer), rng.permutation(len(buffer))
            for first in range(0, len(buffer), batch_size):
                part = mixed[first : first + batch_size]
                yield buffer[part], prepared[part]

    def _measure(self) -> tuple[FloatArray, FloatArray]:
        total, squares = np.zeros(self.dim), np.zeros(self.dim)
        for start in range(0, len(self._rows), BUFFER_ROWS):
            made = _rooted(self._features[self._rows[start : start + BUFFER_ROWS]])
            total += made.sum(axis=0, dtype=np.float64)
            squares += np.einsum("nd,nd->d", made, made, dtype=np.float64)
        mean = total / len(self._rows)
        deviation = np.sqrt(np.maximum(squares / len(self._rows) - mean**2, 0))
        if not np.isfinite(deviation).all() or not deviation.any():
            raise InputError("features do not vary or are not finite", why="nothing can be learnt from them")
        deviation = np.maximum(deviation, LEAST_DEVIATION * deviation.mean())
        return mean.astype(np.float32), (1 / (deviation * np.sqrt(self.dim))).astype(np.float32)


def _rooted(raw: NDArray[np.floating]) -> FloatArray:
    """Signed square root: it tames the few large features."""
    made = raw.astype(np.float32)
    sign = np.signbit(made)
    np.abs(made, out=made)
    np.sqrt(made, out=made)
    np.negative(made, out=made, where=sign)
    return made
