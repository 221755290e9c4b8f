"""What an ingest would lose, said without decoding a photo: rows, files that nothing reads, files that no folder or row names."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tinysieve.dataset.image_formats import HEAD_BYTES, READ, format_of, refusal
from tinysieve.dataset.images import UndecodableImage
from tinysieve.dataset.ingest import check_listed
from tinysieve.dataset.samples import SPLITS
from tinysieve.dataset.sources.image_places import in_words
from tinysieve.dataset.sources.listing import Listing, SkippedRow
from tinysieve.dataset.sources.match_files import NO_FILE
from tinysieve.dataset.stores.folder_store import LINK_LEAVES, followed
from tinysieve.dataset.stores.store import ImageStore
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.stages.ingest import list_images, store_of

FOLLOW = "dataset.follow_links:"
NOT_ENTERED = "link to a folder that is not followed"


@dataclass(frozen=True)
class FirstLook:
    """What an ingest would read and lose.

    Args:
        counts: photos by split and class; None stands for no label.
        lost: rows and files that would be left out, with where they stand and why.
        notes: what was assumed.
    """

    counts: dict[tuple[str, str | None], int]
    lost: tuple[SkippedRow, ...]
    notes: tuple[str, ...]

    @property
    def photos(self) -> int:
        """All that would come in."""
        return sum(self.counts.values())

    @property
    def reasons(self) -> dict[str, int]:
        """How many are lost for each reason, the most frequent first."""
        return dict(Counter(row.reason for row in self.lost).most_common())


def look_ahead(config: Config) -> FirstLook:
    """Read as ingest does, without opening more of a photo than its first bytes.

    Raises:
        InputError: whatever stops an ingest before it decodes.
    """
    store = store_of(config)
    images = store.scan()
    listing = list_images(config, images)
    check_listed(listing.table, store.where, config.task.classes)
    unread = tuple(_unread(store, listing.table["filepath"].to_pylist(), config.dataset.follow_links))
    gone = pa.array([row.filepath for row in unread], pa.string())
    kept = listing.table.filter(pc.invert(pc.is_in(listing.table["filepath"], gone)))
    groups = kept.group_by(["split", "label"]).aggregate([([], "count_all")]).to_pylist()
    counts = {(row["split"], row["label"]): row["count_all"] for row in groups}
    unfollowed = (SkippedRow(name, store.where, NOT_ENTERED) for name in images.unfollowed)
    lost = (*listing.skipped, *listing.refused, *unread, *unfollowed)
    return FirstLook(counts, lost, (*listing.notes, *_uncounted(listing), *_leading_out(store.where, unread)))


def require_usable(look: FirstLook, config: Config) -> None:
    """Stop where what remains is not enough for an ingest.

    Raises:
        InputError: a split of train, validation and test has no readable photo of a class; with the most frequent reason.
    """
    for split in SPLITS[:3]:
        for name in config.task.classes.positive_first:
            if not look.counts.get((split, name)):
                reason, number = next(iter(look.reasons.items()))
                raise InputError(f"split '{split}' holds no readable image labelled {name}",
                                 where=in_words(config.dataset.source.images), why=f"{number:,} files or rows: {reason}",
                                 fix=next((note for note in look.notes if FOLLOW in note), "mend these files"))


def table_lines(look: FirstLook, config: Config) -> list[str]:
    """Counts by split and class, as lines."""
    names = config.task.classes.positive_first
    lines = []
    for split in SPLITS:
        labelled = [(name, look.counts.get((split, name), 0)) for name in names]
        bare = look.counts.get((split, None), 0)
        if bare or any(count for _, count in labelled):
            said = [f"{count:,} {name}" for name, count in labelled if count] + [f"{bare:,} without a label"] * bool(bare)
            lines.append(f"{split + ':':<11} {', '.join(said)}")
    return lines


def _unread(store: ImageStore, names: Sequence[str], allowed: Sequence[Path]) -> Iterator[SkippedRow]:
    """Files whose first bytes say that they would be quarantined; what lies in an archive is not opened."""
    if not names or store.local_path(names[0]) is None:
        return
    roots = tuple(folder.resolve() for folder in (Path(store.where), *allowed))
    no_heic = find_spec("pillow_heif") is None
    for name in names:
        reason = _reason(f"{store.where}/{name}", roots, no_heic)
        if reason:
            yield SkippedRow(name, store.where, reason)


def _reason(path: str, roots: tuple[Path, ...], no_heic: bool) -> str:
    try:
        if os.path.islink(path) and not any(followed(Path(path)).is_relative_to(root) for root in roots):
            return LINK_LEAVES
        with open(path, "rb", buffering=0) as file:
            head = file.read(HEAD_BYTES)
    except UndecodableImage as error:
        return str(error)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    kind = format_of(head)
    if not head:
        return "empty file"
    if kind == "HEIC" and no_heic:
        return "HEIC needs the package pillow-heif: pip install 'tinysieve[heif]', or convert to JPEG"
    return "" if kind in READ else refusal(kind)


def _leading_out(where: str, unread: Sequence[SkippedRow]) -> tuple[str, ...]:
    """Where links lead that are not followed, so that a person can allow it."""
    out = [row.filepath for row in unread if row.reason == LINK_LEAVES]
    if not out:
        return ()
    real = [os.path.dirname(os.path.realpath(f"{where}/{name}")) for name in out]
    folder = os.path.commonpath(real)
    return (f"{len(out):,} link{'s' if len(out) > 1 else ''} to files elsewhere, such as {out[0]!r}: they are followed with "
            f"{FOLLOW} [{folder}]",)


def _uncounted(listing: Listing) -> tuple[str, ...]:
    """Photos without a row, beside rows without a photo: they may belong together."""
    missing = sum(row.reason == NO_FILE for row in listing.skipped)
    bare = int(pc.sum(pc.and_(pc.is_null(listing.table["label"]), pc.equal(listing.table["split"], "unlabeled"))).as_py() or 0)
    if missing and bare:
        return (f"{bare:,} photos have no label and {missing:,} rows have no photo: are the names the same?",)
    return ()
