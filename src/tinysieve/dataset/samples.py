"""The sample table: one row an image, columnar, never looped over."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tinysieve.ground.errors import InputError

BACKGROUND, PERSON = 0, 1
UNLABELED, DROPPED = -1, -2
CLASS_NAMES = ("background", "person")
LABEL_WORDS = {BACKGROUND: "background", PERSON: "person", UNLABELED: "no label", DROPPED: "dropped"}
SPLITS = ("train", "validation", "test", "unlabeled")

Codes = NDArray[np.int8]
Mask = NDArray[np.bool_]

_REQUIRED = ("sample_id", "filepath", "width", "height", "split", "label", "pixel_row")


@dataclass(frozen=True)
class SampleTable:
    """Every decodable image of a data set, in a fixed row order that all other arrays follow.

    Args:
        table: columns `sample_id` (content hash of the file), `filepath` (relative to the image root), `width`,
            `height` (pixels, after EXIF orientation), `split`, `label` ("person", "background" or null, as given by
            the source), `pixel_row` (row in the packed pixels), then the source's own columns.

    Raises:
        InputError: a required column is missing, or a sample_id stands twice.
    """

    table: pa.Table

    def __post_init__(self) -> None:
        missing = [name for name in _REQUIRED if name not in self.table.column_names]
        if missing:
            raise InputError(f"sample table without column {', '.join(missing)}")
        if pc.count_distinct(self.table["sample_id"]).as_py() != self.table.num_rows:
            raise InputError("sample table holds a sample_id twice", why="every decision names its sample by it")

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @property
    def sample_ids(self) -> pa.ChunkedArray:
        """string [N]."""
        return self.table["sample_id"]

    @cached_property
    def labels(self) -> Codes:
        """int8 [N] as the source gave them: BACKGROUND, PERSON or UNLABELED."""
        return label_codes(self.table["label"])

    @cached_property
    def split_codes(self) -> Codes:
        """int8 [N], index into SPLITS."""
        return np.asarray(pc.index_in(self.table["split"], pa.array(SPLITS)).to_numpy(), dtype=np.int8)

    def in_split(self, *names: str) -> Mask:
        """bool [N]: the row belongs to one of the named splits."""
        return np.isin(self.split_codes, [SPLITS.index(name) for name in names])

    def numbers(self, name: str) -> NDArray[np.int64]:
        """int64 [N]: an integer column (width, height, pixel_row)."""
        return np.asarray(self.table[name].to_numpy(), dtype=np.int64)

    def rows_of(self, sample_ids: pa.Array | list[str]) -> NDArray[np.int64]:
        """Row of each id, -1 where it does not exist."""
        wanted = sample_ids if isinstance(sample_ids, (pa.Array, pa.ChunkedArray)) else pa.array(sample_ids, pa.string())
        found = pc.fill_null(pc.index_in(wanted, self.sample_ids.combine_chunks()), -1)
        return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.int64)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of what a version depends on: ids, splits and given labels, in row order."""
        digest = hashlib.blake2b(digest_size=16)
        for buffer in self.sample_ids.combine_chunks().buffers():
            digest.update(buffer or b"")
        digest.update(self.split_codes.tobytes())
        digest.update(self.labels.tobytes())
        return digest.hexdigest()

    def save(self, path: Path) -> None:
        """Write as Parquet."""
        pq.write_table(self.table, path, compression="zstd")

    @staticmethod
    def load(path: Path) -> SampleTable:
        """Read what `save` wrote."""
        if not path.exists():
            raise InputError(f"no sample table at {path}", fix="run 'tinysieve ingest' first")
        return SampleTable(pq.read_table(path))


def label_codes(labels: pa.Array | pa.ChunkedArray) -> Codes:
    """"person", "background" or null -> int8 codes.

    >>> label_codes(pa.array(["person", None, "background"]))
    array([ 1, -1,  0], dtype=int8)
    """
    codes = pc.fill_null(pc.index_in(labels, pa.array(CLASS_NAMES)), UNLABELED)
    return np.asarray(codes.to_numpy(), dtype=np.int8)


def state_names(codes: Codes) -> pa.Array:
    """int8 codes -> "person", "background", "dropped" or null where there is no label.

    >>> state_names(np.array([1, -2, -1], dtype=np.int8)).to_pylist()
    ['person', 'dropped', None]
    """
    return pc.if_else(pa.array(codes == DROPPED), LABEL_WORDS[DROPPED], label_names(codes))


def label_names(codes: Codes) -> pa.Array:
    """int8 codes -> "person", "background" or null (unlabeled and dropped alike).

    >>> label_names(np.array([1, -1, 0], dtype=np.int8)).to_pylist()
    ['person', None, 'background']
    """
    return pa.array(CLASS_NAMES).take(pa.array(np.where(codes < 0, 0, codes), mask=codes < 0))
