"""From four numbers of any kind to corners in pixels; a box that cannot be where it says stops the run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinysieve.filtering.evidence.box_files.listed_boxes import UNITS, ListedBoxes, refuse_rows
from tinysieve.ground.errors import InputError

# Detectors round, so a corner may lie a little outside; more than this share of the side is another unit.
SLACK = 0.05
# Photos that were made smaller keep their shape, up to rounding; another shape is another photo, or one that was turned.
_SHAPE_SLACK = 0.03
_EXPLAINED = {"corner_size": "the first two numbers are the left upper corner", "center_size": "the first two are the centre"}


@dataclass(frozen=True, eq=False)
class PixelCorners:
    """Corners float32 [n, 4] in pixels, how many boxes were cut at the border, and what was concluded on the way."""

    xyxy: NDArray[np.float32]
    clipped: int
    notes: tuple[str, ...]


def pixel_corners(read: ListedBoxes, rows: NDArray[np.int64], sides: NDArray[np.float64], path: Path) -> PixelCorners:
    """Corners of some rows.

    Args:
        read: the file.
        rows: int64 [n], its rows that are boxes in known images.
        sides: float64 [n, 4], width, height, width, height of the row's image in pixels.
        path: for messages.

    Raises:
        InputError: reversed corners, a box outside its image, or a layout that could be two things.
    """
    def place(number: int) -> str:
        return read.place(int(rows[number]))

    numbers = read.numbers[rows]
    stated, notes_of_size = _stated_sides(read, rows, sides, place)
    share = numbers / stated if read.unit == "pixels" else numbers / UNITS[read.unit]
    layout, notes = (read.layouts[0], ()) if len(read.layouts) == 1 else _only_possible(share, read.layouts, path)
    corners = to_corners(share, layout)
    refuse_rows((corners[:, 2:] < corners[:, :2]).any(axis=1), place, "has reversed corners",
                "x1 <= x2 and y1 <= y2; where the numbers are corner and size, set filter.detector.layout: corner_size")
    other = "pixels" if read.unit == "normalised" else "normalised"
    refuse_rows(_outside(corners), place, f"lies outside its image when read as {read.unit}",
                f"state the unit: {other} if that is what the numbers are")
    if read.unit == "pixels" and len(numbers) and numbers.max() <= 1:
        raise InputError("all corners are at most 1 pixel", where=str(path),
                         fix="state units: filter.detector.normalized: true")
    inside = corners.clip(0, 1)
    return PixelCorners((inside * sides).astype(np.float32), int((np.abs(inside - corners) > 1e-9).any(axis=1).sum()),
                        (*notes_of_size, *notes))


def _stated_sides(read: ListedBoxes, rows: NDArray[np.int64], sides: NDArray[np.float64],
                  place: Callable[[int], str]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """The sides that pixels count in: those that the file gives a photo, since the photo may have been made smaller since.

    Raises:
        InputError: a photo of another shape.
    """
    if read.sizes is None or read.unit != "pixels":
        return sides, ()
    stated = np.tile(read.sizes[rows], 2)
    stated = np.where(np.isfinite(stated) & (stated > 0), stated, sides)
    stretch = (stated / sides)[:, 0] / (stated / sides)[:, 1]
    refuse_rows(np.abs(np.log(stretch)) > _SHAPE_SLACK, place, "belongs to a photo of another shape than the one here",
                "turn or crop photos and boxes alike, or export the boxes for these photos")
    other = int((np.abs(stated - sides) > 1).any(axis=1).sum())
    note = f"{other:,} boxes are scaled: the file counts in pixels of photos of another size than those here"
    return stated, (note,) if other else ()


def to_corners(numbers: NDArray[np.float64], layout: str) -> NDArray[np.float64]:
    """Four numbers [n, 4] of a layout as x1, y1, x2, y2.

    >>> to_corners(np.array([[0.5, 0.5, 0.2, 0.4]]), "center_size").round(3).tolist()
    [[0.4, 0.3, 0.6, 0.7]]
    """
    if layout == "corners":
        return numbers
    first, size = numbers[:, :2], numbers[:, 2:]
    low = first - size / 2 if layout == "center_size" else first
    return np.concatenate([low, low + size], axis=1)


def _outside(corners: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(((corners < -SLACK) | (corners > 1 + SLACK)).any(axis=1))


def _only_possible(share: NDArray[np.float64], layouts: tuple[str, ...], path: Path) -> tuple[str, tuple[str, ...]]:
    """The one layout under which every box lies in its image.

    Raises:
        InputError: none or several do.
    """
    possible = [layout for layout in layouts if _fits(to_corners(share, layout))]
    if len(possible) == 1:
        words = _EXPLAINED.get(possible[0], "the numbers are two corners")
        return possible[0], (f"{words}: read any other way boxes would lie outside their photos",)
    what = "the four numbers of a box could mean several things" if possible else "no reading of the boxes fits the photos"
    raise InputError(what, where=str(path), why="boxes would be somewhere else in the photo",
                     fix=f"set filter.detector.layout to one of {', '.join(layouts)}")


def _fits(corners: NDArray[np.float64]) -> bool:
    return not (_outside(corners).any() or (corners[:, 2:] < corners[:, :2]).any())
