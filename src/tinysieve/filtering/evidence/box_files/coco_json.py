"""COCO's JSON: annotation files with images and categories, and lists of a detector's results. Boxes are corner and size."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from tinysieve.filtering.evidence.box_files.listed_boxes import (
    ListedBoxes,
    Row,
    Stated,
    four_numbers,
    listed_from_rows,
    score_of,
)
from tinysieve.ground.errors import InputError


def is_coco(made: Any) -> bool:
    """An annotation file."""
    return isinstance(made, dict) and {"images", "annotations"} <= made.keys()


def is_coco_results(made: Any) -> bool:
    """A list of results: what detectors write for COCO's scorer."""
    return isinstance(made, list) and bool(made) and all(
        isinstance(entry, dict) and {"image_id", "category_id", "bbox"} <= entry.keys() for entry in made)


def read_coco(made: Any, stated: Stated, path: Path) -> ListedBoxes:
    """Annotations; every image that the file lists was examined.

    Raises:
        InputError: a box of an image or a category that the file does not list.
    """
    names = _by_id(made.get("categories") or (), "name", path) or dict(stated.names)
    images, sizes = _by_id(made["images"], "file_name", path), {image["id"]: _size(image) for image in made["images"]}
    rows, boxed = [], set()
    for number, box in enumerate(made["annotations"]):
        place = f"{path}, annotation {box.get('id', number)}"
        if box.get("image_id") not in images:
            raise InputError(f"image {box.get('image_id')!r} is not in the list of images", where=place,
                             fix="export the file again")
        boxed.add(box["image_id"])
        rows.append(Row(images[box["image_id"]], four_numbers(box.get("bbox"), place), _name(box, names, place),
                        score_of(box.get("score"), place), place, sizes[box["image_id"]]))
    rows += [Row(name, None, "", float("nan"), f"{path}, image {key}") for key, name in images.items() if key not in boxed]
    return listed_from_rows(rows, "corner_size", "pixels", list(names.values()))


def read_coco_results(made: Any, stated: Stated, path: Path) -> ListedBoxes:
    """Results; their images are ids, which are names of files without ending where a detector wrote them.

    Raises:
        InputError: no names for the categories, or a result without a score.
    """
    if not stated.names:
        raise InputError("results hold numbers of categories, and nothing says what they mean", where=str(path),
                         why="category 1 is a person in COCO's files and a bicycle to most detectors",
                         fix="set filter.detector.names: coco91 (person is 1), coco80 (person is 0), or number: name")
    rows = []
    for number, result in enumerate(made):
        place = f"{path}, result {number}"
        if "score" not in result:
            raise InputError("a result without a score", where=place, why="a doubtful box would count as certain",
                             fix="write the score of each box")
        image = str(result.get("file_name") or result["image_id"])
        box, score = four_numbers(result["bbox"], place), score_of(result["score"], place)
        rows.append(Row(image, box, _name(result, stated.names, place), score, place))
    return listed_from_rows(rows, "corner_size", "pixels", list(stated.names.values()))


def _by_id(entries: Iterable[dict[str, Any]], key: str, path: Path) -> dict[Any, str]:
    """What each id is called.

    Raises:
        InputError: an id is called two things.
    """
    named: dict[Any, str] = {}
    for entry in entries:
        name = str(entry[key])
        if named.setdefault(entry["id"], name) != name:
            raise InputError(f"the id {entry['id']!r} stands for '{named[entry['id']]}' and for '{name}'", where=str(path),
                             why="its boxes could belong to either", fix="give each image and category an id of its own")
    return named


def _size(image: dict[str, Any]) -> tuple[float, float]:
    return float(image.get("width") or np.nan), float(image.get("height") or np.nan)


def _name(annotation: dict[str, Any], names: Any, place: str) -> str:
    number = annotation.get("category_id")
    if number not in names:
        raise InputError(f"category {number!r} has no name", where=place, why="its boxes would be taken for something else",
                         fix=f"name it; there are {', '.join(map(str, names.values()))}" if names else
                         "list the categories in the file, or set filter.detector.names")
    return str(names[number])
