"""Parts of ingest: what became of each image of a chunk, and its packed pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tinysieve.dataset.chunks import PLAN, Chunk, Plan
from tinysieve.dataset.image_store import CONTENT_DIGITS
from tinysieve.dataset.images import MODEL_SIZE, Pixels, resize_bilinear
from tinysieve.dataset.packed_pixels import IMAGE_SHAPE
from tinysieve.dataset.reading import Accepted, Parts, PartWriter, Seen
from tinysieve.dataset.samples import SampleTable
from tinysieve.ground.atomic_files import replacing

PIXELS, EXAMINED = "pixels", "examined"


@dataclass(frozen=True, eq=False)
class _Examined:
    sample_id: str
    width: int
    height: int
    reason: str
    pixels: Pixels | None


@dataclass(frozen=True)
class ExaminedParts(Parts):
    """In the folder that ingest fills; the pixels are written first, the table last.

    Args:
        folder: of ingest.
    """

    folder: Path

    def pixels_of(self, chunk: Chunk) -> Path:
        """`.npy`, uint8 [n, 144, 144, 3]; zeros where an image cannot be decoded."""
        return self.folder / PIXELS / f"{chunk.stem}.npy"

    def table_of(self, chunk: Chunk) -> Path:
        """Parquet with sample_id (hash of the bytes), width, height, and reason where an image cannot be decoded."""
        return self.folder / EXAMINED / f"{chunk.stem}.parquet"

    def is_done(self, chunk: Chunk) -> bool:
        return self.table_of(chunk).exists()

    def read(self, chunk: Chunk) -> pa.Table:
        """Of one chunk; a row an image."""
        return pq.read_table(self.table_of(chunk))

    def open(self, threads: int) -> PartWriter:
        return _Packing(self)


class _Packing(PartWriter):
    def __init__(self, parts: ExaminedParts) -> None:
        self._parts = parts
        self._images: list[_Examined] = []

    def begin(self) -> None:
        self._images = []

    def prepare(self, image: Seen) -> _Examined:
        if image.pixels is None:
            return _Examined("", 0, 0, image.reason, None)
        height, width = image.pixels.shape[:2]
        return _Examined(image.content, width, height, "", resize_bilinear(image.pixels, MODEL_SIZE))

    def take(self, prepared: Sequence[_Examined]) -> None:
        self._images += prepared

    def write(self, chunk: Chunk) -> None:
        with replacing(self._parts.pixels_of(chunk)) as temporary, temporary.open("wb") as file:
            blank = np.zeros(IMAGE_SHAPE, np.uint8)
            np.save(file, np.stack([blank if image.pixels is None else image.pixels for image in self._images]))
        columns = {name: pa.array([getattr(image, name) for image in self._images]) for name in ("sample_id", "width", "height")}
        columns["reason"] = pa.array([image.reason or None for image in self._images], pa.string())
        with replacing(self._parts.table_of(chunk)) as temporary:
            pq.write_table(pa.table(columns), temporary)


@dataclass(frozen=True)
class AcceptedByIngest(Accepted):
    """What a finished ingest could decode.

    Args:
        folder: of ingest.
    """

    folder: Path

    def of(self, chunk: Chunk) -> list[tuple[int, str, str]]:
        examined = ExaminedParts(self.folder).read(chunk)
        sound = pc.is_null(examined["reason"]).combine_chunks()
        names = Plan(self.folder / PLAN).names(chunk).filter(sound).to_pylist()
        rows = (chunk.start + np.flatnonzero(sound.to_numpy(zero_copy_only=False))).tolist()
        return list(zip(rows, names, examined["sample_id"].filter(sound).to_pylist(), strict=True))


def keys_of(samples: SampleTable) -> pa.Array:
    """string [N], of each sample what `Seen.key` is of the image that it was made from."""
    contents = pc.utf8_slice_codeunits(samples.sample_ids.combine_chunks(), 0, CONTENT_DIGITS)
    return pc.binary_join_element_wise(contents, pc.cast(pa.array(samples.numbers("pixel_row")), pa.string()), "@")
