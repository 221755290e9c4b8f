"""Features of every image as one float16 array on disk, made once and resumed after a kill at the last finished chunk.

The rows are those of the sample table. Whoever has better features gives them as a file instead.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from tinysieve.dataset.images import Pixels, UndecodableImage
from tinysieve.filtering.evidence.backbones.lite0_backbone import shrink
from tinysieve.filtering.evidence.detectors.detector import decode_any
from tinysieve.filtering.evidence.detectors.examine_chunk import Decode
from tinysieve.ground.array_file import create_array
from tinysieve.ground.atomic_files import write_text
from tinysieve.ground.errors import InputError
from tinysieve.ground.progress import Progress

HalfArray = NDArray[np.float16]

ARRAY = "embeddings.npy"
RESUME = "embeddings.resume.json"


class Backbone(Protocol):
    """What turns images into features.

    Attributes:
        name: for people.
        fingerprint: changes whenever the features would.
        dim: features an image.
        side: pixels of the square that `embed` takes.
    """

    name: str
    fingerprint: str
    dim: int
    side: int

    def embed(self, images: Pixels) -> NDArray[np.float32]:
        """Features float32 [n, dim] of images uint8 [n, side, side, 3]."""
        ...


def embed_all(
    backbone: Backbone, paths: Sequence[Path | str], sample_ids: Sequence[str], folder: Path, chunk: int, progress: Progress,
    decode: Decode = decode_any, rows: NDArray[np.int64] | None = None,
) -> HalfArray:
    """Embed every image; a second call after a kill goes on where the first was.

    Args:
        backbone: makes the features.
        paths: one file an image, or the names by which `decode` knows them; in the order in which they are read.
        sample_ids: their ids; a changed list starts afresh.
        folder: receives `embeddings.npy`, whose bytes depend on images and backbone only.
        chunk: images between two saves.
        progress: told (done, total) after each chunk.
        decode: a path or name and a sample_id to uint8 RGB; raises where there is no image.
        rows: int64 [N], the row of each in the array; by default their order.

    Returns:
        float16 [N, dim], a read-only memory map.

    Raises:
        InputError: an image cannot be read any more, or a feature is not a finite number.
    """
    folder.mkdir(parents=True, exist_ok=True)
    asked = {"backbone": backbone.fingerprint, "chunk": chunk, "samples": _digest(sample_ids), "done": 0}
    done = _finished(folder, asked)
    shape = (len(paths), backbone.dim)
    place = np.arange(len(paths)) if rows is None else rows
    array = open_memmap(folder / ARRAY, "r+") if done else create_array(folder / ARRAY, np.float16, shape)
    for start, images in _decoded_chunks(paths, sample_ids, range(done, len(paths), chunk), chunk, backbone.side, decode):
        end = start + len(images)
        array[place[start:end]] = finite(backbone.embed(images).astype(np.float16), f"{paths[start]} .. {paths[end - 1]}")
        # The rows must be on disk before the note that says so.
        array.flush()
        write_text(folder / RESUME, json.dumps(asked | {"done": end}, sort_keys=True))
        progress(end, len(paths))
    del array
    (folder / RESUME).unlink(missing_ok=True)
    return read_embeddings(folder / ARRAY, len(paths))


def read_embeddings(path: Path, count: int) -> HalfArray:
    """Open features from a file: ours, or the user's own in the same row order.

    Args:
        path: a `.npy` file, float16, float32 or float64 [N, D].
        count: N, the rows of the sample table.

    Returns:
        [N, D] as stored, a read-only memory map.

    Raises:
        InputError: no such file, another shape or type, or a value that is not finite (its row is named).
    """
    try:
        rows = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"cannot read features: {error}", where=str(path), fix="give a .npy file") from error
    if rows.ndim != 2 or rows.shape[0] != count or rows.shape[1] == 0 or rows.dtype.kind != "f":
        raise InputError(
            f"features are {rows.dtype} {list(rows.shape)}, expected float [{count}, D]", where=str(path),
            why="each row belongs to the image in the same row of the sample table",
            fix="make one row an image, in the order of the sample table",
        )  # fmt: skip
    for start in range(0, count, 65_536):
        finite(rows[start : start + 65_536], str(path), start)
    return rows


def _digest(sample_ids: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(sample_ids).encode()).hexdigest()[:16]


def _finished(folder: Path, asked: dict[str, object]) -> int:
    """Rows that an earlier, killed call has saved for the same question; 0 when there is none."""
    try:
        noted = json.loads((folder / RESUME).read_text(encoding="utf-8"))
        return int(noted["done"]) if noted | {"done": 0} == asked and (folder / ARRAY).is_file() else 0
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def finite(rows: NDArray[np.floating], where: str, offset: int = 0) -> NDArray[np.floating]:
    """The rows float [n, D] as they are.

    Args:
        rows: features.
        where: for the error.
        offset: number of the first.

    Raises:
        InputError: a value is not a finite number.
    """
    bad = ~np.isfinite(rows).all(axis=1)
    if bad.any():
        raise InputError(f"row {offset + int(bad.argmax())} of the features is not finite", where=where)
    return rows


def _decoded_chunks(paths: Sequence[Path | str], sample_ids: Sequence[str], starts: range, chunk: int, side: int,
                    decode: Decode) -> Iterator[tuple[int, Pixels]]:
    """Prepared images chunk by chunk; the next chunk is decoded while the caller works on this one."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:

        def ask(start: int) -> list[Future[Pixels]]:
            piece = slice(start, start + chunk)
            return [pool.submit(_prepared, str(path), sample_id, side, decode)
                    for path, sample_id in zip(paths[piece], sample_ids[piece], strict=True)]

        ahead = {start: ask(start) for start in starts[:1]}
        for start in starts:
            if start + chunk < len(paths):
                ahead[start + chunk] = ask(start + chunk)
            yield start, np.stack([image.result() for image in ahead.pop(start)])


def _prepared(path: str, sample_id: str, side: int, decode: Decode) -> Pixels:
    try:
        return shrink(decode(path, sample_id), side)
    except (OSError, UndecodableImage) as error:
        raise InputError(
            f"an image cannot be read any more: {error}", where=path, why="ingest could read it",
            fix="put the file back, or run ingest again",
        ) from error  # fmt: skip
