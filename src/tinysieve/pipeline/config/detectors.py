"""The detector in section `filter`: a network, the shipped presence head, or boxes that a user already has."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tinysieve.ground.settings import FilePath, Share
from tinysieve.pipeline.config.section import Section

# What class numbers are called: a known numbering, names from number 0 on, or the name of each number.
ClassNumbers = Literal["coco80", "coco91"] | Annotated[tuple[str, ...], Field(min_length=1)] | dict[int, str]


class UltralyticsDetector(Section):
    """Any weights that Ultralytics reads; images whose best box is under `look_again_below` are seen mirrored too, at 0 none.

    `names` is for weights that do not carry the names of their classes. `other_classes: true` keeps the boxes of all other
    classes too, to be shown by `explore`; they never count. `trusted: true` loads a file that could run code; see
    tinysieve.filtering.evidence.trusted_files.
    """

    kind: Literal["ultralytics"]
    weights: FilePath
    names: ClassNumbers | None = None
    min_confidence: Share = 0.05
    look_again_below: Share = 0.7
    other_classes: bool = False
    allow_download: bool = False
    trusted: bool = False


class PresenceHeadDetector(Section):
    """The shipped presence head; needs no download. Photos under `look_again_below` are judged part by part too, at 0 none."""

    kind: Literal["presence_head"]
    min_confidence: Share = 0.05
    look_again_below: Share = 0.0


class BoxFile(Section):
    """Boxes from a file, made elsewhere; see tinysieve.filtering.evidence.box_files.listed_boxes.Stated.

    `names` says what class numbers mean, `class_of_all` and `confidence` what a file without such columns lacks, `layout` what
    the four numbers of `x, y, w, h` or `bbox` are, and `complete` that the detector looked at every photo.
    """

    kind: Literal["boxes"]
    file: FilePath
    normalized: bool = False
    names: ClassNumbers | None = None
    class_of_all: Annotated[str, Field(min_length=1)] | None = None
    confidence: Share | None = None
    layout: Literal["corners", "corner_size", "center_size"] | None = None
    complete: bool = False
