"""FiftyOne's exports: labels.json of an image detection dataset, and samples.json of a whole one. Boxes are shares."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tinysieve.filtering.evidence.box_files.listed_boxes import ListedBoxes, Row, Stated, four_numbers, listed_from_rows, score_of
from tinysieve.ground.errors import InputError


def is_fiftyone(made: Any) -> bool:
    """Either export."""
    return isinstance(made, dict) and (isinstance(made.get("labels"), dict) or isinstance(made.get("samples"), list))


def read_fiftyone(made: Any, stated: Stated, path: Path) -> ListedBoxes:
    """Detections of every sample; one that has none, or an empty list, was examined and shows nothing.

    Raises:
        InputError: a number without a class, or a sample with two fields of detections.
    """
    classes = [str(name) for name in made.get("classes") or ()]
    rows: list[Row] = []
    for image, detections in _samples(made, path):
        place = f"{path}, {image}"
        rows += [_row(image, box, classes, place) for box in detections or ()]
        if not detections:
            rows.append(Row(image, None, "", float("nan"), place))
    return listed_from_rows(rows, "corner_size", "normalised", classes)


def _samples(made: Any, path: Path) -> Iterator[tuple[str, list[Any] | None]]:
    if isinstance(made.get("labels"), dict):
        yield from made["labels"].items()
        return
    for sample in made["samples"]:
        fields = {name: value["detections"] for name, value in sample.items()
                  if isinstance(value, dict) and value.get("_cls") == "Detections"}
        if len(fields) > 1:
            raise InputError(f"samples have several fields of detections: {', '.join(fields)}", where=str(path),
                             why="nothing says which of them the detector made", fix="export one field only")
        yield str(sample["filepath"]), next(iter(fields.values()), None)


def _row(image: str, box: dict[str, Any], classes: list[str], place: str) -> Row:
    label = box.get("label")
    if isinstance(label, int):
        if not 0 <= label < len(classes):
            raise InputError(f"class {label} has no name", where=place, fix="export with the list of classes")
        label = classes[label]
    return Row(image, four_numbers(box.get("bounding_box"), place), str(label), score_of(box.get("confidence"), place), place)
