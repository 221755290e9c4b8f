"""Boxes that a user already has, checked before they count as evidence; `box_files/` has a reader for each form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tinysieve.filtering.evidence.box_classes import UNSTATED, BoxClasses, box_classes, listed
from tinysieve.filtering.evidence.box_files.box_table import read_box_table
from tinysieve.filtering.evidence.box_files.json_boxes import read_json_boxes
from tinysieve.filtering.evidence.box_files.listed_boxes import NAMED, UNITS, ListedBoxes, Stated
from tinysieve.filtering.evidence.box_files.match_images import match_images
from tinysieve.filtering.evidence.box_files.pixel_corners import pixel_corners
from tinysieve.filtering.evidence.box_files.yolo_folder import read_yolo_folder
from tinysieve.filtering.evidence.boxes import Boxes, as_ids, read_boxes, take
from tinysieve.ground.errors import InputError


@dataclass(frozen=True, eq=False)
class ImportedBoxes:
    """What a box file said.

    Attributes:
        boxes: the images that it lists, also those without boxes; with `complete`, all images.
        unknown: names of the first images that are not in the sample table.
        unknown_count: how many of its images are not in the table.
        clipped_count: boxes that stuck out of their image by a little and were cut at its border.
        notes: what a user should hear of how the file was read.
    """

    boxes: Boxes
    unknown: tuple[str, ...]
    unknown_count: int
    clipped_count: int
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class ImageSizes:
    """The sample table's columns that boxes are matched to: ids and paths string [N], sizes int [N] in pixels."""

    sample_ids: Sequence[str] | pa.Array | pa.ChunkedArray
    filepaths: Sequence[str] | pa.Array | pa.ChunkedArray
    widths: np.ndarray
    heights: np.ndarray


def read_box_file(path: Path, table: ImageSizes, stated: Stated) -> ImportedBoxes:
    """Read boxes from a file, or from a folder of YOLO's `.txt` files.

    Args:
        path: a table (`.csv`, `.parquet`), JSON (COCO, Label Studio, FiftyOne), a folder, or our own `detections.parquet`.
        table: the images that there are.
        stated: what counts, and what the file itself cannot say.

    Raises:
        InputError: something is missing, contradicts itself or would have to be guessed, a box makes no sense, no class of
            the file counts, or no image of the file is in the table; counts and names rows.
    """
    if stated.unit not in UNITS:
        raise InputError(f"units '{stated.unit}' are not known", fix=f"one of: {', '.join(UNITS)}")
    if _is_our_own(path):
        return _own_file(path, table, stated)
    read = _read(path, stated)
    images, unknown, by_end = _matched(read, table, path)
    inside = np.flatnonzero(images >= 0)
    classes = _classes(read, stated, path)
    boxes, clipped, corner_notes = _grouped(read, inside, images[inside], table, classes, stated, path)
    notes = [f"{by_end:,} photos are matched by the end of their path only"] if by_end else []
    return _finished(boxes, unknown, clipped, [*read.notes, *notes, *corner_notes], table, stated)


def _is_our_own(path: Path) -> bool:
    if path.suffix != ".parquet" or not path.is_file():
        return False
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"box file cannot be read: {error}", where=str(path), fix="name a Parquet file") from error
    return "x1" in schema.names and pa.types.is_nested(schema.field("x1").type)


def _read(path: Path, stated: Stated) -> ListedBoxes:
    _refuse_xml(path)
    if path.is_dir():
        return read_yolo_folder(path, stated)
    return read_json_boxes(path, stated) if path.suffix.lower() == ".json" else read_box_table(path, stated)


def _refuse_xml(path: Path) -> None:
    """CVAT writes one file for all photos, Pascal VOC one a photo."""
    folder = path.is_dir() and next(path.rglob("*.txt"), None) is None
    xml = next(path.rglob("*.xml"), None) if folder else path if path.suffix.lower() == ".xml" else None
    if xml is not None:
        raise InputError("boxes in XML, as CVAT and Pascal VOC write them, are not read", where=str(xml),
                         fix="export them as COCO 1.0 (JSON) or YOLO (.txt), or write a table of boxes")


def _own_file(path: Path, table: ImageSizes, stated: Stated) -> ImportedBoxes:
    boxes = read_boxes(path)
    at = pc.index_in(boxes.sample_ids, value_set=as_ids(table.sample_ids))
    unknown = boxes.sample_ids.filter(pc.is_null(at))
    known = np.flatnonzero(pc.is_valid(at).to_numpy(zero_copy_only=False))
    _require_some_known(len(boxes), len(known), path, unknown)
    classes = box_classes(dict(boxes.classes.names), stated.wanted, str(path))
    return _finished(replace(take(boxes, known), classes=classes), unknown, 0, [], table, stated)


def _matched(read: ListedBoxes, table: ImageSizes, path: Path) -> tuple[NDArray[np.int64], pa.Array, int]:
    """Row of the table of each row of the file, -1 where there is none; names of those; how many matched by their end."""
    encoded = read.images.dictionary_encode()
    if read.by_id:
        place = pc.index_in(encoded.dictionary, value_set=as_ids(table.sample_ids))
        rows, by_end = pc.fill_null(place, -1).to_numpy(zero_copy_only=False), 0
    else:
        matched = match_images(encoded.dictionary, as_ids(table.filepaths))
        rows, by_end = matched.rows, matched.by_end
    unknown = encoded.dictionary.filter(pa.array(rows < 0))
    _require_some_known(len(rows), int((rows >= 0).sum()), path, unknown)
    images = rows[encoded.indices.to_numpy(zero_copy_only=False)] if len(rows) else np.zeros(0, np.int64)
    return images.astype(np.int64), unknown, by_end


def _require_some_known(count: int, known: int, path: Path, unknown: pa.Array) -> None:
    if count and not known:
        raise InputError(f"none of its {count} images is in the sample table, for instance {unknown[0]}", where=str(path),
                         fix="paths are relative to the data set's root")


def _classes(read: ListedBoxes, stated: Stated, path: Path) -> BoxClasses:
    """The file's classes; of names that only occur, one of the wanted ones has to, or nothing of the file would count."""
    if read.declared:
        return box_classes(read.names, stated.wanted, str(path))
    there = {name.strip().casefold() for name in read.names.values()}
    if read.names and not there & {name.strip().casefold() for name in stated.wanted}:
        raise InputError(f"no box is of class '{' or '.join(stated.wanted)}'", where=str(path),
                         why="every photo would count as empty",
                         fix=f"set task.detector_classes to classes that it has: {listed(read.names.values())}")
    return BoxClasses(tuple(sorted(read.names.items())), stated.wanted)


def _grouped(read: ListedBoxes, inside: NDArray[np.int64], image: NDArray[np.int64], table: ImageSizes, classes: BoxClasses,
             stated: Stated, path: Path) -> tuple[Boxes, int, tuple[str, ...]]:
    """Checked boxes, sorted by image; `image` is each row's row in the table, `inside` its row in the file."""
    ids = as_ids(table.sample_ids)
    # Copies of one photo have one id a row, or share it: the first row stands for all.
    image = pc.index_in(ids, value_set=ids).to_numpy(zero_copy_only=False)[image]
    boxed = read.boxed[inside]
    sizes = np.stack([table.widths, table.heights] * 2, axis=1).astype(np.float64)
    made = pixel_corners(read, inside[boxed], sizes[image[boxed]], path)
    unscored = np.isnan(read.confidence[inside[boxed]])
    unstated = 1.0 if stated.confidence is None else stated.confidence
    confidence = np.where(unscored, unstated, read.confidence[inside[boxed]]).astype(np.float32)
    listed_images = np.unique(image)
    slot = np.searchsorted(listed_images, image[boxed])
    order = np.argsort(slot, kind="stable")
    offsets = np.concatenate([[0], np.cumsum(np.bincount(slot, minlength=len(listed_images)))]).astype(np.int64)
    kinds = read.class_id[inside][boxed].astype(np.int16)
    note = (f"{int(unscored.sum()):,} boxes have no confidence and count as certain, as annotations of people do",)
    return (Boxes(ids.take(pa.array(listed_images)), offsets, made.xyxy[order], confidence[order], kinds[order], classes),
            made.clipped, (*made.notes, *(note if unscored.any() and stated.confidence is None else ())))


def _finished(boxes: Boxes, unknown: pa.Array, clipped: int, notes: list[str], table: ImageSizes,
              stated: Stated) -> ImportedBoxes:
    ids = as_ids(table.sample_ids)
    silent = ids.filter(pc.invert(pc.is_in(ids, value_set=boxes.sample_ids))).unique()
    wanted, total = int(boxes.counted.sum()), len(boxes.confidence)
    strange = set(boxes.class_id.tolist()) - set(boxes.classes.numbers)
    rest = listed([boxes.classes.name_of(number) for number in sorted(strange)])
    said = [f"{wanted:,} of {total:,} boxes are of class {' or '.join(stated.wanted)}" + (f"; others: {rest}" if rest else "")]
    if not stated.names and dict(boxes.classes.names) == UNSTATED:
        said.append("class numbers are read as COCO's 80 classes (0 is person); if they mean something else, set "
                    "filter.detector.names")
    if len(silent):
        fate = ("count as examined and empty, because complete is set" if stated.complete else
                "count as not examined; set filter.detector.complete: true if the detector looked at every photo")
        said.append(f"{len(silent):,} of {len(ids):,} photos have no row: they {fate}")
    if stated.complete:
        ends = np.full(len(silent), boxes.offsets[-1], np.int64)
        boxes = replace(boxes, sample_ids=pa.concat_arrays([boxes.sample_ids, silent]),
                        offsets=np.concatenate([boxes.offsets, ends]))
    return ImportedBoxes(boxes, tuple(str(name) for name in unknown[:NAMED].to_pylist()), len(unknown), clipped, (*said, *notes))
