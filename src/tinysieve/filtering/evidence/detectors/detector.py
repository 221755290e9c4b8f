"""What a detector is, what it finds in a batch of images, and why where there is no finding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tinysieve.filtering.evidence.box_classes import BoxClasses
from tinysieve.filtering.evidence.boxes import Boxes
from tinysieve.ground.errors import TinysieveError

BATCH = 32
# So many failures without one success are a broken detector, not broken images.
HOPELESS = 8


class Detector(Protocol):
    """Finds boxes in images."""

    name: str
    fingerprint: str
    """Changes whenever the boxes may change: weights, thresholds, size, engine, classes."""
    classes: BoxClasses
    """What the class numbers of its boxes mean."""

    def detect(self, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Images uint8 RGB [H, W, 3] to one float [n, 6] each: x1, y1, x2, y2 (pixels), confidence, class.

        Must not depend on which images share a call, beyond rounding.
        """
        ...


@dataclass(frozen=True)
class NotExamined:
    """An image without a finding, and why."""

    sample_id: str
    filepath: str
    reason: str


@dataclass(frozen=True, eq=False)
class Detections:
    """What a run saw, and what it could not look at."""

    boxes: Boxes
    not_examined: tuple[NotExamined, ...]


class DetectorFailed(TinysieveError):
    """The detector fails on everything; finished chunks are kept."""

    exit_code = 3


def boxes_of_batch(detector: Detector, pixels: list[np.ndarray]) -> list[np.ndarray | str]:
    """Boxes of each image; where the whole batch raises, image by image, so that one bad image costs only itself.

    Raises:
        DetectorFailed: the detector raises on every one of at least HOPELESS images.
    """
    if not pixels:
        return []
    try:
        return [_checked(boxes) for boxes in _same_length(detector.detect(pixels), pixels)]
    except Exception:  # which image it was is found below
        outcomes = [_found_in_one(detector, image) for image in pixels]
    if len(outcomes) >= HOPELESS and all(isinstance(outcome, str) for outcome in outcomes):
        raise DetectorFailed(f"detector {detector.name} fails on every image: {outcomes[0]}",
                             why="images that were not examined cannot be judged",
                             fix="mend the detector or its settings and run again; finished chunks are kept")
    return outcomes


def _found_in_one(detector: Detector, pixels: np.ndarray) -> np.ndarray | str:
    try:
        return _checked(_same_length(detector.detect([pixels]), [pixels])[0])
    except Exception as error:  # recorded as not examined, never as background
        return f"detector failed: {_words(error)}"


def _same_length(boxes: list[np.ndarray], pixels: list[np.ndarray]) -> list[np.ndarray]:
    if len(boxes) != len(pixels):
        raise ValueError(f"{len(boxes)} results for {len(pixels)} images")
    return boxes


def _checked(rows: np.ndarray) -> np.ndarray:
    rows = np.asarray(rows, np.float32).reshape(-1, 6)
    if not np.isfinite(rows).all():
        raise ValueError("the detector gave a box that is not a number")
    return rows


def _words(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
