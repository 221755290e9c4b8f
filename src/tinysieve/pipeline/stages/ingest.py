"""Stage `ingest`: from a source of any kind to the sample table, the packed pixels and version 0."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from tinysieve.dataset.chunks import PLAN
from tinysieve.dataset.ingest import Intake, ingest, open_pixels
from tinysieve.dataset.packed_pixels import PackedPixels
from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.sources.folders import OUTSIDE
from tinysieve.dataset.sources.label_words import LabelWords
from tinysieve.dataset.sources.listing import Listing, row_reasons
from tinysieve.dataset.sources.match_files import Matching, match_files
from tinysieve.dataset.sources.source import SourceContext
from tinysieve.dataset.sources.splits import SPLIT_NAMES
from tinysieve.dataset.sources.stored_images import StoredImages
from tinysieve.dataset.stores.registry import open_store
from tinysieve.dataset.stores.store import ImageStore
from tinysieve.dataset.table_file import check_table, read_table
from tinysieve.dataset.test_split import check_test_split, freeze_test_split
from tinysieve.dataset.version_store import VersionStore
from tinysieve.dataset.versions import first_version
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.engine.artifacts import Artifact, facts
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.stages import Run, Stage, ahead_of
from tinysieve.pipeline.stages.executors import executor_of
from tinysieve.pipeline.stages.libraries import DECODING

FROZEN_TEST = "frozen_test.parquet"


@dataclass(frozen=True, kw_only=True)
class IngestFacts:
    """What became of the source's images, as counts.

    Args:
        samples: images in the sample table.
        quarantined: files that could not be decoded.
        skipped: rows of the source that name no usable image.
        skipped_rows: of these, by reason.
        leaked: copies of a held-out image that were removed from other splits.
        version: id of version 0.
        conflicts: photos that were there under both labels.
        notes: what was assumed while the source was read.
        drawn: held-out splits that were drawn from the training photos.
    """

    samples: int
    quarantined: int
    skipped: int
    skipped_rows: dict[str, int] = field(default_factory=dict)
    leaked: int
    version: str
    conflicts: int = 0
    notes: tuple[str, ...] = ()
    drawn: tuple[str, ...] = ()


INGEST_FACTS = facts("ingest", "ingest.json", IngestFacts)
SAMPLES = Artifact("ingest", "samples.parquet", SampleTable.load)
PIXELS: Artifact[PackedPixels] = Artifact("ingest", PLAN, lambda path: open_pixels(path.parent), ("pixels",))
QUARANTINE = Artifact("ingest", "quarantine.csv", read_table)
SKIPPED = Artifact("ingest", "skipped.csv", read_table)
LEAKS = Artifact("ingest", "leaks.csv", read_table)
CONFLICTS = Artifact("ingest", "conflicts.csv", read_table)


def samples_of(run: Run) -> SampleTable:
    """The sample table of a run whose ingest has finished."""
    return SAMPLES.of(run)


def versions_of(run: Run) -> VersionStore:
    """The run's versions: no artifact of one stage, since policy and reviews add to them."""
    return version_store(run.folder)


def version_store(folder: Path) -> VersionStore:
    """The versions of a run folder."""
    return VersionStore(folder / "versions")


def freeze_test(run: Run) -> None:
    """From now on the test split must stay as it is: something is about to be measured on it."""
    freeze_test_split(samples_of(run), run.folder / FROZEN_TEST)


def store_of(config: Config) -> ImageStore:
    """Where the configured images are read from."""
    dataset, names = config.dataset, config.task.classes
    words = (*names.in_code_order, *SPLIT_NAMES, *(word for words in dataset.classes.values() for word in words))
    return open_store(dataset.source.images, dataset.store, config.run / "store", dataset.follow_links, words)


def list_source(config: Config, store: ImageStore) -> Listing:
    """All candidates of the configured source, rows and files brought together."""
    return list_images(config, store.scan())


def list_images(config: Config, images: StoredImages) -> Listing:
    """The same where the store was looked at already."""
    dataset, names = config.dataset, config.task.classes
    if not len(images.photos) and images.unfollowed:
        raise InputError(f"no images: {len(images.unfollowed):,} links to folders are not followed, such as "
                         f"{images.unfollowed[0]!r}", where=images.where,
                         fix="name the folders that links may lead into: dataset.follow_links: [FOLDER]")
    given = SourceContext(images, LabelWords.of(names, dataset.classes), dataset.table, np.random.default_rng(config.seed))
    listing = dataset.source.listing(given)
    matching = Matching(dataset.on_missing, dataset.on_conflict, names, dataset.on_unnamed)
    listing = match_files(listing, images.photos, images.where, matching, images.litter)
    return replace(listing, refused=images.refused, notes=images.notes + listing.notes)


def _ingest(run: Run, folder: Path) -> str:
    config = run.config
    store = store_of(config)
    listing = list_source(config, store)
    intake = Intake(config.dataset.on_conflict, config.task.classes)
    with progress("ingest") as report:
        result = ingest(listing, store, folder, report, executor_of(config), intake, ahead_of(run))
    check_test_split(result.samples, run.folder / FROZEN_TEST)
    first = first_version(result.samples)
    versions_of(run).adopt(first)
    INGEST_FACTS.write(IngestFacts(
        samples=len(result.samples), quarantined=result.quarantined, skipped=result.skipped,
        skipped_rows=row_reasons([row for row in listing.skipped if row.reason != OUTSIDE]), leaked=result.leaked,
        version=first.id, conflicts=result.conflicts, notes=(*listing.notes, *result.notes), drawn=listing.drawn), folder)
    return first.id


def _source_fingerprint(run: Run) -> dict[str, str]:
    """What the store says of every file of images, and the bytes of every table."""
    digest = hashlib.blake2b(store_of(run.config).fingerprint(), digest_size=8)
    for table in run.config.dataset.source.tables:
        digest.update(_bytes_of(table))
    return {"source": digest.hexdigest()}


def _bytes_of(table: Path) -> bytes:
    if not table.exists():
        return b""
    check_table(table)
    try:
        return table.read_bytes()
    except OSError as error:
        raise InputError(f"the table cannot be read: {error.strerror}", where=str(table),
                         fix="name a CSV, Excel or Parquet file") from error


def _settings(config: Config) -> object:
    source, dataset = config.dataset.source, config.dataset
    seed = config.seed if source.draws else None
    return {"source": TypeAdapter(type(source)).dump_python(source, mode="json"), "on_missing": dataset.on_missing, "seed": seed,
            "on_conflict": dataset.on_conflict, "on_unnamed": dataset.on_unnamed, "words": dataset.classes,
            "classes": config.task.classes.in_code_order,
            "table": asdict(dataset.table),
            "follow_links": [str(folder) for folder in dataset.follow_links]}


def _first_version(run: Run) -> tuple[Path, ...]:
    store = versions_of(run)
    return store.files_of(store.resolve("0"))


INGEST = Stage("ingest", 4, (), _settings, _ingest, _source_fingerprint, (*DECODING, "pyarrow"), _first_version)
