"""A second look at doubtful images, mirrored: what a detector sees in only one of two mirror images is less certain.

Averaging over mirror images is the common augmentation at test time. Only images whose best box is doubtful are looked at again,
which is where it changes an answer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tinysieve.filtering.evidence.detectors.detector import Detector
from tinysieve.ground.errors import InputError

# Two boxes that overlap by this much are one thing, the usual threshold of detection benchmarks.
SAME_THING = 0.5
Rows = NDArray[np.float32]


class SecondLook:
    """A `Detector` around another: images with boxes that count, the best of them under `below`, are detected again mirrored."""

    def __init__(self, detector: Detector, below: float) -> None:
        """Wrap `detector`; `below` is a confidence in (0, 1]."""
        if not 0.0 < below <= 1.0:
            raise InputError(f"look_again_below {below} is not in (0, 1]", fix="0.7 is usual; 0 in the config looks once")
        self.name, self.classes = detector.name, detector.classes
        self.fingerprint = f"{detector.fingerprint}-again-{below:g}"
        self._detector, self._below = detector, below

    def detect(self, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Boxes of each image, float32 [n, 6]: x1, y1, x2, y2 (image pixels), confidence, class; best first."""
        boxes = list(self._detector.detect(images))
        sure = [rows[np.isin(rows[:, 5], self.classes.numbers), 4] for rows in boxes]
        doubtful = [place for place, those in enumerate(sure) if len(those) and those.max() < self._below]
        if doubtful:
            again = self._detector.detect([np.ascontiguousarray(images[place][:, ::-1]) for place in doubtful])
            for place, rows in zip(doubtful, again, strict=True):
                boxes[place] = fuse(boxes[place], mirror(rows, images[place].shape[1]))
        return boxes


def mirror(rows: Rows, width: int) -> Rows:
    """Boxes [n, 6] of an image `width` pixels wide, as they lie in its mirror image.

    >>> mirror(np.array([[0, 5, 10, 20, 0.9, 0]], np.float32), 100)[0, :4].tolist()
    [90.0, 5.0, 100.0, 20.0]
    """
    out = np.array(rows, np.float32)
    out[:, 0], out[:, 2] = width - rows[:, 2], width - rows[:, 0]
    return out


def fuse(first: Rows, second: Rows) -> Rows:
    """Boxes of two looks at one image as one list, best first, float32 [n, 6].

    A box's confidence is its mean over the looks, 0 in the one that has no box of its class there; of two boxes that are one
    thing, the corners are averaged. `first` chooses its partners, the most confident first.
    """
    overlap = _overlap(first, second) * (first[:, None, 5] == second[:, 5])
    fused, free = [], np.ones(len(second), bool)
    for row in np.argsort(-first[:, 4], kind="stable"):
        shared = np.where(free, overlap[row], 0)
        if len(second) and shared.max() >= SAME_THING:
            partner = int(shared.argmax())
            free[partner] = False
            fused.append((first[row] + second[partner]) / 2)
        else:
            fused.append(_seen_once(first[row]))
    fused += [_seen_once(row) for row in second[free]]
    rows = np.array(fused, np.float32).reshape(-1, 6)
    return rows[np.argsort(-rows[:, 4], kind="stable")]


def _seen_once(row: Rows) -> Rows:
    return row * np.array([1, 1, 1, 1, 0.5, 1], np.float32)


def _overlap(first: Rows, second: Rows) -> Rows:
    """Intersection over union, float32 [n, m] in [0, 1]."""
    low, high = np.maximum(first[:, None, :2], second[:, :2]), np.minimum(first[:, None, 2:4], second[:, 2:4])
    common = np.clip(high - low, 0, None).prod(axis=2)
    areas = [(rows[:, 2:4] - rows[:, :2]).prod(axis=1) for rows in (first, second)]
    union = areas[0][:, None] + areas[1] - common
    return np.asarray(common / np.maximum(union, np.float32(1e-9)), np.float32)
