"""YOLO's `.txt` files: one a photo, a line a box: class, centre x, centre y, width, height as shares, and perhaps confidence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from tinysieve.filtering.evidence.box_files.listed_boxes import NO_CLASS, ListedBoxes, Stated
from tinysieve.filtering.evidence.detectors.weights_names import parse_names
from tinysieve.ground.errors import InputError
from tinysieve.ground.small_text import read_small_text
from tinysieve.ground.yaml_text import read_description

_LISTS = ("classes.txt", "obj.names", "labels.txt")
_DESCRIPTIONS = ("data.yaml", "dataset.yaml", "data.yml")
_ANNOTATION, _DETECTION = 5, 6
_LARGEST_BYTES = 16 * 1024**2


def read_yolo_folder(folder: Path, stated: Stated) -> ListedBoxes:
    """Read every `.txt` file below a folder; an empty one lists a photo that was examined and shows nothing.

    Names of the numbers are stated, or stand in `data.yaml` or `classes.txt` in the folder or the one above.

    Raises:
        InputError: no such files, no names, a line of another form, or a number without a name; with file and line.
    """
    files = sorted(file for file in folder.rglob("*.txt") if file.name not in _LISTS)
    if not files:
        raise InputError("no .txt files with boxes", where=str(folder),
                         fix="name the folder of YOLO's labels, or a table of boxes")
    names = dict(stated.names) or _names_beside(folder)
    if not names:
        raise InputError("the classes of the boxes are numbers, and nothing says what they mean", where=str(folder),
                         why="class 0 is a person to one detector and a car to another",
                         fix="put the data.yaml or classes.txt of the labels beside them, or set filter.detector.names")
    images, places, values = [], [], []
    for file in files:
        lines = _lines(file)
        key = file.relative_to(folder).with_suffix("").as_posix()
        for number, line in lines or [(0, "")]:
            images.append(key)
            places.append(f"{file}:{number}" if number else str(file))
            values.append(_numbers(line, file, number, names) if line else (float(NO_CLASS), *(np.nan,) * 5))
    columns = np.array(values, np.float64)
    return ListedBoxes(pa.array(images, pa.string()), False, columns[:, 1:5], ("center_size",), "normalised", columns[:, 5],
                       columns[:, 0].astype(np.int32), names, True, lambda row: places[row])


def _lines(file: Path) -> list[tuple[int, str]]:
    try:
        text = read_small_text(file, _LARGEST_BYTES, "text", "remove what is no label file from the folder")
    except OSError as error:
        raise InputError(f"cannot be read: {error}", where=str(file),
                         fix="remove what is no label file from the folder") from error
    return [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]


def _numbers(line: str, file: Path, number: int, names: Mapping[int, str]) -> tuple[float, ...]:
    """Class, four numbers, confidence (NaN where there is none)."""
    try:
        values = [float(text) for text in line.split()]
    except ValueError:
        values = []
    if len(values) not in (_ANNOTATION, _DETECTION) or not np.isfinite(values).all() or values[0] != int(values[0]):
        raise InputError(f"a line is not class, x, y, width, height and perhaps confidence, but {line[:60]!r}",
                         where=f"{file}:{number}", fix="export boxes, not segments or keypoints")
    if int(values[0]) not in names:
        raise InputError(f"class {int(values[0])} has no name", where=f"{file}:{number}",
                         fix=f"name it; there are {', '.join(names.values())}")
    if len(values) == _DETECTION and not 0 <= values[5] <= 1:
        raise InputError(f"confidence {values[5]:g} is not in [0, 1]", where=f"{file}:{number}", fix="mend or remove the line")
    return (*values, np.nan) if len(values) == _ANNOTATION else tuple(values)


def _names_beside(folder: Path) -> dict[int, str]:
    for place in (folder, folder.parent, folder.parent.parent):
        for name in _DESCRIPTIONS:
            if (place / name).is_file():
                return _described(place / name)
        for name in _LISTS:
            if (place / name).is_file():
                return dict(enumerate(line for _, line in _lines(place / name)))
    return {}


def _described(file: Path) -> dict[int, str]:
    fix = "mend it, or set filter.detector.names"
    try:
        described = read_description(file, fix)
    except OSError as error:
        raise InputError(f"cannot be read: {error}", where=str(file), fix=fix) from error
    return parse_names(described.get("names") if isinstance(described, dict) else None) or {}
