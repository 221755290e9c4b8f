"""Ingest: every image opened and decoded once, the broken ones quarantined by name, the test split frozen.

The folder that `ingest` fills is complete and never written again: samples.parquet, pixels.npy (uint8
[rows, 144, 144, 3], what the model sees), quarantine.csv, skipped.csv, leaks.csv.
"""

from __future__ import annotations

import errno
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
from tinysieve.dataset.copies import numbered_copies, without_double_labels, without_leaks
from tinysieve.dataset.images import MODEL_SIZE, Pixels, UndecodableImage, decode, read_image, resize_bilinear
from tinysieve.dataset.samples import SPLITS, SampleTable
from tinysieve.dataset.sources.annotations import OnConflict
from tinysieve.dataset.sources.listing import Listing, SkippedRow
from tinysieve.ground.array_file import create_array
from tinysieve.ground.atomic_files import replacing
from tinysieve.ground.errors import InputError
from tinysieve.ground.progress import Progress

CHUNK = 512
LINK_LEAVES = "path leaves the image root"
LINK_CIRCLE = "symbolic link that leads to itself"


@dataclass(frozen=True)
class Intake:
    """What may come in, and how.

    Args:
        follow_links: folders that links of the image folder may lead into.
        on_conflict: what becomes of one photo under both labels.
        names: what the classes are called.
    """

    follow_links: tuple[Path, ...] = ()
    on_conflict: OnConflict = "review"
    names: ClassNames = PERSON_TASK


AS_A_RULE = Intake()


@dataclass(frozen=True)
class IngestResult:
    """What ingest found; counts of images, `conflicts` of photos that were there under both labels."""

    samples: SampleTable
    quarantined: int
    skipped: int
    leaked: int
    conflicts: int


@dataclass(frozen=True)
class _Examined:
    sample_id: str
    width: int
    height: int
    reason: str
    pixels: Pixels | None


def ingest(listing: Listing, root: Path, folder: Path, progress: Progress, workers: int,
           intake: Intake = AS_A_RULE) -> IngestResult:
    """Decode all candidates and write the sample table; continues where a killed run stopped.

    Args:
        listing: candidates from a source.
        root: image folder; no file outside it is opened.
        folder: where to write; may hold the chunks of a killed run over the same listing.
        progress: called with (done, total) images.
        workers: decoding threads.
        intake: which links count, and what becomes of one photo under both labels.

    Raises:
        InputError: a class or split that must be there is empty: said before anything is decoded where the listing shows it.
    """
    check_listed(listing.table, str(root), intake.names)
    folder.mkdir(parents=True, exist_ok=True)
    roots = tuple(path.resolve() for path in (root, *intake.follow_links))
    examined = _examine_all(listing.table["filepath"], roots, folder, progress, workers)
    table = listing.table
    for name in ("sample_id", "width", "height"):
        table = table.append_column(name, examined[name])
    table = table.append_column("pixel_row", pa.array(np.arange(table.num_rows)))
    broken = pc.is_valid(examined["reason"])
    _write_csv(folder / "quarantine.csv", pa.table({
        "filepath": table["filepath"].filter(broken), "reason": examined["reason"].filter(broken)}))
    _write_skipped(folder / "skipped.csv", listing.skipped)
    kept, leaks = without_leaks(table.filter(pc.invert(broken)))
    _write_csv(folder / "leaks.csv", leaks)
    kept, double = without_double_labels(kept, intake.on_conflict, intake.names)
    _write_csv(folder / "conflicts.csv", double)
    samples = SampleTable(numbered_copies(kept), intake.names)
    _check_usable(samples, str(root), _most_frequent(examined["reason"], folder / "quarantine.csv"))
    samples.save(folder / "samples.parquet")
    shutil.rmtree(folder / "chunks")
    conflicts = pc.count_distinct(double["sample_id"]).as_py()
    return IngestResult(samples, int(pc.sum(broken).as_py() or 0), len(listing.skipped), leaks.num_rows, conflicts)


def open_pixels(folder: Path) -> Pixels:
    """The packed pixels, uint8 [rows, 144, 144, 3], as a read-only memory map; index with `pixel_row`."""
    return np.load(folder / "pixels.npy", mmap_mode="r", allow_pickle=False)


def _examine_all(paths: pa.ChunkedArray, roots: tuple[Path, ...], folder: Path, progress: Progress, workers: int) -> pa.Table:
    total, chunks = len(paths), folder / "chunks"
    chunks.mkdir(exist_ok=True)
    pixels = _pixel_file(folder / "pixels.npy", total)
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, total, CHUNK):
            part = chunks / f"{start:09d}.parquet"
            if not part.exists():
                names = paths.slice(start, CHUNK).to_pylist()
                examined = list(pool.map(lambda name: _examine(roots, name), names))
                for row, image in enumerate(examined, start):
                    pixels[row] = 0 if image.pixels is None else image.pixels
                pixels.flush()
                _write_chunk(part, examined)
            progress(min(start + CHUNK, total), total)
    return pa.concat_tables([pq.read_table(path) for path in sorted(chunks.glob("*.parquet"))])


def _examine(roots: tuple[Path, ...], name: str) -> _Examined:
    """Whatever happens while one file is looked at is a matter of this file."""
    try:
        return _decoded(roots, name)
    except UndecodableImage as error:
        reason = str(error)
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    except Exception as error:
        reason = f"cannot be read: {str(error) or type(error).__name__}"
    return _Examined("", 0, 0, reason, None)


def _decoded(roots: tuple[Path, ...], name: str) -> _Examined:
    path = _followed(roots[0] / name)
    if not any(path.is_relative_to(root) for root in roots):
        raise UndecodableImage(LINK_LEAVES)
    data = read_image(path)
    image = decode(data)
    digest = hashlib.blake2b(data, digest_size=16).hexdigest()
    return _Examined(digest, image.shape[1], image.shape[0], "", resize_bilinear(image))


def _followed(path: Path) -> Path:
    """Where links lead. Whether in a circle, the system says: `resolve` raises on one in Python 3.11 and not in 3.13."""
    try:
        path.stat()
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise UndecodableImage(LINK_CIRCLE) from error
    return path.resolve()


def _pixel_file(path: Path, rows: int) -> np.memmap:
    shape = (rows, MODEL_SIZE, MODEL_SIZE, 3)
    if path.exists():
        return np.lib.format.open_memmap(path, mode="r+")
    return create_array(path, np.uint8, shape)


def _write_chunk(path: Path, examined: list[_Examined]) -> None:
    columns = {name: pa.array([getattr(image, name) for image in examined]) for name in ("sample_id", "width", "height")}
    columns["reason"] = pa.array([image.reason or None for image in examined], pa.string())
    with replacing(path) as temporary:
        pq.write_table(pa.table(columns), temporary)


def check_listed(table: pa.Table, where: str, names: ClassNames) -> None:
    """Refuse before the decoding, which may take an hour, what cannot become usable by it.

    Raises:
        InputError: a split of train, validation and test has no image of a class.
    """
    for split in SPLITS[:3]:
        labels = table["label"].filter(pc.equal(table["split"], split))
        for name in names.in_code_order:
            if not pc.any(pc.equal(labels, name)).as_py():
                raise _lacking(split, f"image labelled {name}", where)


def _check_usable(samples: SampleTable, where: str, cause: str) -> None:
    for split in SPLITS[:3]:
        for code, name in enumerate(samples.classes.in_code_order):
            if not (samples.in_split(split) & (samples.labels == code)).any():
                raise _lacking(split, f"decodable image labelled {name}", where, cause)


def _most_frequent(reasons: pa.ChunkedArray, list_at: Path) -> str:
    """Why most of the files that are lost are lost, and where all of them are named; "" where none is."""
    counts = pc.value_counts(reasons.drop_null()).to_pylist()
    if not counts:
        return ""
    most = max(counts, key=lambda count: count["counts"])
    allow = "; dataset.follow_links: [FOLDER] names where links may lead" if most["values"] == LINK_LEAVES else ""
    lost = sum(count["counts"] for count in counts)
    return f"{most['counts']:,} of {lost:,} lost files: {most['values']}{allow}; see {list_at}"


def _lacking(split: str, what: str, where: str, cause: str = "") -> InputError:
    return InputError(f"split '{split}' holds no {what}", where=where,
                      why=cause or "the pipeline trains on train, stops on validation and measures on test",
                      fix="mend these files" if cause else
                      "give each split both classes; for a table, dataset.source.split: null draws splits")


def _write_skipped(path: Path, skipped: tuple[SkippedRow, ...]) -> None:
    names = ("filepath", "where", "reason")
    _write_csv(path, pa.table({name: pa.array([getattr(row, name) for row in skipped], pa.string()) for name in names}))


def _write_csv(path: Path, table: pa.Table) -> None:
    with replacing(path) as temporary:
        pacsv.write_csv(table, temporary)
