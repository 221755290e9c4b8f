"""What a source says before any image is opened: which files, which split, which label."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tinysieve.dataset.images import SUFFIXES
from tinysieve.ground.errors import InputError

_MISNAMED = "file name is not UTF-8: rename it"
# Where a row stands in its source; no column of a settled listing.
ORIGIN, RECORD = "_origin", "_record"
_OWN = ("sample_id", "width", "height", "pixel_row")
_LABELS = {"1": "person", "1.0": "person", "person": "person", "0": "background", "0.0": "background",
           "background": "background", "-1": None, "-1.0": None, "": None}


@dataclass(frozen=True)
class SkippedRow:
    """A row or file of the source that does not become a sample.

    Args:
        filepath: as the source names it.
        where: a file's folder; or the row's table and record, where the first record after the header is 1, a record
            may go over several lines, and an empty line is none.
        reason: in words.
    """

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
    """1/0/-1/""/"1.0"/person/background, in upper or lower case -> "person", "background" or null.

    Raises:
        InputError: any other value, with file and line.

    >>> parse_labels(pa.array(["1", "0.0", "-1", None, "Person"]), "x.csv").to_pylist()
    ['person', 'background', None, None, 'person']
    """
    text = pc.fill_null(pc.utf8_trim_whitespace(pc.cast(values, pa.string())), "")
    if isinstance(text, pa.ChunkedArray):
        text = text.combine_chunks()
    index = pc.index_in(pc.utf8_lower(text), pa.array(list(_LABELS)))
    if index.null_count:
        line = int(np.flatnonzero(index.is_null().to_numpy(zero_copy_only=False))[0])
        raise InputError(
            f"label {text[line].as_py()!r} is not one of 1, 0, -1, person, background or empty",
            where=f"{where}:{line + 2}", fix="correct the value, or set another label column",
        )
    return pa.array(list(_LABELS.values()), pa.string()).take(index)


def make_listing(filepaths: pa.Array, splits: pa.Array, labels: pa.Array, extras: pa.Table, origin: str = "") -> Listing:
    """Assemble the columns; a column of the source whose name is ours is kept as `source_<name>`.

    Args:
        filepaths: string [N]; a `./` in front is taken off.
        splits, labels: string [N].
        extras: N rows of the source's other columns.
        origin: the table whose records the rows are, in its order; empty where they stand in none.
    """
    count = len(filepaths)
    table = pa.table({
        "filepath": pc.replace_substring_regex(filepaths, r"^(\./+)+", ""), "split": splits, "label": labels,
        ORIGIN: pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), [origin]), RECORD: np.arange(1, count + 1)})
    for column in extras.column_names:
        name = column
        while name in _OWN or name in table.column_names:
            name = f"source_{name}"
        table = table.append_column(name, extras[column])
    # A train row without a label is what `unlabeled` means.
    bare = pc.and_(pc.equal(table["split"], "train"), pc.is_null(table["label"]))
    return Listing(table.set_column(1, "split", pc.if_else(bare, "unlabeled", table["split"])))


def row_reasons(skipped: Sequence[SkippedRow]) -> dict[str, int]:
    """How many rows were left out for each reason, the most frequent first; files that no row can name are not counted."""
    return dict(Counter(row.reason for row in skipped if row.reason != _MISNAMED).most_common())


def image_files(root: Path) -> pa.Array:
    """Every image file below `root` whose name is UTF-8, relative with forward slashes, sorted."""
    return pa.array([name for name in _image_names(root) if _is_utf8(name)], pa.string())


def misnamed_files(root: Path) -> tuple[SkippedRow, ...]:
    """Image files whose names no table can hold: not UTF-8, as old archives leave them."""
    return tuple(
        SkippedRow(os.fsencode(name).decode("utf-8", "backslashreplace"), str(root), _MISNAMED)
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
