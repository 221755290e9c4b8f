"""Features in parts of a chunk: made in a reading pass, brought together into one array when all are there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tinysieve.dataset.chunks import Chunk
from tinysieve.dataset.examined_parts import keys_of
from tinysieve.dataset.images import Pixels
from tinysieve.dataset.reading import KeyedParts, PartWriter, Seen
from tinysieve.dataset.samples import SampleTable
from tinysieve.filtering.evidence.backbones.lite0_backbone import shrink
from tinysieve.filtering.evidence.embeddings import Backbone, HalfArray, finite
from tinysieve.ground.array_file import create_array
from tinysieve.ground.atomic_files import replacing

# Images that a backbone gets at once.
BATCH = 256


@dataclass(frozen=True)
class EmbeddingParts(KeyedParts):
    """Features float16 [n, D] of the images that can be decoded; an image is called by its key.

    Args:
        folder: of the parts.
        backbone: opens it with so many threads; pickles.
    """

    backbone: Callable[[int], Backbone]
    suffix = ".npz"

    def is_of(self, chunk: Chunk, keys: Sequence[str]) -> bool:
        return self.is_done(chunk) and self.read(chunk)[0].astype(str).tolist() == list(keys)

    def read(self, chunk: Chunk) -> tuple[NDArray[np.bytes_], HalfArray]:
        """Keys and features of one chunk."""
        with np.load(self.path(chunk), allow_pickle=False) as stored:
            return stored["keys"], stored["features"]

    def open(self, threads: int) -> PartWriter:
        return _Embedding(self, self.backbone(threads))


class _Embedding(PartWriter):
    def __init__(self, parts: EmbeddingParts, backbone: Backbone) -> None:
        self._parts, self._backbone = parts, backbone
        self.begin()

    def begin(self) -> None:
        self._keys: list[str] = []
        self._waiting: list[Pixels] = []
        self._features: list[HalfArray] = []

    def prepare(self, image: Seen) -> tuple[str, Pixels] | None:
        return None if image.pixels is None else (image.key, shrink(image.pixels, self._backbone.side))

    def take(self, prepared: Sequence[tuple[str, Pixels] | None]) -> None:
        for image in prepared:
            if image is not None:
                self._keys.append(image[0])
                self._waiting.append(image[1])
                if len(self._waiting) == BATCH:
                    self._embed()

    def write(self, chunk: Chunk) -> None:
        self._embed()
        features = np.concatenate([np.zeros((0, self._backbone.dim), np.float16), *self._features])
        with replacing(self._parts.path(chunk)) as temporary, temporary.open("wb") as file:
            np.savez(file, keys=np.array(self._keys, "S"), features=features)

    def _embed(self) -> None:
        if self._waiting:
            batch = f"{self._keys[-len(self._waiting)]} .. {self._keys[-1]}"
            made = finite(self._backbone.embed(np.stack(self._waiting)).astype(np.float16), batch)
            self._features.append(made.astype(np.float16, copy=False))
            self._waiting = []


def gather(parts: EmbeddingParts, chunks: Sequence[Chunk], samples: SampleTable, target: Path) -> None:
    """Write the features of all samples, in the order of the table, as one `.npy` file float16 [N, D]."""
    keys = keys_of(samples)
    order = np.argsort(samples.numbers("pixel_row"), kind="stable")
    placed = samples.numbers("pixel_row")[order]
    array = create_array(target, np.float16, (len(samples), parts.read(chunks[0])[1].shape[1]))
    for chunk in chunks:
        rows = order[np.searchsorted(placed, chunk.start) : np.searchsorted(placed, chunk.stop)]
        made, features = parts.read(chunk)
        where = pc.index_in(keys.take(pa.array(rows)), value_set=pa.array(made.astype(str)))
        array[rows] = features[where.to_numpy(zero_copy_only=False).astype(np.int64)]
    array.flush()
