"""The sample table: one row an image, columnar, never looped over."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tinysieve.dataset.classes import PERSON_TASK, ClassNames, Codes
from tinysieve.ground.errors import InputError

SPLITS = ("train", "validation", "test", "unlabeled")

Mask = NDArray[np.bool_]

_CLASSES = b"tinysieve.classes"
REQUIRED = ("sample_id", "filepath", "width", "height", "split", "label", "pixel_row")


@dataclass(frozen=True)
class SampleTable:
    """Every decodable image of a data set, in a fixed row order that all other arrays follow.

    Args:
        table: columns `sample_id` (content hash of the file), `filepath` (relative to the image root), `width`,
            `height` (pixels, after EXIF orientation), `split`, `label` (a class name or null, as given by the source),
            `pixel_row` (row in the packed pixels), then the source's own columns.
        classes: what the two classes are called.

    Raises:
        InputError: a required column is missing, or a sample_id stands twice.
    """

    table: pa.Table
    classes: ClassNames = PERSON_TASK

    def __post_init__(self) -> None:
        missing = [name for name in REQUIRED if name not in self.table.column_names]
        if missing:
            raise InputError(f"sample table without column {', '.join(missing)}")
        if pc.count_distinct(self.table["sample_id"]).as_py() != self.table.num_rows:
            raise InputError("duplicate sample_id in the sample table", why="decisions refer to samples by sample_id")

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @property
    def sample_ids(self) -> pa.ChunkedArray:
        """string [N]."""
        return self.table["sample_id"]

    @cached_property
    def labels(self) -> Codes:
        """int8 [N] as the source gave them: POSITIVE, NEGATIVE or UNLABELED."""
        return self.classes.codes(self.table["label"])

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
        places = pc.fill_null(pc.index_in(wanted, self.sample_ids.combine_chunks()), -1)
        return np.asarray(places.to_numpy(zero_copy_only=False), dtype=np.int64)

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
        """Write as Parquet, the class names with it."""
        metadata = {**(self.table.schema.metadata or {}), _CLASSES: json.dumps(asdict(self.classes))}
        pq.write_table(self.table.replace_schema_metadata(metadata), path, compression="zstd")

    @staticmethod
    def load(path: Path) -> SampleTable:
        """Read what `save` wrote."""
        if not path.exists():
            raise InputError(f"no sample table at {path}", fix="run 'tinysieve ingest' first")
        table = pq.read_table(path)
        stored = (table.schema.metadata or {}).get(_CLASSES)
        return SampleTable(table, PERSON_TASK if stored is None else ClassNames(**json.loads(stored)))
