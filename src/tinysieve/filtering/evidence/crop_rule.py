"""Does an image show what is to be detected, by the data set's own rule of crop and area?

Wake Vision calls an image `person` when a person's box covers more than 5 % of the centre crop, and
leaves smaller ones out altogether. Boxes go through the same rule before they are compared with a label.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal, get_args

import numpy as np
from pydantic import ConfigDict, Field

from tinysieve.filtering.evidence.boxes import Boxes
from tinysieve.ground.errors import InputError

NOT_EXAMINED, NONE, TOO_SMALL, PRESENT = np.int8(-1), np.int8(0), np.int8(1), np.int8(2)
Crop = Literal["center_square", "none"]


@dataclass(frozen=True)
class CropRule:
    """When a box counts.

    Attributes:
        crop: what the model is shown: `center_square` (the largest square in the middle) or `none` (all).
        min_area: a box counts when its part inside the crop covers more than this share of the crop, 0..1.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    crop: Crop
    min_area: Annotated[float, Field(ge=0, lt=1)]

    def __post_init__(self) -> None:
        if self.crop not in get_args(Crop):
            raise InputError(f"crop '{self.crop}' is not known", fix=f"one of: {', '.join(get_args(Crop))}")
        if not 0.0 <= self.min_area < 1.0:
            raise InputError(f"min_area {self.min_area} is not in [0, 1)", fix="a share of the crop; 5 % is 0.05")


RULES = MappingProxyType({
    "wake_vision": CropRule("center_square", 0.05),
    "vww": CropRule("none", 0.005),
    "mlperf_tiny": CropRule("none", 0.025),
    "any": CropRule("none", 0.0),
})


@dataclass(frozen=True, eq=False)
class Presence:
    """What the rule says of N images.

    Attributes:
        codes: int8 [N], PRESENT, TOO_SMALL (only boxes that the rule leaves out), NONE, NOT_EXAMINED.
        confidence: float32 [N] in [0, 1], of the best box that speaks for the code: the best counting
            box; the best box that is left out; for NONE the best box below the threshold (0
            without any, so near the threshold means a doubtful absence); 0 where not examined.
        area_fraction: float32 [N] in [0, 1], largest share of the crop that a box at or above the threshold covers.
    """

    codes: np.ndarray
    confidence: np.ndarray
    area_fraction: np.ndarray


def crop_window(widths: np.ndarray, heights: np.ndarray, crop: str) -> np.ndarray:
    """The crop of each image, float32 [N, 4] (x1, y1, x2, y2), pixels; sizes int [N], pixels.

    >>> crop_window(np.array([300]), np.array([200]), "center_square")
    array([[ 50.,   0., 250., 200.]], dtype=float32)
    """
    sides = np.stack([widths, heights], axis=1).astype(np.float32)
    kept = sides if crop == "none" else np.repeat(sides.min(axis=1, keepdims=True), 2, axis=1)
    low = (sides - kept) / 2
    return np.concatenate([low, low + kept], axis=1)


def area_fractions(boxes: Boxes, widths: np.ndarray, heights: np.ndarray, crop: str) -> np.ndarray:
    """Share of the crop that each box covers, float32 [B] in [0, 1].

    Args:
        boxes: boxes of N images.
        widths, heights: int [N], pixels of the upright image; read only where an image has boxes.
        crop: `center_square` or `none`.

    Raises:
        InputError: an image with boxes has no size.
    """
    window = crop_window(widths, heights, crop)
    _check_sizes(window, boxes)
    index = np.repeat(np.arange(len(boxes)), boxes.counts)
    # One side at a time: a [B, 4] copy of the windows would cost 200 MB at 12 million boxes.
    share = np.ones(len(index), np.float32)
    for low, high in ((0, 2), (1, 3)):
        start, end = window[index, low], window[index, high]
        inside = np.minimum(boxes.xyxy[:, high], end) - np.maximum(boxes.xyxy[:, low], start)
        share *= np.clip(inside, 0, None) / (end - start)
    return share


def _check_sizes(window: np.ndarray, boxes: Boxes) -> None:
    sound = (window[:, 2] > window[:, 0]) & (window[:, 3] > window[:, 1])
    bad = np.flatnonzero(~sound & (boxes.counts > 0))
    if len(bad):
        raise InputError(f"{len(bad)} images with boxes have no width or height",
                         where=f"sample {boxes.sample_ids[int(bad[0])]}", why="an area needs the size of the image")


def largest_in_each(values: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Largest value of each run, 0 for an empty run; values float32 [B] >= 0, offsets int64 [N + 1].

    >>> largest_in_each(np.array([.5, .25], np.float32), np.array([0, 0, 2]))
    array([0. , 0.5], dtype=float32)
    """
    out = np.zeros(len(offsets) - 1, np.float32)
    filled = np.flatnonzero(np.diff(offsets))
    if len(filled):
        out[filled] = np.maximum.reduceat(values, offsets[filled])
    return out


def presence(
    boxes: Boxes, examined: np.ndarray, widths: np.ndarray, heights: np.ndarray, rule: CropRule, threshold: float
) -> Presence:
    """Map boxes to present, too small or none.

    Args:
        boxes: boxes in the order of the table's N rows (see `align`); classes that do not count are left aside.
        examined: bool [N].
        widths, heights: int [N], pixels of the upright image.
        rule: the data set's crop and area.
        threshold: boxes at or above this confidence count, 0..1.

    Raises:
        InputError: the threshold is outside [0, 1], or sizes do not fit.
    """
    if not 0.0 <= threshold <= 1.0:
        raise InputError(f"threshold {threshold} is not in [0, 1]")
    if not len(boxes) == len(examined) == len(widths) == len(heights):
        raise InputError(f"{len(boxes)} images with boxes, {len(examined)} examined, {len(widths)} widths, "
                         f"{len(heights)} heights", fix="bring the boxes into the order of the table with align()")
    share = area_fractions(boxes, widths, heights, rule.crop)
    # Compared in the files' own float32, so that a box stored as 0.3 passes a threshold of 0.3.
    strength = np.where(boxes.counted, boxes.confidence, np.float32(-1))
    sure = strength >= np.float32(threshold)
    counts = sure & (share > np.float32(rule.min_area))
    any_box = np.maximum(strength, 0)
    zero = np.float32(0)

    def best(mask: np.ndarray, values: np.ndarray) -> np.ndarray:
        return largest_in_each(np.where(mask, values, zero), boxes.offsets)

    large = largest_in_each(counts.astype(np.float32), boxes.offsets) > 0
    seen = largest_in_each(sure.astype(np.float32), boxes.offsets) > 0
    codes = np.select([~examined, large, seen], [NOT_EXAMINED, PRESENT, TOO_SMALL], NONE).astype(np.int8)
    confidence = np.where(large, best(counts, any_box), largest_in_each(any_box, boxes.offsets))
    return Presence(codes, np.where(examined, confidence, zero), best(sure, share))
