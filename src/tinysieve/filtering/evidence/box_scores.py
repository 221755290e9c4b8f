"""How much a detector saw, as numbers: no threshold, so that whoever weighs signals can weigh doubtful boxes too."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinysieve.filtering.evidence.boxes import Boxes
from tinysieve.filtering.evidence.crop_rule import CropRule, area_fractions, largest_in_each


@dataclass(frozen=True, eq=False)
class BoxScores:
    """The best counting box of each of N images under the data set's rule.

    Args:
        confidence: float32 [N] in [0, 1], 0 without a box that counts; NaN where the detector says nothing: not examined, or
            only boxes that the rule leaves out (too small, outside the crop).
        area_fraction: float32 [N] in [0, 1], share of the crop that this box covers; 0 without one.
    """

    confidence: NDArray[np.float32]
    area_fraction: NDArray[np.float32]


def box_scores(boxes: Boxes, examined: NDArray[np.bool_], widths: NDArray[np.integer], heights: NDArray[np.integer],
               rule: CropRule, left_out_above: float) -> BoxScores:
    """Read boxes as scores.

    Args:
        boxes: boxes of N images, in the order of the table.
        examined: bool [N].
        widths, heights: int [N], pixels.
        rule: crop and area.
        left_out_above: confidence from which on a box that the rule leaves out makes the image undecided.
    """
    share = area_fractions(boxes, widths, heights, rule.crop)
    strength = np.where(boxes.counted, boxes.confidence, np.float32(0))
    counts = share > np.float32(rule.min_area)
    counting = np.where(counts, strength, np.float32(0))
    best = largest_in_each(counting, boxes.offsets)
    is_best = (counting > 0) & (counting == np.repeat(best, boxes.counts))
    area = largest_in_each(np.where(is_best, share, np.float32(0)), boxes.offsets)
    left_out = largest_in_each(np.where(counts, np.float32(0), strength), boxes.offsets)
    silent = ~examined | ((best < left_out_above) & (left_out >= left_out_above))
    return BoxScores(np.where(silent, np.float32(np.nan), best), np.where(silent, np.float32(0), area))
