"""Rows whose label is the word `dropped`, as `tinysieve export` writes it: out, and no unlabeled photo either."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from tinysieve.dataset.classes import DROPPED_WORD
from tinysieve.dataset.sources.label_words import as_text
from tinysieve.dataset.sources.listing import ORIGIN, RECORD, Listing, SkippedRow, place_of

DROPPED_ROW = "dropped in the table"


def dropped_cells(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """bool [N]: the cell says `dropped`; no class can be called so."""
    return pc.fill_null(pc.equal(pc.utf8_lower(as_text(values)), DROPPED_WORD), False)


def blank_dropped(values: pa.ChunkedArray, dropped: pa.ChunkedArray) -> pa.ChunkedArray:
    """The label's cells, those that say `dropped` empty; unchanged where none does."""
    return pc.if_else(dropped, pa.scalar(None, pa.string()), as_text(values)) if pc.any(dropped).as_py() else values


def without_dropped(listing: Listing, dropped: pa.ChunkedArray) -> Listing:
    """Skip these rows by name: a photo that no row names would count as unlabeled."""
    gone = listing.table.select(["filepath", ORIGIN, RECORD]).filter(dropped)
    rows = zip(gone["filepath"].to_pylist(), gone[ORIGIN].cast(pa.string()).to_pylist(), gone[RECORD].to_pylist(), strict=True)
    skipped = tuple(SkippedRow(str(path), place_of(origin, record), DROPPED_ROW) for path, origin, record in rows)
    return replace(listing, table=listing.table.filter(pc.invert(dropped)), skipped=(*listing.skipped, *skipped))
