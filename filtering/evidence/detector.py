"""Run any detector over many images: decoded in parallel, one file a chunk, resumed where it was killed.

An image that cannot be decoded, or on which the detector raises, is listed as not examined. It never
becomes an image without persons.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow.compute as pc

from dataset import atomic, images
from dataset.errors import TinysieveError
from filtering.evidence.boxes import Boxes, as_ids, concatenate, read_boxes, write_boxes

BATCH = 32
# So many failures without one success are a broken detector, not broken images.
HOPELESS = 8
FAILURE_FIELDS = ("sample_id", "filepath", "reason")
Progress = Callable[[int, int], None]
Decode = Callable[[Path], np.ndarray]


class Detector(Protocol):
    """Finds boxes in images."""

    name: str
    fingerprint: str
    """Changes whenever the boxes may change: weights, thresholds, size, engine."""

    def detect(self, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Images uint8 RGB [H, W, 3] to one float [n, 6] each: x1, y1, x2, y2 (pixels), confidence, class.

        Must not depend on which images share a call, beyond rounding.
        """
        ...


@dataclass(frozen=True)
class NotExamined:
    """An image without a finding, and why."""

    sample_id: str
    filepath: str
    reason: str


@dataclass(frozen=True, eq=False)
class Detections:
    """What a run saw, and what it could not look at."""

    boxes: Boxes
    not_examined: tuple[NotExamined, ...]


class DetectorFailed(TinysieveError):
    """The detector fails on everything; finished chunks are kept."""

    exit_code = 3


def ignore_progress(done: int, total: int) -> None:
    """Progress that nobody watches."""


def detect_all(
    detector: Detector,
    paths: Sequence[Path | str],
    sample_ids: Sequence[str],
    folder: Path,
    chunk: int = 1024,
    progress: Progress = ignore_progress,
    decode: Decode = images.decode,
) -> Detections:
    """Examine images; the same inputs give the same bytes, killed or not.

    Writes `detections.parquet` and `not_examined.csv` into `folder`, and one part a chunk on the way.

    Args:
        detector: anything that follows the protocol.
        paths: files of the N images.
        sample_ids: their ids [N]; an id that stands twice is examined once.
        folder: where results and unfinished work go.
        chunk: images between two points of resumption.
        progress: called with (images done, images in all) after each chunk.
        decode: a path to uint8 RGB; raises where there is no image.

    Raises:
        DetectorFailed: the detector raises on every one of at least HOPELESS images of a batch.
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
                _write(_examine(detector, files[piece], ids[piece], pool, decode), target)
            done.append(_read(target))
            progress(min(start + chunk, len(ids)), len(ids))
    failures = tuple(one for part in done for one in part.not_examined)
    result = Detections(concatenate([part.boxes for part in done]), failures)
    atomic.write_text(folder / "not_examined.csv", _as_csv(result.not_examined))
    write_boxes(result.boxes, folder / "detections.parquet")
    return result


def remove_parts(folder: Path) -> None:
    """Throw away the parts of finished or abandoned runs in `folder`; results stay."""
    for path in sorted(folder.glob("parts-*/*")):
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


def _examine(
    detector: Detector, files: list[str], ids: list[str], pool: ThreadPoolExecutor, decode: Decode
) -> Detections:
    """One chunk; the next batch is decoded while the detector works on this one."""
    seen: list[str] = []
    rows: list[np.ndarray] = []
    failures: list[NotExamined] = []
    for start, decoded in _decoded_batches(files, pool, decode):
        sound = [k for k, one in enumerate(decoded) if isinstance(one, np.ndarray)]
        found = dict(zip(sound, _found(detector, [decoded[k] for k in sound])))
        for k, one in enumerate(decoded):
            outcome = found.get(k, one)
            row = start + k
            if isinstance(outcome, np.ndarray):
                seen.append(ids[row])
                rows.append(outcome)
            else:
                failures.append(NotExamined(ids[row], files[row], str(outcome)))
    return Detections(Boxes.from_lists(seen, rows), tuple(failures))


def _decoded_batches(
    files: list[str], pool: ThreadPoolExecutor, decode: Decode
) -> Iterator[tuple[int, list[np.ndarray | str]]]:
    """Batches of pixels, or of the reason why there are none, with the row of their first image."""
    waiting: list[tuple[int, list[Future[np.ndarray | str]]]] = []
    for start in range(0, len(files), BATCH):
        waiting.append((start, [pool.submit(_pixels, one, decode) for one in files[start : start + BATCH]]))
        if len(waiting) > 1:
            first, futures = waiting.pop(0)
            yield first, [one.result() for one in futures]
    for first, futures in waiting:
        yield first, [one.result() for one in futures]


def _pixels(file: str, decode: Decode) -> np.ndarray | str:
    try:
        return decode(Path(file))
    except Exception as error:  # any decoder, any hostile file; the reason is kept and listed
        return f"not decoded: {_words(error)}"


def _found(detector: Detector, pixels: list[np.ndarray]) -> list[np.ndarray | str]:
    """Boxes of each image; where the whole batch raises, image by image, so that one bad image costs only itself."""
    if not pixels:
        return []
    try:
        return [_checked(one) for one in _same_length(detector.detect(pixels), pixels)]
    except Exception:  # which image it was is found below
        outcomes = [_found_in_one(detector, one) for one in pixels]
    if len(outcomes) >= HOPELESS and all(isinstance(one, str) for one in outcomes):
        raise DetectorFailed(f"detector {detector.name} fails on every image: {outcomes[0]}",
                             why="images that were not examined cannot be judged",
                             fix="mend the detector or its settings and run again; finished chunks are kept")
    return outcomes


def _found_in_one(detector: Detector, pixels: np.ndarray) -> np.ndarray | str:
    try:
        return _checked(_same_length(detector.detect([pixels]), [pixels])[0])
    except Exception as error:  # recorded as not examined, never as background
        return f"detector failed: {_words(error)}"


def _same_length(found: list[np.ndarray], pixels: list[np.ndarray]) -> list[np.ndarray]:
    if len(found) != len(pixels):
        raise ValueError(f"{len(found)} results for {len(pixels)} images")
    return found


def _checked(rows: np.ndarray) -> np.ndarray:
    rows = np.asarray(rows, np.float32).reshape(-1, 6)
    if not np.isfinite(rows).all():
        raise ValueError("the detector gave a box that is not a number")
    return rows


def _words(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def _as_csv(failures: Sequence[NotExamined]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(FAILURE_FIELDS)
    writer.writerows((one.sample_id, one.filepath, one.reason) for one in failures)
    return text.getvalue()


def _write(part: Detections, target: Path) -> None:
    """The Parquet file goes last: a chunk is finished when it is there."""
    atomic.write_text(target.with_suffix(".csv"), _as_csv(part.not_examined))
    write_boxes(part.boxes, target)


def _read(target: Path) -> Detections:
    with target.with_suffix(".csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))[1:]
    return Detections(read_boxes(target), tuple(NotExamined(*row) for row in rows))
