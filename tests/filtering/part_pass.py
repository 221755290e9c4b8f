"""One reading pass over photos in a folder, as ingest and its stages make one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image

from tinysieve.dataset.chunks import IMAGES_A_CHUNK, PLAN, Chunk, cut, write_plan
from tinysieve.dataset.executors.local import LocalExecutor
from tinysieve.dataset.image_store import content_id
from tinysieve.dataset.reading import KeyedParts, Listed, ReadingPass
from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.stores.folder_store import FolderStore
from tinysieve.ground.progress import Progress, silent


@dataclass(frozen=True)
class PlannedPhotos:
    """Photos of a folder in the order in which they are read, and their chunks.

    Args:
        folder: that they lie in.
        names: of the photos that are read.
        work: folder of the plan, and for parts.
        chunks: of the plan.
    """

    folder: Path
    names: tuple[str, ...]
    work: Path
    chunks: tuple[Chunk, ...]

    @classmethod
    def of(cls, folder: Path, names: Sequence[str], work: Path, images_a_chunk: int = IMAGES_A_CHUNK) -> PlannedPhotos:
        """Plan them."""
        work.mkdir(parents=True, exist_ok=True)
        shards = np.zeros(len(names), np.int32)
        chunks = cut(shards, images_a_chunk)
        write_plan(work / PLAN, pa.array(list(names), pa.string()), shards, chunks)
        return cls(folder, tuple(names), work, chunks)

    def make(self, parts: KeyedParts, progress: Progress = silent) -> None:
        """Make the parts that are missing, with the local executor."""
        reading = ReadingPass(FolderStore(self.folder), Listed(self.work / PLAN), (parts,))
        LocalExecutor(os.cpu_count() or 1).run(reading, self.chunks, parts.is_done, progress)

    def keys(self, chunk: Chunk) -> list[str]:
        """`Seen.key` of each photo of a chunk."""
        return [f"{self._content(row)}@{row}" for row in range(chunk.start, chunk.stop)]

    def samples(self, rows: Sequence[int]) -> SampleTable:
        """A sample of each of these photos, which must differ; `pixel_row` is the place in the plan."""
        sizes = [self._size(row) for row in rows]
        return SampleTable(pa.table({
            "sample_id": [self._content(row) for row in rows], "filepath": [self.names[row] for row in rows],
            "width": [width for width, _ in sizes], "height": [height for _, height in sizes], "split": ["train"] * len(rows),
            "label": pa.nulls(len(rows), pa.string()), "pixel_row": pa.array(rows, pa.int64())}))

    def _size(self, row: int) -> tuple[int, int]:
        with Image.open(self.folder / self.names[row]) as image:
            return image.size

    def _content(self, row: int) -> str:
        return content_id((self.folder / self.names[row]).read_bytes())
