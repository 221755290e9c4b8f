"""Boxes in a table (text, Excel or Parquet), one row a box, under the names of columns that detectors and exporters write."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tinysieve.dataset.table_file import TableFile, open_table
from tinysieve.filtering.evidence.box_files.listed_boxes import ListedBoxes, Stated, refuse_rows
from tinysieve.filtering.evidence.box_files.table_classes import CLASS_COLUMNS, read_classes
from tinysieve.filtering.evidence.box_files.table_corners import as_numbers, photo_sizes, read_corners
from tinysieve.ground.errors import InputError

KEYS = ("sample_id", "filepath", "filename", "file_name", "image_path", "image_name", "image", "file", "img", "path", "image_id",
        "imageid")
CONFIDENCES = ("confidence", "conf", "score")
_DEPICTION = "isdepiction"
_LOOKS_LIKE_CONFIDENCE = re.compile(r"conf(?!irm|ig|lict|us)|score|prob(?!lem|e)|certain")
# Who labelled a box, when and with what is no class.
_LOOKS_LIKE_CLASS = re.compile(r"class|cls|categ|label(?!l?(ed|er|ing)(?![a-z])|_?(source|date|time|by|tool)(?![a-z]))")


def read_box_table(path: Path, stated: Stated) -> ListedBoxes:
    """Read a table of boxes.

    Args:
        path: whatever `dataset.table_file` reads; a row without numbers lists an image that was examined and shows nothing.
        stated: unit, names of class numbers, and what the file lacks.

    Raises:
        InputError: a column is missing, is read two ways, or looks like class or confidence and is not read; or a value is
            none. Counts and names rows.
    """
    file = open_table(path)
    rows, unit = _rows(file), "line" if file.counted == ":" else "row"
    spelled = {_plain(name): name for name in rows.column_names}
    rows = rows.rename_columns([_plain(name) for name in rows.column_names])
    _refuse_unread(rows.column_names, spelled, path)

    def place(number: int) -> str:
        return f"{unit} {file.lines[number]}"

    key = next((name for name in KEYS if name in rows.column_names), None)
    if key is None:
        raise InputError("no column sample_id or filepath", where=str(path),
                         why="nothing says which photo a box is in", fix=f"the file has: {', '.join(spelled.values())}")
    corners = read_corners(rows, stated, place, path)
    depicted, depiction_notes = _depictions(rows)
    corners = replace(corners, numbers=np.where(depicted[:, None], np.nan, corners.numbers))
    boxed = np.asarray(~np.isnan(corners.numbers).all(axis=1))
    classes = read_classes(rows, boxed, stated, place, path)
    confidence = _confidence(rows, boxed, stated, place, path)
    return ListedBoxes(pc.fill_null(rows[key].cast(pa.string()), "").combine_chunks(), key == "sample_id", corners.numbers,
                       corners.layouts, corners.unit, confidence, classes.class_id, classes.names, classes.declared, place,
                       (*file.notes, *depiction_notes), photo_sizes(rows, corners))


def _depictions(rows: pa.Table) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """bool [R]: Open Images says that the box is around a picture of something; such a photo was examined and shows nothing."""
    if _DEPICTION not in rows.column_names:
        return np.zeros(rows.num_rows, bool), ()
    depicted = as_numbers(rows[_DEPICTION]) == 1
    note = f"{int(depicted.sum()):,} boxes are around depictions and do not count (column IsDepiction)"
    return depicted, (note,) if depicted.any() else ()


def _plain(name: str) -> str:
    return re.sub(r"[\s\-]+", "_", name.strip().lower())


def _rows(file: TableFile) -> pa.Table:
    """Only an empty cell is empty: "nan" is a broken number, and ids such as 000012 stay text."""
    table = file.table
    for number, column in enumerate(table.columns):
        if pa.types.is_string(column.type):
            filled = pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
            table = table.set_column(number, table.column_names[number], filled)
    return table


def _refuse_unread(names: list[str], spelled: dict[str, str], path: Path) -> None:
    if len(set(names)) != len(names):
        doubled = next(name for name in names if names.count(name) > 1)
        raise InputError(f"the column {doubled} stands twice", where=str(path), fix="keep one")
    for looks_like, known, what in ((_LOOKS_LIKE_CONFIDENCE, CONFIDENCES, "confidence"),
                                    (_LOOKS_LIKE_CLASS, CLASS_COLUMNS, "class")):
        unread = [name for name in names if looks_like.search(name) and name not in (*known, *KEYS)]
        if unread:
            raise InputError(f"column '{spelled[unread[0]]}' looks like the {what} of the boxes and is not read", where=str(path),
                             why="boxes would count with another class or confidence than they have",
                             fix=f"call it '{known[0]}', or remove it; read are {', '.join(known)}")


def _confidence(rows: pa.Table, boxed: NDArray[np.bool_], stated: Stated, place: Callable[[int], str],
                path: Path) -> NDArray[np.float64]:
    there = [name for name in CONFIDENCES if name in rows.column_names]
    if len(there) > 1:
        raise InputError(f"two columns of confidences: {', '.join(there)}", where=str(path), fix="keep one")
    if not there:
        if stated.confidence is None:
            raise InputError("no column with the confidence of the boxes", where=str(path),
                             why="a doubtful box would count as certain",
                             fix=f"add a column {', '.join(CONFIDENCES)}, or set filter.detector.confidence, 1 where "
                                 "a person drew the boxes")
        return np.where(boxed, stated.confidence, np.nan)
    if stated.confidence is not None:
        raise InputError(f"filter.detector.confidence is set, and the file has a column {there[0]}", where=str(path),
                         fix="leave the setting out")
    values = as_numbers(rows[there[0]])
    refuse_rows(boxed & ~((values >= 0) & (values <= 1)), place, "has a confidence that is not in [0, 1]", "85 % is 0.85")
    return np.where(boxed, values, np.nan)
