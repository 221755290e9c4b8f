"""Label Studio's JSON export: rectangles of annotations, or of predictions where a task has no annotation, in percent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tinysieve.filtering.evidence.box_files.listed_boxes import ListedBoxes, Row, Stated, four_numbers, listed_from_rows, score_of
from tinysieve.ground.errors import InputError

_ENDS_AS_IMAGE = re.compile(r"\.(jpe?g|png|webp|bmp|gif|tiff?)$", re.IGNORECASE)
# Answers about a whole photo, beside its boxes.
_OF_PHOTOS = ("choices", "taxonomy", "rating", "textarea", "number", "datetime", "pairwise")
# What Label Studio puts before the name of an uploaded file.
_UPLOADED = re.compile(r"^[0-9a-f]{8}-")


def is_label_studio(made: Any) -> bool:
    """A list of tasks, in the format JSON."""
    return isinstance(made, list) and bool(made) and all(
        isinstance(task, dict) and isinstance(task.get("data"), dict) and ("annotations" in task or "predictions" in task)
        for task in made)


def read_label_studio(made: Any, stated: Stated, path: Path) -> ListedBoxes:
    """Rectangles of every task; a task without any was examined and shows nothing.

    Raises:
        InputError: a task without a photo, a rotated rectangle, or not one label to a rectangle.
    """
    rows: list[Row] = []
    for number, task in enumerate(made):
        place = f"{path}, task {task.get('id', number)}"
        rows += _rows(task, _image(task["data"], place), place)
    several = sum(len(_answers(task)) > 1 for task in made)
    note = f"{several:,} tasks have several annotations: the last of each counts"
    return listed_from_rows(rows, "corner_size", "percent", (), (note,) if several else ())


def _rows(task: dict[str, Any], image: str, place: str) -> Iterator[Row]:
    looks = _answers(task) or task.get("predictions") or ()
    if not looks:
        return
    marks = looks[-1].get("result") or ()
    rectangles = [mark for mark in marks if mark.get("type") == "rectanglelabels"]
    others = [mark.get("type") for mark in marks if mark.get("type") not in ("rectanglelabels", *_OF_PHOTOS)]
    if others:
        raise InputError(f"a task has marks of the kind '{others[0]}'", where=place,
                         why="they may show what a box would show, and are no boxes with a label",
                         fix="label with RectangleLabels, and export again")
    if not rectangles:
        yield Row(image, None, "", float("nan"), place)
    for mark in rectangles:
        value = mark["value"]
        labels = value.get("rectanglelabels") or []
        if value.get("rotation") or len(labels) != 1:
            raise InputError("a rectangle is rotated, or has not exactly one label", where=place,
                             why="it is no box of one class", fix="mend it in Label Studio and export again")
        box = four_numbers([value.get(name) for name in ("x", "y", "width", "height")], place)
        yield Row(image, box, str(labels[0]), score_of(mark.get("score"), place), place)


def _answers(task: dict[str, Any]) -> list[dict[str, Any]]:
    return [mark for mark in task.get("annotations") or () if not mark.get("was_cancelled")]


def _image(data: dict[str, Any], place: str) -> str:
    """Name of the photo: of a local file, an address, or an upload."""
    texts = [value for value in data.values() if isinstance(value, str)]
    for text in texts:
        parts = urlsplit(text)
        name = parse_qs(parts.query).get("d", [unquote(parts.path)])[0]
        if _ENDS_AS_IMAGE.search(name):
            folder, _, file = name.rpartition("/")
            return _UPLOADED.sub("", file) if "upload" in folder.split("/") else name
    raise InputError("a task without a photo", where=place, why="nothing says which photo its boxes are in",
                     fix="export the project as JSON")
