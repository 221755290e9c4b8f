"""Files with the same bytes: none of a held-out photo in another split, none under two labels, and an id for each row."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tinysieve.dataset.classes import NEGATIVE, POSITIVE, UNLABELED, ClassNames
from tinysieve.dataset.sources.annotations import CONFLICT, OnConflict
from tinysieve.ground.errors import InputError

# Who keeps an image whose bytes stand in several splits: what must stay untouched comes first.
_HELD_OUT_FIRST = ("test", "validation", "train", "unlabeled")


def without_leaks(table: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Take byte-identical copies of a held-out image out of every other split.

    Returns:
        what stays, and which rows went because of which.
    """
    rank = pc.index_in(table["split"], pa.array(_HELD_OUT_FIRST)).to_numpy().astype(np.int64)
    codes = _codes(table)
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


def without_double_labels(table: pa.Table, how: OnConflict, names: ClassNames) -> tuple[pa.Table, pa.Table]:
    """Of a photo that is filed under both labels one row stays, with what `how` makes of its label.

    A training photo whose label is in doubt counts as unlabeled; a held-out one can measure nothing, and goes.

    Returns:
        what stays, with column `label_conflict` where there is something to say; and every file of such photos, with its label.

    Raises:
        InputError: `how` is "error" and a photo has both labels.
    """
    codes, labels = _codes(table), names.codes(table["label"])
    count = int(codes.max(initial=-1)) + 1
    votes = {code: np.bincount(codes[labels == code], minlength=count) for code in (NEGATIVE, POSITIVE)}
    both = (votes[NEGATIVE] > 0) & (votes[POSITIVE] > 0)
    rows = np.flatnonzero(both[codes])
    rows = rows[np.argsort(codes[rows], kind="stable")]
    first = rows[np.concatenate(([True], codes[rows][1:] != codes[rows][:-1]))] if len(rows) else rows
    report = table.select(["filepath", "label", "split", "sample_id"]).take(pa.array(rows))
    if not len(rows):
        return table, report
    if how == "error":
        raise InputError(f"{len(first):,} photos are there under both labels, such as {report['filepath'][0].as_py()!r} and "
                         f"{report['filepath'][1].as_py()!r}", fix="take the wrong copies out, or set dataset.on_conflict")
    decided = _decided(votes, labels, codes, first, how)
    goes = np.zeros(len(labels), bool)
    goes[rows] = True
    trained = np.isin(table["split"].take(pa.array(first)).to_pylist(), ("train", "unlabeled"))
    goes[first[(decided != UNLABELED) | trained]] = False
    labels[first] = decided
    return _marked(table, labels, first, report, names).filter(pa.array(~goes)), report


def _decided(votes: dict[int, NDArray[np.int64]], labels: NDArray[np.int8], codes: NDArray[np.int64], first: NDArray[np.int64],
             how: OnConflict) -> NDArray[np.int8]:
    """The label of each photo in conflict, by its first row."""
    if how == "first":
        return labels[first]
    margin = (votes[POSITIVE] - votes[NEGATIVE])[codes[first]] if how == "majority" else np.zeros(len(first))
    return np.choose(np.sign(margin).astype(int) + 1, [NEGATIVE, UNLABELED, POSITIVE]).astype(np.int8)


def _marked(table: pa.Table, labels: NDArray[np.int8], first: NDArray[np.int64], report: pa.Table, names: ClassNames) -> pa.Table:
    """The table with its labels decided, its undecided photos unlabeled, and where the copies lie in `label_conflict`."""
    copies = report.group_by("sample_id", use_threads=False).aggregate([("filepath", "list"), ("label", "list")]).to_pylist()
    said: list[str | None] = [None] * table.num_rows
    for row, group in zip(first, copies, strict=True):
        pairs = zip(group["label_list"], group["filepath_list"], strict=True)
        said[row] = "; ".join(f"{label} as {path}" for label, path in pairs)
    explained = pa.array(said, pa.string())
    if CONFLICT in table.column_names:
        place = table.column_names.index(CONFLICT)
        table = table.set_column(place, CONFLICT, pc.coalesce(explained, table[CONFLICT]))
    else:
        table = table.append_column(CONFLICT, explained)
    doubtful = np.zeros(table.num_rows, bool)
    doubtful[first[labels[first] == UNLABELED]] = True
    split = pc.if_else(pa.array(doubtful), "unlabeled", table["split"])
    table = table.set_column(table.column_names.index("split"), "split", split)
    return table.set_column(table.column_names.index("label"), "label", names.names(labels))


def copies_of_others(table: pa.Table) -> pa.Array:
    """string [C]: paths of the rows whose bytes an earlier row of the same split has; each of them counts as a photo."""
    keys = table.select(["sample_id", "split"])
    codes = pc.dictionary_encode(pc.binary_join_element_wise(keys["sample_id"], keys["split"], " ").combine_chunks()).indices
    _, first = np.unique(codes.to_numpy(), return_index=True)
    again = np.ones(table.num_rows, bool)
    again[first] = False
    return table["filepath"].combine_chunks().filter(pa.array(again))


def numbered_copies(table: pa.Table) -> pa.Table:
    """Copies within one split stay, with `-1`, `-2`, ... behind the hash, so that an id names one row."""
    codes = _codes(table)
    order = np.argsort(codes, kind="stable")
    starts = np.concatenate(([True], codes[order][1:] != codes[order][:-1])) if len(order) else np.zeros(0, bool)
    nth = np.empty(len(order), np.int64)
    nth[order] = np.arange(len(order)) - np.flatnonzero(starts)[np.cumsum(starts) - 1]
    suffix = pc.if_else(pa.array(nth > 0), pc.binary_join_element_wise("-", pc.cast(pa.array(nth), pa.string()), ""), "")
    ids = pc.binary_join_element_wise(table["sample_id"].combine_chunks(), suffix, "")
    return table.set_column(table.column_names.index("sample_id"), "sample_id", ids)


def _codes(table: pa.Table) -> NDArray[np.int64]:
    """A number for each content, in the order in which they come."""
    return pc.dictionary_encode(table["sample_id"].combine_chunks()).indices.to_numpy().astype(np.int64)
