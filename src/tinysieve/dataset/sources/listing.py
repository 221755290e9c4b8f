"""What a source says before any image is opened: which files, which split, which label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tinysieve.dataset.table_file import TableFile

# Where a row stands in its source; no column of a settled listing.
ORIGIN, RECORD = "_origin", "_record"
# In the note of a table with columns of bytes.
BYTES_LEFT_OUT = "columns of bytes are not kept"
_OWN = ("sample_id", "width", "height", "pixel_row")
# Most drawn first.
_HELD_OUT = ("test", "validation")


@dataclass(frozen=True)
class SkippedRow:
    """A row or file of the source that does not become a sample.

    Args:
        filepath: as the source names it.
        where: a file's folder; or the row's table and the line that it begins on, of a Parquet file its number.
        reason: in words.
    """

    filepath: str
    where: str
    reason: str


@dataclass(frozen=True)
class Listing:
    """Candidates in source order.

    Args:
        table: `filepath` (relative to the image root), `split`, `label` (a class name or null), extras.
        skipped: rows that were left out, with the reason.
        notes: what was assumed or mended on the way, for a person to read.
        aside: string [A], photos that the settings leave out: they are no candidates, and nothing is lost with them.
        drawn: held-out splits that were drawn from the training photos, whose labels nobody checked for that.
        refused: what the image store does not read, with the reason; no rows.
    """

    table: pa.Table
    skipped: tuple[SkippedRow, ...] = ()
    notes: tuple[str, ...] = ()
    aside: pa.Array = field(default_factory=lambda: pa.array([], pa.string()))
    drawn: tuple[str, ...] = ()
    refused: tuple[SkippedRow, ...] = ()


def make_listing(filepaths: pa.Array, splits: pa.Array, labels: pa.Array, extras: pa.Table | None = None,
                 source: TableFile | None = None) -> Listing:
    """Assemble the columns; a column of the source whose name is ours is kept as `source_<name>`.

    Args:
        filepaths: string [N]; a `./` in front is taken off.
        splits, labels: string [N].
        extras: N rows of the source's other columns.
        source: the table that the rows are; None where they stand in none.
    """
    count = len(filepaths)
    origin = "" if source is None else f"{source.path}{source.counted}"
    table = pa.table({
        "filepath": pc.replace_substring_regex(filepaths, r"^(\./+)+", ""), "split": splits, "label": labels,
        ORIGIN: pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), [origin]),
        RECORD: np.zeros(count, np.int64) if source is None else source.lines})
    for column, values in () if extras is None else zip(extras.column_names, extras.columns, strict=True):
        name = column
        while name in _OWN or name in table.column_names:
            name = f"source_{name}"
        table = table.append_column(name, values)
    # A train row without a label is what `unlabeled` means.
    bare = pc.and_(pc.equal(table["split"], "train"), pc.is_null(table["label"]))
    return Listing(table.set_column(1, "split", pc.if_else(bare, "unlabeled", table["split"])),
                   notes=() if source is None else source.notes)


def place_of(origin: str, record: int) -> str:
    """Where a row stands, for an error; "" where it stands in no table."""
    return f"{origin}{record}" if origin else ""


def row_reasons(skipped: Sequence[SkippedRow]) -> dict[str, int]:
    """How many rows were left out for each reason, the most frequent first."""
    return dict(Counter(row.reason for row in skipped).most_common())


def draw_holdouts(listing: Listing, shares: Mapping[str, float], rng: np.random.Generator,
                  files: pa.Array | None = None) -> Listing:
    """Draw the held-out splits that the source lacks from its labelled training photos, by class; every photo goes whole.

    Args:
        listing: a split that has a row here is left as it is.
        shares: of "test" and "validation", of the labelled photos.
        rng: draws.
        files: string [F], the photos that are there; rows of others are not drawn. None where all are.
    """
    table, there = listing.table, pc.unique(listing.table["split"]).to_pylist()
    lacking = [name for name in _HELD_OUT if shares.get(name, 0) > 0 and name not in there]
    encoded = pc.fill_null(table["filepath"], "").combine_chunks().dictionary_encode()
    photo, drawn = encoded.indices.to_numpy(), np.zeros(len(encoded.dictionary), np.int8)
    train = np.asarray(pc.equal(table["split"], "train"))
    # A photo that is held out already is not drawn for the other split.
    free = np.ones(len(encoded.dictionary), bool) if files is None else np.asarray(pc.is_in(encoded.dictionary, files))
    free[photo[np.asarray(pc.is_in(table["split"], pa.array(_HELD_OUT)))]] = False
    train &= free[photo]
    for label in sorted(pc.unique(table["label"]).drop_null().to_pylist()):
        rows = train & np.asarray(pc.fill_null(pc.equal(table["label"], label), False))
        photos = np.unique(photo[rows])
        photos, start = rng.permutation(photos[drawn[photos] == 0]), 0
        for number, name in enumerate(lacking, 1):
            # Of three photos each split gets one.
            count = max(round(shares[name] * len(photos)), int(len(photos) > 2))
            drawn[photos[start : start + count]] = number
            start += count
    if not drawn.any():
        return listing
    chosen = np.where(train, drawn[photo], 0)
    names = pa.array(["", *lacking]).take(pa.array(chosen))
    splits = pc.if_else(pa.array(chosen > 0), names, table["split"])
    notes = tuple(f"{int((drawn == number).sum()):,} photos drawn as {name}, which the source does not have: "
                  f"dataset.source.holdout.{name} sets the share" for number, name in enumerate(lacking, 1))
    return replace(listing, table=table.set_column(1, "split", splits), notes=(*listing.notes, *notes), drawn=tuple(lacking))
