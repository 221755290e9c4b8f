"""Ingest: every image opened and decoded once, the broken ones quarantined by name, the test split frozen.

The folder that `ingest` fills is complete and never written again: samples.parquet, pixels.npy (uint8
[rows, 144, 144, 3], what the model sees), quarantine.csv, skipped.csv, leaks.csv.
"""

from __future__ import annotations

import hashlib
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from tinysieve.dataset.classes import PERSON_TASK, ClassNames
from tinysieve.dataset.images import MODEL_SIZE, Pixels, UndecodableImage, decode, resize_bilinear
from tinysieve.dataset.samples import SPLITS, SampleTable
from tinysieve.dataset.sources.listing import Listing, SkippedRow
from tinysieve.ground.array_file import create_array
from tinysieve.ground.atomic_files import replacing
from tinysieve.ground.errors import InputError
from tinysieve.ground.progress import Progress

CHUNK = 512
# Who keeps an image whose bytes stand in several splits: what must stay untouched comes first.
_HELD_OUT_FIRST = ("test", "validation", "train", "unlabeled")


@dataclass(frozen=True)
class IngestResult:
    """What ingest found; counts of images."""

    samples: SampleTable
    quarantined: int
    skipped: int
    leaked: int


@dataclass(frozen=True)
class _Examined:
    sample_id: str
    width: int
    height: int
    reason: str
    pixels: Pixels | None


def ingest(listing: Listing, root: Path, folder: Path, progress: Progress, workers: int,
           classes: ClassNames = PERSON_TASK) -> IngestResult:
    """Decode all candidates and write the sample table; continues where a killed run stopped.

    Args:
        listing: candidates from a source.
        root: image folder; no file outside it is opened.
        folder: where to write; may hold the chunks of a killed run over the same listing.
        progress: called with (done, total) images.
        workers: decoding threads.
        classes: what the two classes are called in the listing's labels.

    Raises:
        InputError: a class or split that must be there is empty: said before anything is decoded where the listing shows it.
    """
    _check_listed(listing.table, classes, str(root))
    folder.mkdir(parents=True, exist_ok=True)
    examined = _examine_all(listing.table["filepath"], root, folder, progress, workers)
    table = listing.table
    for name in ("sample_id", "width", "height"):
        table = table.append_column(name, examined[name])
    table = table.append_column("pixel_row", pa.array(np.arange(table.num_rows)))
    broken = pc.is_valid(examined["reason"])
    _write_csv(folder / "quarantine.csv", pa.table({
        "filepath": table["filepath"].filter(broken), "reason": examined["reason"].filter(broken)}))
    _write_skipped(folder / "skipped.csv", listing.skipped)
    kept, leaks = _without_leaks(table.filter(pc.invert(broken)))
    _write_csv(folder / "leaks.csv", leaks)
    samples = SampleTable(_numbered_copies(kept), classes)
    _check_usable(samples, str(root))
    samples.save(folder / "samples.parquet")
    shutil.rmtree(folder / "chunks")
    return IngestResult(samples, int(pc.sum(broken).as_py() or 0), len(listing.skipped), leaks.num_rows)


def open_pixels(folder: Path) -> Pixels:
    """The packed pixels, uint8 [rows, 144, 144, 3], as a read-only memory map; index with `pixel_row`."""
    return np.load(folder / "pixels.npy", mmap_mode="r", allow_pickle=False)


def _examine_all(paths: pa.ChunkedArray, root: Path, folder: Path, progress: Progress, workers: int) -> pa.Table:
    total, chunks = len(paths), folder / "chunks"
    chunks.mkdir(exist_ok=True)
    pixels = _pixel_file(folder / "pixels.npy", total)
    real_root = root.resolve()
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, total, CHUNK):
            part = chunks / f"{start:09d}.parquet"
            if not part.exists():
                names = paths.slice(start, CHUNK).to_pylist()
                found = list(pool.map(lambda name: _examine(real_root, name), names))
                for row, one in enumerate(found, start):
                    pixels[row] = 0 if one.pixels is None else one.pixels
                pixels.flush()
                _write_chunk(part, found)
            progress(min(start + CHUNK, total), total)
    return pa.concat_tables([pq.read_table(path) for path in sorted(chunks.glob("*.parquet"))])


def _examine(root: Path, name: str) -> _Examined:
    try:
        path = (root / name).resolve()
    except (OSError, RuntimeError):
        return _Examined("", 0, 0, "symbolic link that leads to itself", None)
    if not path.is_relative_to(root):
        return _Examined("", 0, 0, "path leaves the image root", None)
    # A pipe would keep the reader waiting for ever.
    if path.exists() and not path.is_file():
        return _Examined("", 0, 0, "not a regular file", None)
    try:
        data = path.read_bytes()
        image = decode(data)
    except UndecodableImage as error:
        return _Examined("", 0, 0, str(error), None)
    except OSError as error:
        return _Examined("", 0, 0, f"cannot be read: {error.strerror}", None)
    digest = hashlib.blake2b(data, digest_size=16).hexdigest()
    return _Examined(digest, image.shape[1], image.shape[0], "", resize_bilinear(image))


def _pixel_file(path: Path, rows: int) -> np.memmap:
    shape = (rows, MODEL_SIZE, MODEL_SIZE, 3)
    if path.exists():
        return np.lib.format.open_memmap(path, mode="r+")
    return create_array(path, np.uint8, shape)


def _write_chunk(path: Path, found: list[_Examined]) -> None:
    columns = {name: pa.array([getattr(one, name) for one in found]) for name in ("sample_id", "width", "height")}
    columns["reason"] = pa.array([one.reason or None for one in found], pa.string())
    with replacing(path) as temporary:
        pq.write_table(pa.table(columns), temporary)


def _without_leaks(table: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Take byte-identical copies of a held-out image out of every other split."""
    rank = pc.index_in(table["split"], pa.array(_HELD_OUT_FIRST)).to_numpy().astype(np.int64)
    codes = pc.dictionary_encode(table["sample_id"].combine_chunks()).indices.to_numpy()
    order = np.lexsort((rank, codes))
    first = np.concatenate(([True], codes[order][1:] != codes[order][:-1])) if len(order) else np.zeros(0, bool)
    winner = order[first][np.cumsum(first) - 1]
    owner = np.empty(len(order), np.int64)
    owner[order] = winner
    leaked = (rank != rank[owner]) & (rank[owner] < _HELD_OUT_FIRST.index("unlabeled"))
    rows, keepers = np.flatnonzero(leaked), owner[leaked]
    report = pa.table({
        "removed": table["filepath"].take(pa.array(rows)), "removed_from": table["split"].take(pa.array(rows)),
        "same_bytes_as": table["filepath"].take(pa.array(keepers)), "kept_in": table["split"].take(pa.array(keepers)),
    })
    return table.filter(pa.array(~leaked)), report


def _numbered_copies(table: pa.Table) -> pa.Table:
    """Copies within one split stay, with `-1`, `-2`, ... behind the hash, so that an id names one row."""
    codes = pc.dictionary_encode(table["sample_id"].combine_chunks()).indices.to_numpy()
    order = np.argsort(codes, kind="stable")
    starts = np.concatenate(([True], codes[order][1:] != codes[order][:-1])) if len(order) else np.zeros(0, bool)
    nth = np.empty(len(order), np.int64)
    nth[order] = np.arange(len(order)) - np.flatnonzero(starts)[np.cumsum(starts) - 1]
    suffix = pc.if_else(pa.array(nth > 0), pc.binary_join_element_wise("-", pc.cast(pa.array(nth), pa.string()), ""), "")
    ids = pc.binary_join_element_wise(table["sample_id"].combine_chunks(), suffix, "")
    return table.set_column(table.column_names.index("sample_id"), "sample_id", ids)


def _check_listed(table: pa.Table, classes: ClassNames, where: str) -> None:
    """Refuse before the decoding, which may take an hour, what cannot become usable by it."""
    for split in SPLITS[:3]:
        labels = table["label"].filter(pc.equal(table["split"], split))
        for name in classes.in_code_order:
            if not pc.any(pc.equal(labels, name)).as_py():
                raise _lacking(split, f"image labelled {name}", where)


def _check_usable(samples: SampleTable, where: str) -> None:
    for split in SPLITS[:3]:
        for code, name in enumerate(samples.classes.in_code_order):
            if not (samples.in_split(split) & (samples.labels == code)).any():
                raise _lacking(split, f"decodable image labelled {name}", where)


def _lacking(split: str, what: str, where: str) -> InputError:
    return InputError(f"split '{split}' holds no {what}", where=where,
                      why="the pipeline trains on train, stops on validation and measures on test",
                      fix="give each split both classes; for a table, dataset.source.split: null draws splits")


def _write_skipped(path: Path, skipped: tuple[SkippedRow, ...]) -> None:
    names = ("filepath", "where", "reason")
    _write_csv(path, pa.table({name: pa.array([getattr(row, name) for row in skipped], pa.string()) for name in names}))


def _write_csv(path: Path, table: pa.Table) -> None:
    with replacing(path) as temporary:
        pacsv.write_csv(table, temporary)
