"""Stage `ingest`: from a source of any kind to the sample table, the packed pixels and version 0."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tinysieve.dataset.classes import PERSON_TASK, ClassNames
from tinysieve.dataset.ingest import ingest
from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.sources.folders import list_folders, require_classes
from tinysieve.dataset.sources.listing import Listing, image_files, misnamed_files, row_reasons
from tinysieve.dataset.sources.match_files import match_files
from tinysieve.dataset.sources.tables import list_table, list_wake_vision
from tinysieve.dataset.test_split import hold_test_split
from tinysieve.dataset.version_store import VersionStore
from tinysieve.dataset.versions import first_version
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.config.sections import Config, FolderSource, TableSource, WakeVisionSource
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.stages import Run, Stage
from tinysieve.pipeline.stages.libraries import PIXELS

FROZEN_TEST = "frozen_test.parquet"


def samples_of(run: Run) -> SampleTable:
    """The sample table of a run whose ingest has finished."""
    return SampleTable.load(run.at("ingest") / "samples.parquet")


def versions_of(run: Run) -> VersionStore:
    """The run's versions."""
    return VersionStore(run.folder / "versions")


def list_source(config: Config) -> Listing:
    """All candidates of the configured source, rows and files brought together."""
    source = config.dataset.source
    files = image_files(source.images)
    listing = match_files(_list(source, config.seed), files, source.images, config.dataset.on_missing)
    named = _in_words_of(listing.table, config.task.classes)
    return replace(listing, table=named, skipped=listing.skipped + misnamed_files(source.images))


def _in_words_of(table: pa.Table, classes: ClassNames) -> pa.Table:
    """A listing whose labels are called as the task calls them; sources of codes call them person and background."""
    names = classes.names(PERSON_TASK.codes(table["label"]))
    unknown = pc.and_(pc.is_valid(table["label"]), pc.is_null(names))
    labels = pc.if_else(unknown, table["label"], names)
    return table.set_column(table.column_names.index("label"), "label", labels)


def _list(source: TableSource | WakeVisionSource | FolderSource, seed: int) -> Listing:
    match source:
        case TableSource():
            holdout = {"validation": source.holdout.validation, "test": source.holdout.test}
            rng = np.random.default_rng(seed)
            return list_table(source.table, source.filepath, source.label, source.split, holdout, rng)
        case WakeVisionSource():
            return list_wake_vision({"test": source.test, "validation": source.validation, "train": source.train})
        case FolderSource():
            listing = list_folders(source.images, source.train_folders)
            require_classes(listing, source.images)
            return listing


def _ingest(run: Run, folder: Path) -> str:
    config = run.config
    listing = list_source(config)
    with progress("ingest") as report:
        result = ingest(listing, config.dataset.source.images, folder, report, config.workers,
                        config.task.classes)
    hold_test_split(result.samples, run.folder / FROZEN_TEST)
    first = first_version(result.samples)
    versions_of(run).adopt(first)
    counts = {"samples": len(result.samples), "quarantined": result.quarantined, "skipped": result.skipped,
              "skipped_rows": row_reasons(listing.skipped), "leaked": result.leaked, "version": first.id}
    (folder / "ingest.json").write_text(json.dumps(counts, indent=1) + "\n")
    return first.id


def _source_fingerprint(run: Run) -> dict[str, str]:
    """Size and time of every image file, and the bytes of every table."""
    source = run.config.dataset.source
    digest = hashlib.blake2b(digest_size=8)
    for name in image_files(source.images).to_pylist():
        digest.update(f"{name}\0{_size_and_time(source.images / name)}\n".encode())
    match source:
        case TableSource():
            tables: tuple[Path, ...] = (source.table,)
        case WakeVisionSource():
            tables = (*source.train, *source.validation, *source.test)
        case FolderSource():
            tables = ()
    for table in tables:
        digest.update(_bytes_of(table))
    return {"source": digest.hexdigest()}


def _bytes_of(table: Path) -> bytes:
    try:
        return table.read_bytes() if table.exists() else b""
    except OSError as error:
        raise InputError(f"the table cannot be read: {error.strerror}", where=str(table),
                         fix="name a CSV or Parquet file") from error


def _size_and_time(file: Path) -> str:
    try:
        stat = file.stat()
    except OSError:
        # A link to nowhere; ingest puts it into quarantine by name.
        return os.readlink(file) if file.is_symlink() else "gone"
    return f"{stat.st_size}\0{stat.st_mtime_ns}"


def _settings(config: Config) -> object:
    source = config.dataset.source
    seed = config.seed if isinstance(source, TableSource) and source.split is None else None
    return {"source": source.model_dump(mode="json"), "on_missing": config.dataset.on_missing, "seed": seed,
            "classes": config.task.classes.in_code_order}


def _frozen_and_first(run: Run) -> tuple[Path, ...]:
    store = versions_of(run)
    return (run.folder / FROZEN_TEST, *store.files_of(store.resolve("0")))


INGEST = Stage("ingest", 2, (), _settings, _ingest, _source_fingerprint, (*PIXELS, "pyarrow"), _frozen_and_first)
