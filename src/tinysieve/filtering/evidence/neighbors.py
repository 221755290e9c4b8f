"""Which images look most alike: the table of neighbours, and exact search for them in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.samples import Mask
from tinysieve.ground.errors import InputError
from tinysieve.ground.progress import Progress

FloatArray = NDArray[np.float32]
RowArray = NDArray[np.int32]

NOBODY = -1
BLOCK = 4096
# Similarities that differ by less are ties: products of blocks of other shapes differ in the last bits of float32.
_GRID = np.float32(2**-19)


@dataclass(frozen=True, eq=False)
class Neighbors:
    """The nearest other rows of every row, nearest first; ties go to the lower row.

    Args:
        rows: int32 [N, k], NOBODY at the end where fewer than k are left.
        similarity: float32 [N, k], cosine in [-1, 1], falling; -1 beside NOBODY.
    """

    rows: RowArray
    similarity: FloatArray

    def among(self, wanted: Mask, groups: NDArray[np.integer] | None = None) -> Neighbors:
        """Only the neighbours that are wanted, in the same order.

        Args:
            wanted: bool [N], rows that count (such as those with a trusted label).
            groups: int [N], near-duplicate groups; who is of the row's own group does not count, for it is the row again.
        """
        keep = (self.rows != NOBODY) & wanted[self.rows]
        if groups is not None:
            keep &= groups[self.rows] != groups[:, np.newaxis]
        order = np.argsort(~keep, axis=1, kind="stable")
        kept = np.take_along_axis(keep, order, axis=1)
        rows = np.where(kept, np.take_along_axis(self.rows, order, axis=1), np.int32(NOBODY))
        return Neighbors(rows, np.where(kept, np.take_along_axis(self.similarity, order, axis=1), np.float32(-1)))


@dataclass(frozen=True, eq=False)
class Directions:
    """Features as directions from their mean: signed square root, mean taken away, length 1; made block by block.

    On VOC 2007 with planted errors, neighbours found so vote better than those by plain cosine.

    Args:
        features: float [N, D], may be a memory map.
        mean: float32 [D], of the rooted features.
    """

    features: NDArray[np.floating]
    mean: FloatArray

    @classmethod
    def of(cls, features: NDArray[np.floating]) -> Directions:
        """Of all rows.

        Raises:
            InputError: not a matrix, or a value that is not finite (its row is named).
        """
        if features.ndim != 2 or 0 in features.shape:
            raise InputError(f"features {list(features.shape)}, expected [N, D]", fix="make one row an image")
        total = np.zeros(features.shape[1])
        for start in range(0, len(features), BLOCK):
            rooted = _rooted(features[start : start + BLOCK])
            bad = ~np.isfinite(rooted).all(axis=1)
            if bad.any():
                raise InputError(f"row {start + int(bad.argmax())} of the features is not finite",
                                 why="it is as far from everything as from nothing", fix="make the features again")
            total += rooted.sum(axis=0, dtype=np.float64)
        return cls(features, (total / len(features)).astype(np.float32))

    def __len__(self) -> int:
        return len(self.features)

    def take(self, rows: slice | NDArray[np.integer]) -> FloatArray:
        """float32 [n, D] of length 1; a row that is the mean itself stays 0 and is like nothing."""
        centred = _rooted(self.features[rows]) - self.mean
        length = np.linalg.norm(centred, axis=1, keepdims=True)
        return np.divide(centred, length, out=np.zeros_like(centred), where=length > 1e-6)


def exact_neighbors(directions: Directions, queries: NDArray[np.integer], k: int, progress: Progress) -> Neighbors:
    """Compare the queried rows with every row, block by block; time grows with rows times queries, memory does not.

    Args:
        directions: of N rows.
        queries: int [Q], rows to find the neighbours of.
        k: 1..N-1.
        progress: told (done, total) queries.

    Returns:
        Neighbors of the Q rows.
    """
    rows, similarity = np.empty((len(queries), k), np.int32), np.empty((len(queries), k), np.float32)
    for start in range(0, len(queries), BLOCK):
        some = slice(start, start + BLOCK)
        rows[some], similarity[some] = _search(directions, queries[some], k)
        progress(min(start + BLOCK, len(queries)), len(queries))
    return Neighbors(rows, similarity)


def _search(directions: Directions, queries: NDArray[np.integer], k: int) -> tuple[RowArray, FloatArray]:
    asked = directions.take(queries)
    best = _Best(np.full((len(queries), k), len(directions), np.int64), np.full((len(queries), k), -np.inf, np.float32))
    waiting: list[tuple[NDArray[np.int64], NDArray[np.int64], FloatArray]] = []
    for first, block in _blocks(directions):
        similarity = asked @ block.T
        inside = (queries >= first) & (queries < first + len(block))
        similarity[inside, queries[inside] - first] = -np.inf
        floor = best.similarity[:, -1:]
        if first == 0 and len(block) > k:
            floor = np.partition(similarity, len(block) - k, axis=1)[:, [len(block) - k]]
        near, column = np.nonzero(similarity >= np.maximum(floor - _GRID, np.float32(-2)))
        waiting.append((near, column + first, np.rint(similarity[near, column] / _GRID) * _GRID))
        # The floor rises with each merge; merging whenever the waiting outnumber the best keeps both few.
        if first == 0 or sum(len(part[0]) for part in waiting) >= best.rows.size:
            best, waiting = best.merged(waiting), []
    best = best.merged(waiting)
    return best.rows.astype(np.int32), np.clip(best.similarity, -1, 1)


@dataclass(frozen=True, eq=False)
class _Best:
    rows: NDArray[np.int64]
    similarity: FloatArray

    def merged(self, waiting: list[tuple[NDArray[np.int64], NDArray[np.int64], FloatArray]]) -> _Best:
        """The k best of these and of (query, row, similarity) triples."""
        count, k = self.rows.shape
        query = np.concatenate([np.repeat(np.arange(count), k), *(part[0] for part in waiting)])
        row = np.concatenate([self.rows.ravel(), *(part[1] for part in waiting)])
        similarity = np.concatenate([self.similarity.ravel(), *(part[2] for part in waiting)])
        order = np.lexsort((row, -similarity, query))
        starts = np.searchsorted(query[order], np.arange(count))
        chosen = order[starts[:, np.newaxis] + np.arange(k)]
        return _Best(row[chosen], similarity[chosen])


def _blocks(directions: Directions) -> Iterator[tuple[int, FloatArray]]:
    for start in range(0, len(directions), BLOCK):
        yield start, directions.take(slice(start, start + BLOCK))


def _rooted(features: NDArray[np.floating]) -> FloatArray:
    values = np.asarray(features, np.float32)
    # The signed square root tames the few large features, as in `out_of_fold`.
    return np.asarray(np.sign(values) * np.sqrt(np.abs(values)), np.float32)
