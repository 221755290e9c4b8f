"""What goes into and what comes out of a YOLO network: letterbox, head decoding, suppression.

Here so that an engine is a few lines around one `infer` call, and so that the arithmetic is tested
without any engine. The geometry is the one the Ultralytics networks were trained with.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

GREY = 114
STRIDE = 32
# At most so many boxes an image, as Ultralytics keeps.
MOST_BOXES = 300


@dataclass(frozen=True)
class Placement:
    """Where an image lies on the network's canvas: `canvas = image * scale + (left, top)`, in pixels."""

    scale: float
    left: int
    top: int
    width: int
    height: int


def canvas_shape(height: int, width: int, size: int, stride: int = STRIDE) -> tuple[int, int]:
    """Smallest canvas (height, width), multiples of `stride`, that holds the image with its long side at `size`.

    >>> canvas_shape(224, 317, 640)
    (480, 640)
    """
    scale = size / max(height, width)
    rows, columns = max(round(height * scale), 1), max(round(width * scale), 1)
    return -(-rows // stride) * stride, -(-columns // stride) * stride


def letterbox(image: np.ndarray, canvas: tuple[int, int]) -> tuple[np.ndarray, Placement]:
    """Fit an image into a canvas without distortion, centred on grey.

    Args:
        image: uint8 [H, W, 3].
        canvas: height and width in pixels.

    Returns:
        uint8 [canvas height, canvas width, 3] and where the image lies on it.
    """
    height, width = image.shape[:2]
    scale = min(canvas[0] / height, canvas[1] / width)
    inner = max(round(width * scale), 1), max(round(height * scale), 1)
    # The 0.1 settles which side gets the odd pixel, as in training.
    left, top = round((canvas[1] - inner[0]) / 2 - 0.1), round((canvas[0] - inner[1]) / 2 - 0.1)
    out = np.full((*canvas, 3), GREY, np.uint8)
    inside = out[top : top + inner[1], left : left + inner[0]]
    if (width, height) == inner:
        inside[:] = image
    else:
        inside[:] = cv2.resize(image, inner, interpolation=cv2.INTER_LINEAR)
    return out, Placement(scale, left, top, width, height)


def read_head(output: np.ndarray, classes: tuple[int, ...], confidence: float) -> np.ndarray:
    """Candidates of one image, before suppression.

    A candidate's class is its best one, so a dog that is 0.3 person and 0.8 dog is no person.

    Args:
        output: float [4 + K, A] (centre x, centre y, width, height, K class scores), canvas pixels.
        classes: the classes to keep, each in 0..K-1.
        confidence: keep scores above this, 0..1.

    Returns:
        float32 [n, 6]: x1, y1, x2, y2, confidence, class; canvas pixels; best first.
    """
    scores = output[4:]
    wanted = scores[list(classes)]
    near = np.flatnonzero(wanted.max(axis=0) > confidence)
    best = scores[:, near].argmax(axis=0)
    kept = np.isin(best, classes)
    near, best = near[kept], best[kept]
    centre, half = output[:2, near], output[2:4, near] / 2
    rows = np.vstack([centre - half, centre + half, scores[best, near], best]).T.astype(np.float32)
    return rows[np.argsort(-rows[:, 4], kind="stable")]


def read_end_to_end(output: np.ndarray, classes: tuple[int, ...], confidence: float) -> np.ndarray:
    """As `read_head`, for networks that suppress by themselves: output float [n, 6], already corners."""
    kept = (output[:, 4] > confidence) & np.isin(output[:, 5], classes)
    rows = output[kept].astype(np.float32)
    return rows[np.argsort(-rows[:, 4], kind="stable")]


def suppress(rows: np.ndarray, iou: float) -> np.ndarray:
    """Greedy non-maximum suppression within each class.

    Args:
        rows: float [n, 6], best first (x1, y1, x2, y2, confidence, class).
        iou: boxes that overlap a better one by more than this are dropped, 0..1.

    >>> a, b = [0, 0, 10, 10, .9, 0], [1, 0, 10, 10, .8, 0]
    >>> suppress(np.array([a, b], np.float32), iou=0.7)[:, 4]
    array([0.9], dtype=float32)
    """
    if len(rows) < 2:
        return rows
    low, high = rows[:, None, :2], rows[:, None, 2:4]
    sides = np.clip(np.minimum(high, rows[:, 2:4]) - np.maximum(low, rows[:, :2]), 0, None)
    common = sides.prod(axis=2)
    area = (rows[:, 2:4] - rows[:, :2]).prod(axis=1)
    overlap = common > iou * (area[:, None] + area - common)
    overlap &= rows[:, None, 5] == rows[:, 5]
    alive = np.ones(len(rows), bool)
    for i in range(len(rows) - 1):
        if alive[i]:
            alive[i + 1 :] &= ~overlap[i, i + 1 :]
    return rows[alive]


def foremost(rows: np.ndarray, counting: tuple[int, ...], limit: int = MOST_BOXES) -> np.ndarray:
    """The best boxes of the classes that count, and as many of the others: a street full of cars crowds no person out.

    Args:
        rows: float [n, 6], best first (x1, y1, x2, y2, confidence, class).
        counting: numbers of the classes that count.
        limit: at most this many boxes of either kind stay.
    """
    counts = np.isin(rows[:, 5], counting)
    place = np.where(counts, np.cumsum(counts), np.cumsum(~counts))
    return rows[place <= limit]


def to_image(rows: np.ndarray, placement: Placement) -> np.ndarray:
    """Canvas pixels to image pixels, clipped to the image; float32 [n, 6]."""
    out = rows.copy()
    shift = np.array([placement.left, placement.top] * 2, np.float32)
    limit = np.array([placement.width, placement.height] * 2, np.float32)
    out[:, :4] = np.clip((out[:, :4] - shift) / np.float32(placement.scale), 0, limit)
    return out
