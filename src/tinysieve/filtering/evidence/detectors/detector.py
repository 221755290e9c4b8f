"""Run any detector over many images: decoded in parallel, one file a chunk, resumed where it was killed.

An image that cannot be decoded, or on which the detector raises, is listed as not examined. It never
becomes an image without boxes.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from tinysieve.dataset import images
from tinysieve.filtering.evidence.boxes import as_ids, concatenate, read_boxes, write_boxes
from tinysieve.filtering.evidence.detectors.examine_chunk import BATCH, Decode, Detections, Detector, NotExamined, examine
from tinysieve.ground import atomic_files as atomic
from tinysieve.ground.csv_text import csv_lines
from tinysieve.ground.escaping import csv_text
from tinysieve.ground.progress import Progress

FAILURE_FIELDS = ("sample_id", "filepath", "reason")


def ignore_progress(done: int, total: int) -> None:
    """Progress that nobody watches."""


def decode_any(path: str, sample_id: str) -> images.Pixels:
    """Pixels of whatever lies at `path`, for those whose ids are no hashes of the bytes."""
    return images.decode(path)


def detect_all(
    detector: Detector,
    paths: Sequence[Path | str],
    sample_ids: Sequence[str],
    folder: Path,
    chunk: int = 1024,
    progress: Progress = ignore_progress,
    decode: Decode = decode_any,
) -> Detections:
    """Examine images; the same inputs give the same bytes, killed or not.

    Writes `detections.parquet` and `not_examined.csv` into `folder`, and one part a chunk on the way.

    Args:
        detector: anything that follows the protocol.
        paths: files of the N images, or their names where `decode` knows them by these.
        sample_ids: their ids [N]; an id that stands twice is examined once.
        folder: where results and unfinished work go.
        chunk: images between two points of resumption.
        progress: called with (images done, images in all) after each chunk.
        decode: a path or name and a sample_id to uint8 RGB; raises where there is no image.

    Raises:
        DetectorFailed: the detector raises on every one of at least eight images of a batch.
    """
    ids, files = _once_each(paths, sample_ids)
    parts = folder / f"parts-{_run_key(detector, ids, chunk)}"
    parts.mkdir(parents=True, exist_ok=True)
    done: list[Detections] = []
    with ThreadPoolExecutor(max(2, os.cpu_count() or 2), thread_name_prefix="decode") as pool:
        for number, start in enumerate(range(0, len(ids), chunk)):
            piece = slice(start, start + chunk)
            target = parts / f"{number:06d}.parquet"
            if not target.exists():
                write_part(examine(detector, files[piece], ids[piece], pool, decode), target)
            done.append(read_part(target))
            progress(min(start + chunk, len(ids)), len(ids))
    failures = tuple(failure for part in done for failure in part.not_examined)
    result = Detections(concatenate([part.boxes for part in done], detector.classes), failures)
    atomic.write_text(folder / "not_examined.csv", failures_csv(result.not_examined))
    write_boxes(result.boxes, folder / "detections.parquet")
    return result


def remove_parts(folder: Path) -> None:
    """Throw away the parts of finished or abandoned runs in `folder`; results stay."""
    # A chunk's Parquet file before its list, as it came last: whoever is killed here finds no chunk whose list is gone.
    for path in sorted(folder.glob("parts-*/*"), reverse=True):
        path.unlink()
    for path in sorted(folder.glob("parts-*")):
        path.rmdir()


def _once_each(paths: Sequence[Path | str], sample_ids: Sequence[str]) -> tuple[list[str], list[str]]:
    if len(paths) != len(sample_ids):
        raise ValueError(f"{len(paths)} paths for {len(sample_ids)} ids")
    array = as_ids(sample_ids)
    first = pc.index_in(array, value_set=array.unique()).to_numpy(zero_copy_only=False)
    _, rows = np.unique(first, return_index=True)
    return array.take(rows).to_pylist(), [str(paths[row]) for row in rows]


def _run_key(detector: Detector, ids: list[str], chunk: int) -> str:
    text = json.dumps([detector.name, detector.fingerprint, chunk, BATCH, ids])
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def failures_csv(failures: Sequence[NotExamined]) -> str:
    """The text of `not_examined.csv`."""
    return csv_lines([FAILURE_FIELDS, *((failure.sample_id, failure.filepath, failure.reason) for failure in failures)])


def write_part(part: Detections, target: Path) -> None:
    """The Parquet file goes last: a chunk is finished when it is there."""
    atomic.write_text(target.with_suffix(".csv"), failures_csv(part.not_examined))
    write_boxes(part.boxes, target)


def read_part(target: Path) -> Detections:
    """What `write_part` wrote."""
    with target.with_suffix(".csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))[1:]
    return Detections(read_boxes(target), tuple(NotExamined(*map(csv_text, row)) for row in rows))
