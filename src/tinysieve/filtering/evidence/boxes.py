"""Boxes that a detector saw, as columns: which images were examined, and what was found in each.

An examined image without boxes is evidence of absence and is kept; an image that was never examined
has no row. Here so that the two are never confused, at the size of 5.76 million images.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tinysieve.filtering.evidence.box_classes import PERSON_BOXES, BoxClasses
from tinysieve.ground import atomic_files as atomic
from tinysieve.ground.errors import InputError

ROWS_A_GROUP = 500_000
_CLASSES = b"tinysieve.box_classes"
COLUMNS = ("x1", "y1", "x2", "y2", "confidence", "class_id")


@dataclass(frozen=True, eq=False)
class Boxes:
    """Boxes of N examined images, image after image.

    Attributes:
        sample_ids: the examined images, Arrow string [N], no id twice in a file.
        offsets: int64 [N + 1]; the boxes of image i are rows offsets[i] to offsets[i + 1].
        xyxy: float32 [B, 4], corners in pixels of the decoded, upright image.
        confidence: float32 [B], 0 (doubtful) to 1 (sure).
        class_id: int16 [B], as the detector numbers its classes.
        classes: what these numbers mean, and which of them count.
    """

    sample_ids: pa.Array
    offsets: np.ndarray
    xyxy: np.ndarray
    confidence: np.ndarray
    class_id: np.ndarray
    classes: BoxClasses = PERSON_BOXES

    def __post_init__(self) -> None:
        boxed = len(self.confidence)
        whole = (
            self.offsets.shape == (len(self.sample_ids) + 1,)
            and self.offsets[0] == 0
            and self.offsets[-1] == boxed
            and self.xyxy.shape == (boxed, 4)
            and self.class_id.shape == (boxed,)
            and bool((self.counts >= 0).all())
        )
        if not whole:
            raise InputError(
                f"columns do not fit together: {len(self.sample_ids)} images, {len(self.offsets)} offsets, "
                f"corners {self.xyxy.shape}, {boxed} confidences, {len(self.class_id)} classes",
                why="a box would be counted for another image",
                fix="make the file again with 'tinysieve detect'",
            )

    def __len__(self) -> int:
        return len(self.sample_ids)

    @property
    def counts(self) -> np.ndarray:
        """Boxes in each image, int64 [N]."""
        return np.diff(self.offsets)

    @property
    def counted(self) -> np.ndarray:
        """bool [B]: the box is of a class that shows what is to be detected."""
        return self.classes.counted(self.class_id)

    @classmethod
    def from_lists(cls, sample_ids: Sequence[str], rows: Sequence[np.ndarray], classes: BoxClasses = PERSON_BOXES) -> Boxes:
        """From one array float [n, 6] an image: x1, y1, x2, y2, confidence, class.

        >>> seen = Boxes.from_lists(["a", "b"], [np.zeros((0, 6)), np.array([[1, 2, 3, 4, .5, 0]])])
        >>> seen.counts
        array([0, 1])
        """
        offsets = np.concatenate([[0], np.cumsum([len(image) for image in rows], dtype=np.int64)]).astype(np.int64)
        flat = np.concatenate([np.zeros((0, 6)), *rows]).astype(np.float32)
        ids = pa.array(list(sample_ids), pa.string())
        return cls(ids, offsets, flat[:, :4].copy(), flat[:, 4].copy(), flat[:, 5].astype(np.int16), classes)


def take(boxes: Boxes, rows: np.ndarray) -> Boxes:
    """The images at `rows` (int64 [M], may repeat; -1 gives an image without boxes), in that order."""
    there = rows >= 0
    safe = np.where(there, rows, 0)
    counts = np.where(there, boxes.counts[safe], 0) if len(boxes) else np.zeros(len(rows), np.int64)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    starts = boxes.offsets[safe] - offsets[:-1]
    index = np.repeat(starts, counts) + np.arange(offsets[-1])
    ids = boxes.sample_ids.take(pa.array(safe, mask=~there))
    return Boxes(ids, offsets, boxes.xyxy[index], boxes.confidence[index], boxes.class_id[index], boxes.classes)


def align(boxes: Boxes, sample_ids: pa.Array | pa.ChunkedArray | Sequence[str]) -> tuple[np.ndarray, Boxes]:
    """Bring boxes into the order of a sample table.

    Args:
        boxes: boxes of any images, in any order.
        sample_ids: the table's ids, string [M]; an id may stand in several rows.

    Returns:
        examined, bool [M], and the boxes with one entry a row of the table, empty where not examined.
        The ids of the result are the table's.

    >>> seen = Boxes.from_lists(["a", "b"], [np.zeros((0, 6)), np.array([[1, 2, 3, 4, .5, 0]])])
    >>> examined, ordered = align(seen, ["b", "c", "a"])
    >>> examined, ordered.counts
    (array([ True, False,  True]), array([1, 0, 0]))
    """
    ids = as_ids(sample_ids)
    rows = pc.fill_null(pc.index_in(ids, value_set=boxes.sample_ids), -1).to_numpy(zero_copy_only=False)
    ordered = take(boxes, rows.astype(np.int64))
    return rows >= 0, Boxes(ids, ordered.offsets, ordered.xyxy, ordered.confidence, ordered.class_id, boxes.classes)


def as_ids(sample_ids: pa.Array | pa.ChunkedArray | Sequence[str]) -> pa.Array:
    """Any column of ids as one Arrow string array."""
    if isinstance(sample_ids, pa.ChunkedArray):
        sample_ids = sample_ids.combine_chunks()
    array = sample_ids if isinstance(sample_ids, pa.Array) else pa.array(sample_ids, pa.string())
    return array if pa.types.is_string(array.type) else array.cast(pa.string())


def concatenate(parts: Sequence[Boxes], classes: BoxClasses) -> Boxes:
    """The images of all parts, in order; all number their classes alike."""
    counts = [np.zeros(0, np.int64), *(part.counts for part in parts)]
    return Boxes(
        pa.concat_arrays([pa.array([], pa.string()), *(part.sample_ids for part in parts)]),
        np.concatenate([[0], np.cumsum(np.concatenate(counts))]).astype(np.int64),
        np.concatenate([np.zeros((0, 4), np.float32), *(part.xyxy for part in parts)]),
        np.concatenate([np.zeros(0, np.float32), *(part.confidence for part in parts)]),
        np.concatenate([np.zeros(0, np.int16), *(part.class_id for part in parts)]),
        classes,
    )


def write_boxes(boxes: Boxes, path: Path) -> None:
    """Write `detections.parquet`: one row an examined image, boxes as list columns; written, then renamed."""
    flat = [*boxes.xyxy.T, boxes.confidence, boxes.class_id]
    kinds = [pa.float32()] * 5 + [pa.int16()]
    fields = [("sample_id", pa.string()), *((n, pa.list_(k)) for n, k in zip(COLUMNS, kinds, strict=True))]
    schema = pa.schema(fields, {_CLASSES: json.dumps(asdict(boxes.classes))})
    with atomic.replacing(path) as partial, pq.ParquetWriter(partial, schema, compression="zstd") as writer:
        for start in range(0, len(boxes), ROWS_A_GROUP):
            cut = boxes.offsets[start : start + ROWS_A_GROUP + 1]
            ends = pa.array((cut - cut[0]).astype(np.int32))
            values = [pa.array(np.ascontiguousarray(column[cut[0] : cut[-1]])) for column in flat]
            lists = [pa.ListArray.from_arrays(ends, column) for column in values]
            ids = boxes.sample_ids.slice(start, ROWS_A_GROUP)
            writer.write_batch(pa.record_batch([ids, *lists], schema=schema))


def read_boxes(path: Path) -> Boxes:
    """Read `detections.parquet`.

    Raises:
        InputError: not such a file, its lists differ in length, an id stands in it twice, or it does not say what its class
            numbers mean.
    """
    try:
        file = pq.ParquetFile(path)
        parts = [_group(file.read_row_group(i, columns=["sample_id", *COLUMNS]), path)
                 for i in range(file.num_row_groups)]
        stored = (file.schema_arrow.metadata or {}).get(_CLASSES)
    except (pa.ArrowException, OSError, KeyError) as error:
        raise InputError(f"not a file of detections: {error}", where=str(path),
                         fix="name a detections.parquet, or give rows of boxes as a box file") from error
    if stored is None:
        raise InputError("the file does not say what its class numbers mean", where=str(path),
                         why="an earlier version took 0 for the class to be detected", fix="run 'tinysieve detect' again")
    boxes = concatenate(parts, _classes(json.loads(stored)))
    if boxes.sample_ids.null_count or pc.count_distinct(boxes.sample_ids).as_py() < len(boxes):
        raise InputError("a sample_id is empty or stands twice", where=str(path),
                         why="an image would have two different findings", fix="keep one row an image")
    return boxes


def _classes(stored: dict[str, Any]) -> BoxClasses:
    return BoxClasses(tuple((int(number), str(name)) for number, name in stored["names"]), tuple(stored["wanted"]))


def _group(table: pa.Table, path: Path) -> Boxes:
    """One row group; by groups, so that the columns are never in memory twice."""
    columns = {name: _flat(table[name], name, path) for name in COLUMNS}
    offsets = columns["x1"][0]
    for name, (ends, _) in columns.items():
        if not np.array_equal(ends, offsets):
            raise InputError(f"lists of {name} and x1 differ in length", where=str(path))
    xyxy = np.stack([columns[name][1] for name in COLUMNS[:4]], axis=1).astype(np.float32, copy=False)
    confidence = columns["confidence"][1].astype(np.float32, copy=False)
    kinds = columns["class_id"][1].astype(np.int16, copy=False)
    return Boxes(as_ids(table["sample_id"]), offsets, xyxy, confidence, kinds)


def _flat(column: pa.ChunkedArray, name: str, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Offsets int64 [N + 1] from 0, and the values, of a list column."""
    kind = column.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)) or column.null_count:
        raise InputError(f"column {name} is {kind} with {column.null_count} nulls, a list a row is needed",
                         where=str(path), fix="one row an image; an image without boxes has empty lists")
    whole = column.combine_chunks()
    if not len(whole):
        return np.zeros(1, np.int64), np.zeros(0, np.float32)
    ends = whole.offsets.to_numpy().astype(np.int64)
    return ends - ends[0], whole.flatten().to_numpy(zero_copy_only=False)
