"""The closer look: which parts, what becomes of confidence and box, and a person whom the whole image hides."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from tinysieve.dataset.images import decode
from tinysieve.filtering.evidence.box_classes import BoxClasses
from tinysieve.filtering.evidence.detectors.closer_look import OF_PART, OF_WHOLE, OFFSET, CloserLook, parts, together
from tinysieve.filtering.evidence.presence_head import PresenceDetector
from tinysieve.ground.errors import InputError


class Brightness:
    """A detector whose confidence is an image's mean brightness, with the whole image as its box; it remembers what it saw."""

    name, fingerprint, classes = "brightness", "b", BoxClasses(((0, "person"),), ("person",))

    def __init__(self) -> None:
        self.seen: list[tuple[int, ...]] = []

    def detect(self, images: list[np.ndarray]) -> list[np.ndarray]:
        self.seen += [image.shape for image in images]
        return [np.array([[0, 0, image.shape[1], image.shape[0], image.mean() / 255, 0]], np.float32) for image in images]


@for_all(st.integers(1, 400), st.integers(1, 400))
def test_parts_lie_in_the_image_and_cover_its_corners(width: int, height: int) -> None:
    corners = parts(width, height)
    assert len(corners) == 5
    assert all(0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height for x1, y1, x2, y2 in corners)
    assert {(x1 == 0, y1 == 0) for x1, y1, *_ in corners} >= {(True, True)}
    assert max(x2 for _, _, x2, _ in corners) == width
    assert max(y2 for *_, y2 in corners) == height


def test_a_bright_corner_raises_a_dark_image_and_is_where_the_box_lies() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    image[60:, 140:] = 250
    row = CloserLook(Brightness(), 0.9, 0.0).detect([image])[0][0]
    # The part at the lower right is (80, 40, 200, 100); the box fills it.
    assert row[:4].tolist() == [80, 40, 200, 100]
    part = image[40:, 80:].mean() / 255
    assert row[4] == pytest.approx(together(image.mean() / 255, part), rel=1e-4)


def test_together_by_hand() -> None:
    """Odds of 1 on both sides are log-odds of 0: what is left is the offset."""
    assert together(0.5, 0.5) == pytest.approx(1 / (1 + np.exp(-OFFSET)))
    assert together(1 / (1 + np.exp(-2)), 1 / (1 + np.exp(-3))) == pytest.approx(
        1 / (1 + np.exp(-(2 * OF_WHOLE + 3 * OF_PART + OFFSET))))


def test_a_sure_image_is_not_looked_at_again_and_below_the_floor_there_is_no_box() -> None:
    detector = Brightness()
    bright, dark = np.full((10, 10, 3), 250, np.uint8), np.full((10, 10, 3), 5, np.uint8)
    rows = CloserLook(detector, 0.9, 0.05).detect([bright, dark])
    assert [len(row) for row in rows] == [1, 0]
    assert len(detector.seen) == 2 + 5


def test_a_small_person_is_seen_in_a_part() -> None:
    spec = importlib.util.find_spec("skimage")
    if spec is None or spec.origin is None:
        pytest.skip("needs scikit-image's photos")
    astronaut = decode(Path(spec.origin).parent / "data" / "astronaut.png")
    wide = np.full((1400, 1400, 3), 120, np.uint8)
    wide[850:1362, 850:1362] = astronaut
    head = PresenceDetector(0.0, workers=1)
    once, closer = (float(detector.detect([wide])[0][0, 4]) for detector in (head, CloserLook(head, 1.0, 0.0)))
    assert closer > once


def test_what_no_confidence_is_is_refused() -> None:
    with pytest.raises(InputError, match=r"look_again_below 1\.5"):
        CloserLook(Brightness(), 1.5, 0.05)
