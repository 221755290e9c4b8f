"""Where the boxes of a table are: four columns, or one that holds four numbers, under the names that detectors use."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tinysieve.filtering.evidence.box_files.listed_boxes import LAYOUTS, Stated, refuse_rows
from tinysieve.ground.errors import InputError

_CORNERS, _CORNER, _CENTER = ("corners",), ("corner_size",), ("center_size",)
# Names of four columns, and what their numbers are: one thing, or several where exporters use the names both ways.
_FOUR: tuple[tuple[tuple[str, str, str, str], tuple[str, ...]], ...] = (
    (("x1", "y1", "x2", "y2"), _CORNERS), (("xmin", "ymin", "xmax", "ymax"), _CORNERS),
    (("x_min", "y_min", "x_max", "y_max"), _CORNERS), (("left", "top", "right", "bottom"), _CORNERS),
    (("x1n", "y1n", "x2n", "y2n"), _CORNERS),
    (("left", "top", "width", "height"), _CORNER), (("xmin", "ymin", "width", "height"), _CORNER),
    (("x_min", "y_min", "width", "height"), _CORNER), (("x1", "y1", "w", "h"), _CORNER),
    (("x1", "y1", "width", "height"), _CORNER), (("bbox_x", "bbox_y", "bbox_width", "bbox_height"), _CORNER),
    (("xcenter", "ycenter", "width", "height"), _CENTER), (("x_center", "y_center", "width", "height"), _CENTER),
    (("center_x", "center_y", "width", "height"), _CENTER), (("cx", "cy", "w", "h"), _CENTER),
    (("xc", "yc", "w", "h"), _CENTER), (("cx", "cy", "width", "height"), _CENTER),
    (("x", "y", "w", "h"), (*_CORNER, *_CENTER)), (("x", "y", "width", "height"), (*_CORNER, *_CENTER)),
)
_READ = ("x1, y1, x2, y2 (or xmin, ymin, xmax, ymax), x, y, width, height, xcenter, ycenter, width, height, and bbox or xywhn in "
         "one column")
# One column of four numbers: as the usual detectors name them, an n behind for shares of the sides.
_LISTS = {"xyxy": _CORNERS, "xyxyn": _CORNERS, "xywh": _CENTER, "xywhn": _CENTER, "bounding_box": _CORNER, "bbox": LAYOUTS,
          "box": LAYOUTS}
_SHARES = frozenset({"xyxyn", "xywhn", "x1n", "bounding_box"})
_SIZES = (("image_width", "image_height"), ("img_width", "img_height"), ("original_width", "original_height"),
          ("img_w", "img_h"), ("width", "height"))
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|\bnan\b|\binf\b")
_KEYS = re.compile(r"x1\W+.*y1\W+.*x2\W+.*y2\W+", re.DOTALL)


@dataclass(frozen=True, eq=False)
class Corners:
    """Four numbers a row, float64 [R, 4], all NaN where the row is no box; what they are, and in which unit."""

    numbers: NDArray[np.float64]
    layouts: tuple[str, ...]
    unit: str


def read_corners(rows: pa.Table, stated: Stated, place: Callable[[int], str], path: Path) -> Corners:
    """Numbers of each row.

    Raises:
        InputError: no such columns, some of four numbers empty, or a cell that holds no number.
    """
    for names, layouts in _FOUR:
        if all(name in rows.column_names for name in names):
            unit = "normalised" if names[0] in _SHARES else stated.unit
            known = layouts if len(layouts) == 1 or stated.layout is None else (stated.layout,)
            return Corners(_four_columns(rows, names, place), known, unit)
    for name, layouts in _LISTS.items():
        if name in rows.column_names:
            numbers, keyed = _list_column(rows[name], name, place)
            if keyed:
                layouts = _CORNERS
            elif len(layouts) > 1 and stated.layout is not None:
                layouts = (stated.layout,)
            return Corners(numbers, layouts, "normalised" if name in _SHARES else stated.unit)
    best = max((names for names, _ in _FOUR), key=lambda names: sum(name in rows.column_names for name in names))
    missing = [name for name in best if name not in rows.column_names]
    raise InputError(f"no column {', '.join(missing)}", where=str(path), why="nothing says where the boxes are",
                     fix=f"the file has: {', '.join(rows.column_names)}; read are {_READ}")


def photo_sizes(rows: pa.Table, corners: Corners) -> NDArray[np.float64] | None:
    """Width and height of each row's photo, float64 [R, 2], where the table has them: `width` and `height` are those of the
    photo, unless they say how large the boxes are.
    """
    for names in _SIZES:
        if all(name in rows.column_names for name in names):
            sizes = np.stack([as_numbers(rows[name]) for name in names], axis=1)
            of_boxes = corners.layouts != _CORNERS or np.allclose(
                sizes, corners.numbers[:, 2:] - corners.numbers[:, :2], atol=1, equal_nan=True)
            if names != ("width", "height") or not of_boxes:
                return sizes
    return None


def as_numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """A column as float64 [R], NaN where a cell is empty or holds no number."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        text = pc.utf8_trim_whitespace(column)
        number = pc.match_substring_regex(text, r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")
        column = pc.if_else(number, text, pa.scalar(None, pa.string()))
    return np.asarray(column.cast(pa.float64()).to_numpy(), np.float64)


def _four_columns(rows: pa.Table, names: tuple[str, str, str, str], place: Callable[[int], str]) -> NDArray[np.float64]:
    empty = np.stack([_is_empty(rows[name]) for name in names], axis=1)
    refuse_rows(empty.any(axis=1) & ~empty.all(axis=1), place, "has some empty corners",
                "all four corners, or none for an image without boxes")
    numbers = np.stack([as_numbers(rows[name]) for name in names], axis=1)
    refuse_rows(~empty.all(axis=1) & ~np.isfinite(numbers).all(axis=1), place, "has a corner that is no number",
                "mend or remove the row; half of one is 0.5, not 0,5")
    return numbers


def _is_empty(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    empty = pc.is_null(column)
    if pa.types.is_string(column.type):
        empty = pc.or_(empty, pc.equal(pc.utf8_trim_whitespace(pc.fill_null(column, "")), ""))
    return np.asarray(empty.to_numpy(), bool)


def _list_column(column: pa.ChunkedArray, name: str, place: Callable[[int], str]) -> tuple[NDArray[np.float64], bool]:
    """Four numbers of each cell, and whether the cells name them (x1: 3, y1: 4, ...)."""
    cells = column.to_pylist()
    made, bad, keyed = np.full((len(cells), 4), np.nan), np.zeros(len(cells), bool), False
    for row, cell in enumerate(cells):
        if cell is None or cell == "":
            continue
        if isinstance(cell, dict):
            numbers, keyed = [cell.get(key) for key in ("x1", "y1", "x2", "y2")], True
        elif isinstance(cell, str):
            keyed = keyed or bool(_KEYS.search(cell))
            numbers = [float(text) for text in _NUMBER.findall(re.sub(r"\b[xy][12]\b", "", cell))]
        else:
            numbers = list(cell)
        bad[row] = len(numbers) != 4 or any(number is None or not np.isfinite(number) for number in numbers)
        if not bad[row]:
            made[row] = numbers
    refuse_rows(bad, place, f"has no four numbers in column {name}", "mend or remove the row")
    return made, keyed
