"""Chunks: the unit of all work on images. A chunk is a fixed run of images that never crosses a shard.

Chunks are planned from the listing alone, before an image is opened, so every machine plans the same ones. What is made of a
chunk is one part, which is written whole and is finished when it exists: resuming, another executor and equal bytes follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tinysieve.ground.atomic_files import replacing

IMAGES_A_CHUNK = 512
PLAN = "plan.arrow"
_NAME, _SHARD = "filepath", "shard"


@dataclass(frozen=True)
class Chunk:
    """Images `start` to `stop` of the plan's order, all of one shard.

    Args:
        number: from 0, in the order of the plan.
        shard: number of the file of the image store that holds them.
        start, stop: half-open.
    """

    number: int
    shard: int
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def stem(self) -> str:
        """What its part is called, without the ending.

        >>> Chunk(7, 0, 0, 1).stem
        '000007'
        """
        return f"{self.number:06d}"


def cut(shards: NDArray[np.int32], limit: int = IMAGES_A_CHUNK) -> tuple[Chunk, ...]:
    """Chunks of at most `limit` images.

    Args:
        shards: int32 [N], of each image in the order in which they are read; the images of a shard stand together.
        limit: images.

    >>> [(chunk.shard, chunk.start, chunk.stop) for chunk in cut(np.array([0, 0, 0, 2], np.int32), 2)]
    [(0, 0, 2), (0, 2, 3), (2, 3, 4)]
    """
    edges = np.flatnonzero(np.diff(shards, prepend=-1, append=-1)) if len(shards) else np.zeros(1, np.int64)
    runs = [(start, min(start + limit, end)) for begin, end in pairwise(edges.tolist())
            for start in range(begin, end, limit)]
    return tuple(Chunk(number, int(shards[start]), start, stop) for number, (start, stop) in enumerate(runs))


class Plan:
    """The chunks of a listing and the names of their images, in a file that each worker maps into its memory.

    Args:
        path: what `write_plan` wrote.
    """

    def __init__(self, path: Path) -> None:
        self._file = pa.ipc.open_file(pa.memory_map(str(path)))

    @property
    def chunks(self) -> tuple[Chunk, ...]:
        """In order."""
        made: list[Chunk] = []
        start = 0
        for number in range(self._file.num_record_batches):
            batch = self._file.get_batch(number)
            made.append(Chunk(number, batch[_SHARD][0].as_py(), start, start + batch.num_rows))
            start += batch.num_rows
        return tuple(made)

    def names(self, chunk: Chunk) -> pa.Array:
        """string [n], of the images of one chunk."""
        return self._file.get_batch(chunk.number)[_NAME]


def write_plan(path: Path, names: pa.Array, shards: NDArray[np.int32], chunks: Sequence[Chunk]) -> None:
    """Write the plan, a record batch a chunk.

    Args:
        path: of the file.
        names: string [N], in the order in which they are read.
        shards: int32 [N], of each.
        chunks: from `cut`.
    """
    schema = pa.schema([(_NAME, pa.string()), (_SHARD, pa.int32())])
    with replacing(path) as temporary, pa.ipc.new_file(str(temporary), schema) as file:
        for chunk in chunks:
            piece = pa.array(shards[chunk.start : chunk.stop])
            file.write_batch(pa.record_batch([names.slice(chunk.start, len(chunk)), piece], schema=schema))
