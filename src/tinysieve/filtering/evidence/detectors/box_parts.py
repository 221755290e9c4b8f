"""Boxes in parts of a chunk: made in a reading pass, brought together when all are there."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from tinysieve.dataset.chunks import Chunk
from tinysieve.dataset.examined_parts import keys_of
from tinysieve.dataset.reading import KeyedParts, PartWriter, Seen
from tinysieve.dataset.samples import SampleTable
from tinysieve.filtering.evidence.boxes import Boxes, align, concatenate, read_boxes, take, write_boxes
from tinysieve.filtering.evidence.detectors.detector import BATCH, Detections, Detector, NotExamined, boxes_of_batch
from tinysieve.ground.atomic_files import write_text
from tinysieve.ground.csv_text import csv_lines
from tinysieve.ground.escaping import csv_text

FAILURE_FIELDS = ("sample_id", "filepath", "reason")


@dataclass(frozen=True)
class BoxParts(KeyedParts):
    """What a detector sees in the images that can be decoded; an image is called by its key.

    Args:
        folder: of the parts.
        detector: opens it with so many threads; pickles.
    """

    detector: Callable[[int], Detector]
    suffix = ".parquet"

    def is_done(self, chunk: Chunk) -> bool:
        """Whether both files are there: the removal of parts may have been killed between them."""
        return super().is_done(chunk) and _failures(self.path(chunk)).exists()

    def is_of(self, chunk: Chunk, keys: Sequence[str]) -> bool:
        if not self.is_done(chunk):
            return False
        part = read_part(self.path(chunk))
        return {*part.boxes.sample_ids.to_pylist(), *(failure.sample_id for failure in part.not_examined)} == set(keys)

    def open(self, threads: int) -> PartWriter:
        return _Detecting(self, self.detector(threads))


class _Detecting(PartWriter):
    def __init__(self, parts: BoxParts, detector: Detector) -> None:
        self._parts, self._detector = parts, detector
        self.begin()

    def begin(self) -> None:
        self._waiting: list[Seen] = []
        self._keys: list[str] = []
        self._boxes: list[np.ndarray] = []
        self._failures: list[NotExamined] = []

    def prepare(self, image: Seen) -> Seen:
        return image

    def take(self, prepared: Sequence[Seen]) -> None:
        """Batches are of images that can be decoded, wherever the windows end."""
        self._waiting += [image for image in prepared if image.pixels is not None]
        while len(self._waiting) >= BATCH:
            self._detect(BATCH)

    def write(self, chunk: Chunk) -> None:
        self._detect(len(self._waiting))
        boxes = Boxes.from_lists(self._keys, self._boxes, self._detector.classes)
        write_part(Detections(boxes, tuple(self._failures)), self._parts.path(chunk))

    def _detect(self, count: int) -> None:
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        outcomes = boxes_of_batch(self._detector, [image.pixels for image in batch if image.pixels is not None])
        for image, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, np.ndarray):
                self._keys.append(image.key)
                self._boxes.append(outcome)
            else:
                self._failures.append(NotExamined(image.key, image.name, str(outcome)))


def together(parts: BoxParts, chunks: Sequence[Chunk], samples: SampleTable) -> Detections:
    """All boxes of the samples, in the order in which their images were read."""
    made = [read_part(parts.path(chunk)) for chunk in chunks]
    order = np.argsort(samples.numbers("pixel_row"), kind="stable")
    ids, names, keys = (column.take(pa.array(order)) for column in (
        samples.sample_ids.combine_chunks(), samples.table["filepath"].combine_chunks(), keys_of(samples)))
    every = concatenate([part.boxes for part in made], made[0].boxes.classes)
    examined, boxes = align(every, keys)
    reasons = {failure.sample_id: failure.reason for part in made for failure in part.not_examined}
    failures = tuple(NotExamined(ids[row].as_py(), names[row].as_py(), reasons[keys[row].as_py()])
                     for row in np.flatnonzero(~examined))
    rows = np.flatnonzero(examined)
    seen = take(boxes, rows)
    return Detections(Boxes(ids.take(pa.array(rows)), seen.offsets, seen.xyxy, seen.confidence, seen.class_id, seen.classes),
                      failures)


def write_part(part: Detections, target: Path) -> None:
    """The Parquet file goes last: a chunk is finished when it is there."""
    write_text(_failures(target), failures_csv(part.not_examined))
    write_boxes(part.boxes, target)


def read_part(target: Path) -> Detections:
    """What `write_part` wrote."""
    with _failures(target).open(newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))[1:]
    return Detections(read_boxes(target), tuple(NotExamined(*map(csv_text, row)) for row in rows))


def failures_csv(failures: Sequence[NotExamined]) -> str:
    """The text of `not_examined.csv`."""
    return csv_lines([FAILURE_FIELDS, *((failure.sample_id, failure.filepath, failure.reason) for failure in failures)])


def _failures(part: Path) -> Path:
    return part.with_suffix(".csv")
