"""Boxes in JSON: which of the known forms a file has, and its text as objects."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tinysieve.filtering.evidence.box_files.coco_json import is_coco, is_coco_results, read_coco, read_coco_results
from tinysieve.filtering.evidence.box_files.fiftyone_json import is_fiftyone, read_fiftyone
from tinysieve.filtering.evidence.box_files.label_studio_json import is_label_studio, read_label_studio
from tinysieve.filtering.evidence.box_files.listed_boxes import ListedBoxes, Stated
from tinysieve.ground.errors import InputError
from tinysieve.ground.json_text import expected_form, read_json

_FORMS: tuple[tuple[Callable[[Any], bool], Callable[[Any, Stated, Path], ListedBoxes]], ...] = (
    (is_coco, read_coco), (is_coco_results, read_coco_results),
    (is_label_studio, read_label_studio), (is_fiftyone, read_fiftyone))
# COCO's own annotations take 0.5 GB.
_LARGEST_BYTES = 2 * 1024**3
_KNOWN = "COCO (annotations or results), Label Studio's JSON export, FiftyOne's labels.json or samples.json"


def read_json_boxes(path: Path, stated: Stated) -> ListedBoxes:
    """Read any of the known forms.

    Raises:
        InputError: not JSON, none of the forms, or something in it that cannot be read.
    """
    made = read_json(path, _LARGEST_BYTES)
    for is_it, read in _FORMS:
        if is_it(made):
            with expected_form(str(path), "JSON of boxes"):
                return read(made, stated, path)
    raise InputError("JSON of an unknown form", where=str(path), why="its boxes cannot be told", fix=f"known are {_KNOWN}")
