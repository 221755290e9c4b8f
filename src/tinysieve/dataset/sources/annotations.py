"""Several rows about one photo: what the annotators said, kept as columns; and what becomes of contradictions."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tinysieve.dataset.classes import NEGATIVE, POSITIVE, UNLABELED, ClassNames
from tinysieve.dataset.sources.listing import ORIGIN, RECORD, Listing, place_of
from tinysieve.ground.errors import InputError

OnConflict = Literal["review", "majority", "first", "error"]
CONFLICT = "label_conflict"


def resolve_annotations(listing: Listing, how: OnConflict, names: ClassNames) -> Listing:
    """Give all rows of a photo one label, with `votes_<class>` and `label_conflict` beside it where photos have several rows.

    Args:
        listing: rows, several of which may name one file.
        how: what becomes of a photo with both labels: `review` takes its label away, for the signals or a person to decide;
            `majority` takes the label of more rows, and none where they are equal; `first` changes nothing, so that the first
            row counts; `error` stops.
        names: what the classes are called.

    Raises:
        InputError: `how` is "error" and rows contradict each other.
    """
    table = listing.table
    photos = pc.dictionary_encode(table["filepath"].combine_chunks()).indices.to_numpy(zero_copy_only=False)
    labels = names.codes(table["label"])
    count = int(photos.max(initial=-1)) + 1
    if count == len(photos):
        return listing
    votes = {code: np.bincount(photos[labels == code], minlength=count) for code in (NEGATIVE, POSITIVE)}
    both = (votes[NEGATIVE] > 0) & (votes[POSITIVE] > 0)
    for code in votes:
        table = table.append_column(votes_column(names.in_code_order[code]), pa.array(votes[code][photos]))
    if not both.any():
        return replace(listing, table=table)
    rows = np.flatnonzero(both[photos])
    if how == "error":
        raise _contradiction(table, rows[photos[rows] == photos[rows[0]]], int(both.sum()))
    if how != "first":
        margin = votes[POSITIVE] - votes[NEGATIVE]
        agreed = np.sign(margin) if how == "majority" else np.zeros(count)
        labels[rows] = np.choose(agreed[photos[rows]].astype(int) + 1, [NEGATIVE, UNLABELED, POSITIVE])
    counts = zip(votes[POSITIVE][both], votes[NEGATIVE][both], strict=True)
    said = pa.array([f"{yes} {names.positive}, {no} {names.negative}" for yes, no in counts])
    which = np.cumsum(both) - 1
    conflict = said.take(pa.array(which[photos], mask=~both[photos]))
    table = table.append_column(CONFLICT, conflict)
    table = table.set_column(table.column_names.index("label"), "label", names.names(labels))
    table = _unlabel_train(table)
    return replace(listing, table=table, notes=(*listing.notes, _note(int(both.sum()), how)))


def votes_column(name: str) -> str:
    """The column that counts how many rows of a photo name a class."""
    return f"votes_{name}"


def _unlabel_train(table: pa.Table) -> pa.Table:
    bare = pc.and_(pc.equal(table["split"], "train"), pc.is_null(table["label"]))
    return table.set_column(table.column_names.index("split"), "split", pc.if_else(bare, "unlabeled", table["split"]))


def _note(count: int, how: OnConflict) -> str:
    fate = {"review": "they count as unlabeled until signals or a person decide; with filter.annotators: true the rows' votes "
            "are a signal", "first": "the first row counts",
            "majority": "the label of more rows counts, none where they are equal"}[how]
    return f"rows contradict each other about {count:,} photo{'s' if count > 1 else ''} (column {CONFLICT}): {fate}"


def _contradiction(table: pa.Table, rows: np.ndarray, count: int) -> InputError:
    few = table.select(["filepath", ORIGIN, RECORD]).take(pa.array(rows[:5])).to_pylist()
    photos = f"{count:,} photo{'s' if count > 1 else ''}"
    return InputError(f"rows contradict each other about {photos}, the first is {few[0]['filepath']!r}",
                      where=", ".join(place_of(row[ORIGIN], row[RECORD]) for row in few),
                      fix="mend the rows, or set dataset.on_conflict: review, majority or first")
