"""Ingest: every image opened and decoded once, the broken ones quarantined by name, the test split frozen.

The folder that `ingest` fills is complete and never written again: samples.parquet, quarantine.csv, skipped.csv, leaks.csv; the
plan of its chunks, and two parts a chunk: pixels/ (uint8 [n, 144, 144, 3], what the model sees) and examined/ (what became of
each image).
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tinysieve.dataset.chunks import PLAN, Chunk, Plan, cut, write_plan
from tinysieve.dataset.classes import PERSON_TASK, ClassNames
from tinysieve.dataset.copies import copies_of_others, numbered_copies, without_double_labels, without_leaks
from tinysieve.dataset.csv_table import write_csv_table
from tinysieve.dataset.examined_parts import ExaminedParts
from tinysieve.dataset.executors.executor import Executor
from tinysieve.dataset.packed_pixels import IMAGE_BYTES, PackedPixels
from tinysieve.dataset.reading import Listed, Parts, ReadingPass
from tinysieve.dataset.samples import SPLITS, SampleTable
from tinysieve.dataset.sources.annotations import OnConflict
from tinysieve.dataset.sources.listing import Listing, SkippedRow
from tinysieve.dataset.stores.folder_store import LINK_LEAVES
from tinysieve.dataset.stores.store import ImageStore
from tinysieve.ground.errors import InputError
from tinysieve.ground.progress import Progress


@dataclass(frozen=True)
class Intake:
    """What may come in, and how.

    Args:
        on_conflict: what becomes of one photo under both labels.
        names: what the classes are called.
    """

    on_conflict: OnConflict = "review"
    names: ClassNames = PERSON_TASK


AS_A_RULE = Intake()


@dataclass(frozen=True)
class IngestResult:
    """What ingest found; counts of images, `conflicts` of photos that were there under both labels; what a person should hear."""

    samples: SampleTable
    quarantined: int
    skipped: int
    leaked: int
    conflicts: int
    notes: tuple[str, ...] = ()


def ingest(listing: Listing, store: ImageStore, folder: Path, progress: Progress, executor: Executor,
           intake: Intake = AS_A_RULE, ahead: tuple[Parts, ...] = ()) -> IngestResult:
    """Decode all candidates and write the sample table; continues where a killed run stopped.

    Args:
        listing: candidates from a source.
        store: where the images lie.
        folder: where to write; may hold the chunks of a killed run over the same listing.
        progress: called with (done, total) images.
        executor: works on the chunks.
        intake: what becomes of one photo under both labels.
        ahead: parts for later stages, made while each image is decoded anyway.

    Raises:
        InputError: a class or split that must be there is empty: said before anything is decoded where the listing shows it.
    """
    check_listed(listing.table, store.where, intake.names)
    folder.mkdir(parents=True, exist_ok=True)
    names = listing.table["filepath"].combine_chunks()
    order = store.reading_order(names)
    examined = _examine_all(names.take(pa.array(order)), store, folder, progress, executor, ahead)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    examined, table = examined.take(pa.array(place)), listing.table
    for name in ("sample_id", "width", "height"):
        table = table.append_column(name, examined[name])
    table = table.append_column("pixel_row", pa.array(place))
    broken = pc.is_valid(examined["reason"])
    write_csv_table(folder / "quarantine.csv", pa.table({
        "filepath": table["filepath"].filter(broken), "reason": examined["reason"].filter(broken)}))
    _write_skipped(folder / "skipped.csv", listing.skipped + listing.refused)
    kept, leaks = without_leaks(table.filter(pc.invert(broken)))
    write_csv_table(folder / "leaks.csv", leaks)
    kept, double = without_double_labels(kept, intake.on_conflict, intake.names)
    write_csv_table(folder / "conflicts.csv", double)
    samples = SampleTable(numbered_copies(kept), intake.names)
    _check_usable(samples, store.where, _most_frequent(examined["reason"], folder / "quarantine.csv"))
    samples.save(folder / "samples.parquet")
    conflicts = pc.count_distinct(double["sample_id"]).as_py()
    skipped = len(listing.skipped) + len(listing.refused)
    return IngestResult(samples, int(pc.sum(broken).as_py() or 0), skipped, leaks.num_rows, conflicts,
                        _copies_note(copies_of_others(kept)))


def _copies_note(again: pa.Array) -> tuple[str, ...]:
    """A split that is swollen by copies measures some photos twice."""
    if not len(again):
        return ()
    photos = "1 photo is a copy of another" if len(again) == 1 else f"{len(again):,} photos are copies of others"
    return (f"{photos} in the same split, byte for byte, such as {again[0].as_py()!r}: each counts; take them out of the source "
            "where they are not meant",)


def open_pixels(folder: Path) -> PackedPixels:
    """The packed pixels, uint8 [rows, 144, 144, 3], of a folder that `ingest` filled; index with `pixel_row`."""
    chunks, parts = Plan(folder / PLAN).chunks, ExaminedParts(folder)
    return PackedPixels([parts.pixels_of(chunk) for chunk in chunks], [len(chunk) for chunk in chunks])


def _examine_all(names: pa.Array, store: ImageStore, folder: Path, progress: Progress, executor: Executor,
                 ahead: tuple[Parts, ...]) -> pa.Table:
    """What is known of each image, in the order of `names`, which is that in which they are read."""
    shards = store.shards(names)
    chunks = cut(shards)
    write_plan(folder / PLAN, names, shards, chunks)
    parts = ExaminedParts(folder)
    _require_room(folder, [chunk for chunk in chunks if not parts.is_done(chunk)])
    executor.run(ReadingPass(store, Listed(folder / PLAN), (*ahead, parts)), chunks, parts.is_done, progress)
    return pa.concat_tables([parts.read(chunk) for chunk in chunks])


def _require_room(folder: Path, chunks: Sequence[Chunk]) -> None:
    """An hour of decoding must not end at a full disk.

    Raises:
        OSError: there is no room for the packed pixels of these chunks.
    """
    if sum(map(len, chunks)) * IMAGE_BYTES > shutil.disk_usage(folder).free:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


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
                      "give each split both classes (an empty cell and -1 are no label); for a table, dataset.source.split: null "
                      "draws splits")


def _write_skipped(path: Path, skipped: tuple[SkippedRow, ...]) -> None:
    names = ("filepath", "where", "reason")
    write_csv_table(path, pa.table({name: pa.array([getattr(row, name) for row in skipped], pa.string()) for name in names}))
