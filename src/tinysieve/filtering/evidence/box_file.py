"""Boxes that a user already has: one row a box, CSV or Parquet, checked before they count as evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from tinysieve.filtering.evidence.boxes import PERSON_CLASS, Boxes, as_ids, read_boxes, take
from tinysieve.ground.errors import InputError

UNITS = ("pixels", "normalised")
CORNERS = ("x1", "y1", "x2", "y2")
KEYS = ("sample_id", "filepath", "filename")
OTHER_CLASS = -1
NAMED = 10
# Detectors round, so a corner may lie a little outside; more than this share of the side is another unit.
SLACK = 0.05


@dataclass(frozen=True, eq=False)
class ImportedBoxes:
    """What a box file said.

    Attributes:
        boxes: the images that it lists, also those without boxes.
        unknown: names of the first images that are not in the sample table.
        unknown_count: how many of its images are not in the table.
        clipped_count: boxes that stuck out of their image by a little and were cut at its border.
    """

    boxes: Boxes
    unknown: tuple[str, ...]
    unknown_count: int
    clipped_count: int


@dataclass(frozen=True, eq=False)
class ImageSizes:
    """The sample table's columns that boxes are matched to: ids and paths string [N], sizes int [N] in pixels."""

    sample_ids: Sequence[str] | pa.Array | pa.ChunkedArray
    filepaths: Sequence[str] | pa.Array | pa.ChunkedArray
    widths: np.ndarray
    heights: np.ndarray


def read_box_file(path: Path, table: ImageSizes, units: str) -> ImportedBoxes:
    """Read boxes from a file.

    Columns: `sample_id` or `filepath`; `x1, y1, x2, y2`; optional `confidence` (1 where absent) and
    `class` (0 or `person`; person where absent). A row whose four corners are empty lists an image that
    was examined and shows nothing. Our own `detections.parquet` is read as well.

    Args:
        path: `.csv` or `.parquet`.
        table: the images that there are.
        units: `pixels` of the upright image, or `normalised` to 0..1.

    Raises:
        InputError: a column is missing, a value is no number, corners are reversed or in another unit, a
            confidence is outside [0, 1], or no image of the file is in the table; counts and names rows.
    """
    if units not in UNITS:
        raise InputError(f"units '{units}' are not known", fix=f"one of: {', '.join(UNITS)}")
    rows = _read_rows(path)
    if "x1" in rows.column_names and pa.types.is_nested(rows["x1"].type):
        return _own_file(path, table)
    key = _require_columns(rows, path)
    known = as_ids(table.sample_ids if key == "sample_id" else table.filepaths)
    at = pc.fill_null(pc.index_in(as_ids(rows[key]), value_set=known), -1).to_numpy(zero_copy_only=False)
    unknown = as_ids(rows[key]).filter(pa.array(at < 0)).unique()
    _require_some_known(len(unknown), at, path, key, unknown)
    sizes = np.stack([table.widths, table.heights] * 2, axis=1).astype(np.float32)
    ids = as_ids(table.sample_ids)
    first = pc.index_in(ids, value_set=ids).to_numpy(zero_copy_only=False)
    inside = np.flatnonzero(at >= 0)
    boxes, clipped = _grouped(rows.take(inside), first[at[inside]], inside, sizes, ids, units, path)
    return ImportedBoxes(boxes, _first(unknown), len(unknown), clipped)


def _first(unknown: pa.Array) -> tuple[str, ...]:
    return tuple(str(one) for one in unknown[:NAMED].to_pylist())


def _read_rows(path: Path) -> pa.Table:
    try:
        if path.suffix == ".parquet":
            return pq.read_table(path)
        # Ids such as 000012 must stay text; and only an empty cell is empty: "nan" is a broken number.
        kinds = {name: pa.string() for name in (*KEYS, "class")} | {n: pa.float64() for n in (*CORNERS, "confidence")}
        options = pyarrow.csv.ConvertOptions(column_types=kinds, null_values=[""], strings_can_be_null=True)
        return pyarrow.csv.read_csv(path, convert_options=options)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"box file cannot be read: {error}", where=str(path),
                         fix="CSV or Parquet with sample_id or filepath, x1, y1, x2, y2") from error


def _own_file(path: Path, table: ImageSizes) -> ImportedBoxes:
    boxes = read_boxes(path)
    at = pc.index_in(boxes.sample_ids, value_set=as_ids(table.sample_ids))
    unknown = boxes.sample_ids.filter(pc.is_null(at))
    known = np.flatnonzero(pc.is_valid(at).to_numpy(zero_copy_only=False))
    _require_some_known(len(unknown), np.where(len(known), 0, np.full(len(boxes), -1)), path, "sample_id", unknown)
    return ImportedBoxes(take(boxes, known), _first(unknown), len(unknown), 0)


def _require_columns(rows: pa.Table, path: Path) -> str:
    keys = [name for name in KEYS if name in rows.column_names]
    missing = [name for name in CORNERS if name not in rows.column_names]
    if missing or not keys:
        wanted = ", ".join(missing or ["sample_id or filepath"])
        raise InputError(f"no column {wanted}", where=str(path), fix=f"the file has: {', '.join(rows.column_names)}")
    return keys[0]


def _require_some_known(unknown_count: int, at: np.ndarray, path: Path, key: str, unknown: pa.Array) -> None:
    if len(at) and (at < 0).all():
        raise InputError(f"none of its {unknown_count} images is in the sample table, for instance {unknown[0]}",
                         where=f"{path}, column {key}", fix="paths are relative to the data set's root")


def _grouped(
    rows: pa.Table, image: np.ndarray, number: np.ndarray, sizes: np.ndarray, ids: pa.Array, units: str, path: Path
) -> tuple[Boxes, int]:
    """Checked boxes, sorted by image; `image` is each row's row in the table, `number` its row in the file."""
    missing = np.stack([pc.is_null(rows[name]).to_numpy(zero_copy_only=False) for name in CORNERS], axis=1)
    _refuse(missing.any(axis=1) & ~missing.all(axis=1), number, path, "has some empty corners",
            "all four corners, or none for an image without boxes")
    boxed = np.asarray(~missing.all(axis=1))
    xyxy, clipped = _corners(rows.filter(pa.array(boxed)), sizes[image[boxed]], number[boxed], units, path)
    confidence = _confidence(rows, boxed, number, path)
    listed = np.unique(image)
    slot = np.searchsorted(listed, image[boxed])
    order = np.argsort(slot, kind="stable")
    offsets = np.concatenate([[0], np.cumsum(np.bincount(slot, minlength=len(listed)))]).astype(np.int64)
    kinds = _classes(rows, boxed)
    return Boxes(ids.take(pa.array(listed)), offsets, xyxy[order], confidence[order], kinds[order]), clipped


def _corners(
    rows: pa.Table, sides: np.ndarray, number: np.ndarray, units: str, path: Path
) -> tuple[np.ndarray, int]:
    """Corners in pixels, float32 [n, 4], and how many boxes were cut at the border; sides float32 [n, 4]."""
    columns = [rows[name].cast(pa.float64()).to_numpy() for name in CORNERS]
    raw = np.stack(columns, axis=1) if len(rows) else np.zeros((0, 4))
    _refuse(~np.isfinite(raw).all(axis=1), number, path, "has a corner that is no number", "mend or remove the row")
    _refuse((raw[:, 2:] < raw[:, :2]).any(axis=1), number, path, "has reversed corners",
            "x1 <= x2 and y1 <= y2; a file of x, y, width, height must be converted")
    share = raw if units == "normalised" else raw / sides
    other = "pixels" if units == "normalised" else "normalised"
    _refuse(((share < -SLACK) | (share > 1 + SLACK)).any(axis=1), number, path,
            f"lies outside its image when read as {units}", f"state units: {other} if that is what they are")
    if units == "pixels" and len(raw) and raw.max() <= 1:
        raise InputError("all corners are at most 1 pixel", where=str(path), fix="state units: normalised")
    inside = share.clip(0, 1)
    return (inside * sides).astype(np.float32), int((inside != share).any(axis=1).sum())


def _confidence(rows: pa.Table, boxed: np.ndarray, number: np.ndarray, path: Path) -> np.ndarray:
    if "confidence" not in rows.column_names:
        return np.ones(int(boxed.sum()), np.float32)
    values = rows["confidence"].cast(pa.float64()).to_numpy()[boxed]
    _refuse(~((values >= 0) & (values <= 1)), number[boxed], path, "has a confidence that is not in [0, 1]",
            "85 % is 0.85")
    return values.astype(np.float32)


def _classes(rows: pa.Table, boxed: np.ndarray) -> np.ndarray:
    """Class numbers int16; `person` is 0, another word is OTHER_CLASS."""
    if "class" not in rows.column_names:
        return np.full(int(boxed.sum()), PERSON_CLASS, np.int16)
    words = pc.fill_null(rows["class"].cast(pa.string()), "person")
    words = pc.if_else(pc.equal(pc.utf8_lower(words), "person"), str(PERSON_CLASS), words)
    numbers = pc.if_else(pc.match_substring_regex(words, r"^\d{1,4}$"), words, str(OTHER_CLASS))
    return numbers.cast(pa.int16()).to_numpy()[boxed]


def _refuse(bad: np.ndarray | np.bool_, number: np.ndarray, path: Path, what: str, fix: str) -> None:
    rows = np.flatnonzero(np.asarray(bad))
    if len(rows):
        named = ", ".join(str(number[row] + 1) for row in rows[:NAMED])
        raise InputError(f"{len(rows)} boxes: row {named}{' ...' if len(rows) > NAMED else ''} {what}",
                         where=str(path), why="such a box would be wrong evidence", fix=fix)
