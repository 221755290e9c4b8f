"""What a source says before any image is opened: which files, which split, which label."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dataset.errors import InputError
from dataset.images import SUFFIXES
from dataset.samples import SPLITS

OnMissing = Literal["skip", "error"]

_OWN = ("sample_id", "width", "height", "pixel_row")
_LABELS = {"1": "person", "1.0": "person", "person": "person", "0": "background", "0.0": "background",
           "background": "background", "-1": None, "-1.0": None, "": None}
# A photo that stands in several splits belongs to the one that must stay untouched.
_PRECEDENCE = {"test": 0, "validation": 1, "train": 2, "unlabeled": 3}


@dataclass(frozen=True)
class SkippedRow:
    """A row or file of the source that does not become a sample."""

    filepath: str
    where: str
    reason: str


@dataclass(frozen=True)
class Listing:
    """Candidates in source order.

    Args:
        table: `filepath` (relative to the image root), `split`, `label` ("person", "background" or null), extras.
        skipped: rows that were left out, with the reason.
    """

    table: pa.Table
    skipped: tuple[SkippedRow, ...] = ()


def parse_labels(values: pa.Array | pa.ChunkedArray, where: str) -> pa.Array:
    """1/0/-1/""/"1.0"/person/background -> "person", "background" or null.

    Raises:
        InputError: any other value, with file and line.

    >>> parse_labels(pa.array(["1", "0.0", "-1", None]), "x.csv").to_pylist()
    ['person', 'background', None, None]
    """
    text = pc.fill_null(pc.utf8_trim_whitespace(pc.cast(values, pa.string())), "")
    if isinstance(text, pa.ChunkedArray):
        text = text.combine_chunks()
    index = pc.index_in(text, pa.array(list(_LABELS)))
    if index.null_count:
        line = int(np.flatnonzero(index.is_null().to_numpy(zero_copy_only=False))[0])
        raise InputError(
            f"label {text[line].as_py()!r} is none of 1, 0, -1, person, background or empty",
            where=f"{where}:{line + 2}", fix="mend the value or name another label column",
        )
    return pa.array(list(_LABELS.values()), pa.string()).take(index)


def make_listing(filepaths: pa.Array, splits: pa.Array, labels: pa.Array, extras: pa.Table) -> Listing:
    """Assemble the columns; a column of the source whose name is ours is kept as `source_<name>`."""
    table = pa.table({"filepath": filepaths, "split": splits, "label": labels})
    for name in extras.column_names:
        ours = name in _OWN or name in table.column_names
        table = table.append_column(f"source_{name}" if ours else name, extras[name])
    # A train row without a label is what `unlabeled` means.
    bare = pc.and_(pc.equal(table["split"], "train"), pc.is_null(table["label"]))
    return Listing(table.set_column(1, "split", pc.if_else(bare, "unlabeled", table["split"])))


def image_files(root: Path) -> pa.Array:
    """Every image file below `root` whose name is UTF-8, relative with forward slashes, sorted."""
    return pa.array([name for name in _image_names(root) if _is_utf8(name)], pa.string())


def misnamed_files(root: Path) -> tuple[SkippedRow, ...]:
    """Image files whose names no table can hold: not UTF-8, as old archives leave them."""
    return tuple(
        SkippedRow(os.fsencode(name).decode("utf-8", "backslashreplace"), str(root), "file name is not UTF-8: rename it")
        for name in _image_names(root) if not _is_utf8(name)
    )


def _image_names(root: Path) -> list[str]:
    if not root.is_dir():
        raise InputError(f"image folder {root} does not exist", fix="correct the path in the configuration")
    return sorted(
        os.path.relpath(os.path.join(folder, name), root).replace(os.sep, "/")
        for folder, _, names in os.walk(root) for name in names if name.lower().endswith(SUFFIXES)
    )


def _is_utf8(name: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in name)


def settle(listing: Listing, files: pa.Array, on_missing: OnMissing, where: str) -> Listing:
    """Bring rows and files together: each file once, rows without a file out, files without a row unlabeled.

    Raises:
        InputError: `on_missing` is "error" and a row has no file; or no row is left.
    """
    listing = _once(_refuse_outside(_without_heldout_nulls(listing)))
    present = pc.is_in(listing.table["filepath"], files)
    missing = listing.table.filter(pc.invert(present))["filepath"].to_pylist()
    if missing and on_missing == "error":
        raise InputError(f"{len(missing)} rows have no image file, the first is {missing[0]}", where=where,
                         fix="fetch the images, or set dataset.on_missing: skip")
    rows = listing.table.filter(present)
    extra = files.filter(pc.invert(pc.is_in(files, rows["filepath"].combine_chunks())))
    named_elsewhere = pa.array([row.filepath for row in listing.skipped], pa.string())
    extra = extra.filter(pc.invert(pc.is_in(extra, named_elsewhere)))
    unlabeled = pa.table({"filepath": extra, "split": pa.array(["unlabeled"] * len(extra), pa.string()),
                          "label": pa.nulls(len(extra), pa.string())})
    table = pa.concat_tables([rows, unlabeled], promote_options="default").combine_chunks()
    if not table.num_rows:
        raise InputError("no image is left", where=where, fix="check image folder and file names")
    gone = tuple(SkippedRow(path, where, "no such file") for path in missing)
    return Listing(table, listing.skipped + gone)


def _without_heldout_nulls(listing: Listing) -> Listing:
    """A held-out image without a usable label can measure nothing: named and left out."""
    table = listing.table
    bad = pc.and_(pc.is_in(table["split"], pa.array(["test", "validation"])), pc.is_null(table["label"]))
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
    lines = np.flatnonzero(np.asarray(mask))
    paths = listing.table["filepath"].take(pa.array(lines)).to_pylist()
    gone = tuple(SkippedRow(str(path), f"row {line + 1}", reason) for path, line in zip(paths, lines, strict=True))
    return replace(listing, table=listing.table.filter(pc.invert(mask)), skipped=listing.skipped + gone)
