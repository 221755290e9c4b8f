"""Boxes as a file lists them, before they are matched with the samples: what every reader here gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tinysieve.ground.errors import InputError

# What four numbers mean: two corners, a corner and the size, or the centre and the size.
LAYOUTS = ("corners", "corner_size", "center_size")
UNITS = {"pixels": 0.0, "normalised": 1.0, "percent": 100.0}
NO_CLASS = -1
NAMED = 10


@dataclass(frozen=True)
class Stated:
    """What the user says of a file, where the file cannot.

    Args:
        wanted: the detector's classes that show what is to be detected.
        unit: of a table's numbers, "pixels" of the upright image or "normalised" to 0..1.
        names: number and name of each class; empty where the file names its classes.
        class_of_all: class of every box of a file without classes.
        confidence: of every box of a file without confidences.
        layout: what the numbers of columns such as `x, y, w, h` or `bbox` are.
        complete: the detector looked at every photo, also at those without a row.
    """

    wanted: tuple[str, ...] = ("person",)
    unit: str = "pixels"
    names: Mapping[int, str] = field(default_factory=dict)
    class_of_all: str | None = None
    confidence: float | None = None
    layout: str | None = None
    complete: bool = False


@dataclass(frozen=True, eq=False)
class ListedBoxes:
    """R rows; each is a box, or an image that was examined and shows nothing.

    Args:
        images: string [R], name or id of each row's image.
        by_id: the names are sample ids.
        numbers: float64 [R, 4], all NaN for an image without boxes.
        layouts: what the numbers may be, of LAYOUTS; one where that is known.
        unit: one of UNITS.
        confidence: float64 [R] in [0, 1], NaN where the file has none.
        class_id: int32 [R], NO_CLASS for a row without box.
        names: number and name of the classes.
        declared: the names are all that the file could hold, not only those that occur.
        place: where row number i stands.
        sizes: float64 [R, 2], width and height that the file gives its row's photo, NaN where it says none; None where it
            says nothing of sizes.
        notes: what was assumed while the file was read.
    """

    images: pa.Array
    by_id: bool
    numbers: NDArray[np.float64]
    layouts: tuple[str, ...]
    unit: str
    confidence: NDArray[np.float64]
    class_id: NDArray[np.int32]
    names: Mapping[int, str]
    declared: bool
    place: Callable[[int], str]
    notes: tuple[str, ...] = ()
    sizes: NDArray[np.float64] | None = None

    @property
    def boxed(self) -> NDArray[np.bool_]:
        """bool [R]: the row is a box."""
        return np.asarray(~np.isnan(self.numbers).all(axis=1))


@dataclass(frozen=True)
class Row:
    """One row of a file that is no table; `box` is None for an image without boxes."""

    image: str
    box: tuple[float, float, float, float] | None
    word: str
    confidence: float
    place: str
    size: tuple[float, float] = (np.nan, np.nan)


def listed_from_rows(rows: Sequence[Row], layout: str, unit: str, declared: Sequence[str],
                     notes: tuple[str, ...] = ()) -> ListedBoxes:
    """Rows with classes in words as columns.

    Args:
        declared: names of all classes, where the file lists them.
        notes: what was assumed while the file was read.
    """
    names = list(dict.fromkeys([*declared, *(row.word for row in rows if row.box is not None)]))
    number = {name: place for place, name in enumerate(names)}
    nothing = (np.nan,) * 4
    return ListedBoxes(
        pa.array([row.image for row in rows], pa.string()), False,
        np.array([nothing if row.box is None else row.box for row in rows], np.float64).reshape(-1, 4), (layout,), unit,
        np.array([row.confidence for row in rows], np.float64),
        np.array([NO_CLASS if row.box is None else number[row.word] for row in rows], np.int32),
        dict(enumerate(names)), bool(declared), lambda row: rows[row].place, notes,
        np.array([row.size for row in rows], np.float64).reshape(-1, 2))


def four_numbers(value: Any, place: str) -> tuple[float, float, float, float]:
    """Four numbers of a box.

    Raises:
        InputError: anything else.
    """
    if isinstance(value, list) and len(value) == 4 and all(isinstance(number, (int, float)) for number in value):
        first, second, third, fourth = (float(number) for number in value)
        return first, second, third, fourth
    raise InputError(f"a box is four numbers, not {str(value)[:60]}", where=place, fix="mend or remove it")


def score_of(value: Any, place: str) -> float:
    """A confidence, NaN where there is none.

    Raises:
        InputError: not in [0, 1].
    """
    if value is None:
        return float("nan")
    if isinstance(value, (int, float)) and 0 <= value <= 1:
        return float(value)
    raise InputError(f"confidence {value!r} is not in [0, 1]", where=place, fix="mend or remove the box")


def refuse_rows(bad: NDArray[np.bool_] | np.bool_, place: Callable[[int], str], what: str, fix: str) -> None:
    """Raise where a row is bad, with how many there are and where the first stand.

    Raises:
        InputError: any is bad.
    """
    rows = np.flatnonzero(bad)
    if len(rows):
        more = " ..." if len(rows) > NAMED else ""
        raise InputError(f"{len(rows):,} boxes: {', '.join(place(int(row)) for row in rows[:NAMED])}{more} {what}",
                         why="such a box would be wrong evidence", fix=fix)
