"""A closer look at doubtful images, part by part: a classifier of whole images overlooks what is small in them.

Four corner parts and the middle, each of `PART` of width and height, are judged as images of their own. The weights of the whole
and of the part that speaks most for the class are those of a logistic regression on VOC 2007's val photos, which the head has not
seen: `benchmarks/closer_look.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.images import Pixels
from tinysieve.filtering.evidence.detectors.detector import Detector
from tinysieve.filtering.score import log_odds
from tinysieve.ground.errors import InputError

PART = 0.6
OF_WHOLE, OF_PART, OFFSET = 0.70, 0.58, -0.59
# Confidences this near to 0 or 1 count as that.
NEAREST = 1e-6
Rows = NDArray[np.float32]


class CloserLook:
    """A `Detector` around one that gives exactly one box an image: where its confidence is under `below`, parts are judged too.

    Args:
        detector: its first row of an image counts.
        below: a confidence in (0, 1].
        min_confidence: no box below this, after the closer look.
    """

    def __init__(self, detector: Detector, below: float, min_confidence: float) -> None:
        if not 0.0 < below <= 1.0:
            raise InputError(f"look_again_below {below} is not in (0, 1]", fix="0.9 is usual; 0 in the config looks once")
        self.name, self.classes = detector.name, detector.classes
        self.fingerprint = f"{detector.fingerprint}-closer-{below:g}-{min_confidence:g}"
        self._detector, self._below, self._floor = detector, below, min_confidence

    def detect(self, images: Sequence[Pixels]) -> list[Rows]:
        """Boxes of each image, float32 [0 or 1, 6]: x1, y1, x2, y2 (image pixels), confidence, class."""
        rows = list(self._detector.detect(images))
        for place, whole in enumerate(rows):
            if whole[0, 4] < self._below:
                rows[place] = self._closer(images[place], whole)
        return [row[row[:, 4] >= self._floor] for row in rows]

    def _closer(self, image: Pixels, whole: Rows) -> Rows:
        corners = parts(image.shape[1], image.shape[0])
        views = [np.ascontiguousarray(image[y1:y2, x1:x2]) for x1, y1, x2, y2 in corners]
        judged = [rows[0] for rows in self._detector.detect(views)]
        best = int(np.argmax([row[4] for row in judged]))
        row = whole.copy()
        if judged[best][4] > whole[0, 4]:
            row[0, :4] = judged[best][:4] + np.array([*corners[best][:2]] * 2, np.float32)
        row[0, 4] = together(float(whole[0, 4]), float(judged[best][4]))
        return row


def parts(width: int, height: int) -> list[tuple[int, int, int, int]]:
    """Corners x1, y1, x2, y2 of the five parts of an image, in pixels.

    >>> parts(100, 50)[0], parts(100, 50)[4]
    ((0, 0, 60, 30), (20, 10, 80, 40))
    """
    wide, high = max(int(width * PART), 1), max(int(height * PART), 1)
    places = [(x, y) for y in (0, height - high) for x in (0, width - wide)] + [((width - wide) // 2, (height - high) // 2)]
    return [(x, y, x + wide, y + high) for x, y in places]


def together(whole: float, part: float) -> float:
    """Confidence of an image from that of the whole and that of its best part."""
    odds = log_odds(np.array([whole, part]), NEAREST)
    return float(1 / (1 + np.exp(-(OF_WHOLE * odds[0] + OF_PART * odds[1] + OFFSET))))
