"""Rows and files brought together: each file once, and a reason for every row that is left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tinysieve.dataset.classes import PERSON_TASK, ClassNames
from tinysieve.dataset.samples import SPLITS
from tinysieve.dataset.sources.annotations import CONFLICT, OnConflict, resolve_annotations
from tinysieve.dataset.sources.listing import BYTES_LEFT_OUT, ORIGIN, RECORD, Listing, SkippedRow, place_of
from tinysieve.dataset.sources.near_names import take_near_names
from tinysieve.dataset.table_file import HEAVY_LEFT_OUT
from tinysieve.ground.errors import InputError

OnMissing = Literal["skip", "error"]
OnUnnamed = Literal["take", "skip"]
NO_FILE = "no such file"

# A photo that stands in several splits belongs to the one that must stay untouched.
_PRECEDENCE = {"test": 0, "validation": 1, "train": 2, "unlabeled": 3}


@dataclass(frozen=True)
class Matching:
    """How rows become samples: what becomes of rows without a file, of photos whose rows contradict each other, and of photos
    that no row names.
    """

    on_missing: OnMissing = "skip"
    on_conflict: OnConflict = "review"
    names: ClassNames = PERSON_TASK
    on_unnamed: OnUnnamed = "take"


AS_A_RULE = Matching()


def match_files(listing: Listing, files: pa.Array, root: Path | str, matching: Matching = AS_A_RULE,
                litter: Sequence[str] = ()) -> Listing:
    """Bring rows and files together: each file once, rows without a file out, files without a row unlabeled.

    Args:
        listing: what the source says.
        files: string [F], the photos below `root`, relative to it.
        root: image folder.
        matching: what becomes of rows that do not fit.
        litter: pictures that are no photos unless a row names them.

    Raises:
        InputError: no row at all has a file; a row could mean several files; a row has none or rows contradict each other, and
            that is to be an error; or no images remain.
    """
    files = pa.concat_arrays([files, _named_litter(listing, litter)])
    listing = take_near_names(listing, files)
    _require_a_file(listing, files, root)
    listing = resolve_annotations(listing, matching.on_conflict, matching.names)
    listing = _once(_refuse_outside(_without_heldout_nulls(listing)))
    known = len(listing.skipped)
    listing = _skip(listing, pc.invert(pc.is_in(listing.table["filepath"], files)), NO_FILE)
    missing = listing.skipped[known:]
    if missing and matching.on_missing == "error":
        have = "1 row has" if len(missing) == 1 else f"{len(missing):,} rows have"
        raise InputError(f"{have} no image file, first: {missing[0].filepath!r}", where=missing[0].where,
                         fix="download the images, or set dataset.on_missing: skip")
    rows = listing.table.drop_columns([ORIGIN, RECORD])
    unnamed = _unnamed(listing, files)
    if matching.on_unnamed == "skip" and unnamed.num_rows:
        note = f"{unnamed.num_rows:,} photos that no row names are left out, such as {unnamed['filepath'][0].as_py()!r}"
        listing, unnamed = replace(listing, notes=(*listing.notes, note)), unnamed.slice(0, 0)
    table = pa.concat_tables([rows, unnamed], promote_options="default").combine_chunks()
    if not table.num_rows:
        raise InputError("no images remain", where=str(root), fix="check image folder and file names")
    return replace(listing, table=table)


def _named_litter(listing: Listing, litter: Sequence[str]) -> pa.Array:
    names = pa.array(litter, pa.string())
    return names.filter(pc.is_in(names, listing.table["filepath"].combine_chunks())) if len(names) else names


def _unnamed(listing: Listing, files: pa.Array) -> pa.Table:
    """Files that no row names, not even one that was left out, and that are not left aside."""
    named = pa.concat_arrays([listing.table["filepath"].combine_chunks(), listing.aside,
                              pa.array([row.filepath for row in listing.skipped], pa.string())])
    extra = files.filter(pc.invert(pc.is_in(files, named)))
    return pa.table({"filepath": extra, "split": pa.array(["unlabeled"] * len(extra), pa.string()),
                     "label": pa.nulls(len(extra), pa.string())})


def _require_a_file(listing: Listing, files: pa.Array, root: Path | str) -> None:
    """Rows that all miss their files are a matter of how paths are written, and none of labels or splits."""
    names = listing.table["filepath"]
    embedded = any(words in note for note in listing.notes for words in (BYTES_LEFT_OUT, HEAVY_LEFT_OUT))
    if not len(names) or pc.any(pc.is_in(names, files)).as_py():
        return
    first, there = names[0].as_py(), _closest(names[0].as_py() or "", files)
    raise InputError(
        f"none of {len(names):,} row{'s' if len(names) > 1 else ''} names a file below {root}: the first names {first!r}, "
        + ("and that folder has no images" if there is None else f"an existing file is {there!r}"),
        where=_places(listing.table.slice(0, 1))[0], why="the table holds the images itself, as bytes" if embedded else "",
        fix="use kind: shards with the table under dataset.source.images, or write the images to files of these names"
        if embedded else
        "paths count from dataset.source.images: mend the paths, or name another folder")


def _closest(name: str, files: pa.Array) -> str | None:
    """A file with the same last part in any case, else the first file."""
    last = re.split(r"[/\\]", name)[-1].lower()
    alike = pc.ends_with(pc.binary_join_element_wise("/", pc.utf8_lower(files), ""), f"/{last}")
    candidates = files.filter(alike) if pc.any(alike).as_py() else files
    return candidates[0].as_py() if len(candidates) else None


def _without_heldout_nulls(listing: Listing) -> Listing:
    """A held-out image without a usable label can measure nothing: named and left out."""
    table = listing.table
    bad = pc.and_(pc.is_in(table["split"], pa.array(["test", "validation"])), pc.is_null(table["label"]))
    if CONFLICT in table.column_names:
        clash = pc.and_(bad, pc.is_valid(table[CONFLICT]))
        # Its rows in other splits go too: a photo whose label is in doubt is no reason to train on a held-out one.
        photos = table["filepath"].filter(clash).combine_chunks()
        listing = _skip(listing, pc.is_in(table["filepath"], photos), "held-out photo whose rows contradict each other")
        bad = pc.and_(pc.is_in(listing.table["split"], pa.array(["test", "validation"])), pc.is_null(listing.table["label"]))
    return _skip(listing, bad, "held-out row without a usable label")


def _refuse_outside(listing: Listing) -> Listing:
    leaves = pc.match_substring_regex(listing.table["filepath"], r"^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)|\x00")
    return _skip(listing, pc.fill_null(leaves, True), "path leaves the image root")


def _once(listing: Listing) -> Listing:
    """Keep the first row of each file, held-out splits before train."""
    order = pc.index_in(listing.table["split"], pa.array(list(_PRECEDENCE))).to_numpy()
    if np.isnan(order.astype(float)).any():
        strange = listing.table["split"].to_pylist()[int(np.flatnonzero(np.isnan(order.astype(float)))[0])]
        raise InputError(f"split {strange!r} is none of {', '.join(SPLITS)}", fix="use one of these")
    by_rank = np.argsort(order, kind="stable")
    codes = pc.dictionary_encode(listing.table["filepath"].combine_chunks()).indices.to_numpy()
    _, first = np.unique(codes[by_rank], return_index=True)
    keep = np.zeros(len(codes), bool)
    keep[by_rank[first]] = True
    return _skip(listing, pa.array(~keep), "file named by an earlier row or a held-out split")


def _skip(listing: Listing, mask: pa.Array | pa.ChunkedArray, reason: str) -> Listing:
    rows = listing.table.select(["filepath", ORIGIN, RECORD]).filter(mask)
    gone = tuple(SkippedRow(str(path), where, reason)
                 for path, where in zip(rows["filepath"].to_pylist(), _places(rows), strict=True))
    return replace(listing, table=listing.table.filter(pc.invert(mask)), skipped=listing.skipped + gone)


def _places(rows: pa.Table) -> list[str]:
    pairs = zip(rows[ORIGIN].cast(pa.string()).to_pylist(), rows[RECORD].to_pylist(), strict=True)
    return [place_of(origin, record) for origin, record in pairs]
