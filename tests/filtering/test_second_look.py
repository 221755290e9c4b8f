"""Two looks at one image: what both see stays, what one sees is less certain, and nobody looks twice without a doubt."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinysieve.filtering.evidence.box_classes import PERSON_BOXES, BoxClasses
from tinysieve.filtering.evidence.detectors.second_look import SecondLook, fuse, mirror
from tinysieve.ground.errors import InputError

corner = st.integers(0, 60)
box = st.tuples(corner, corner, st.integers(1, 40), st.integers(1, 40), st.integers(5, 100), st.integers(0, 1))


def rows_of(boxes) -> np.ndarray:
    """float32 [n, 6] from corners, sides, confidence in percent, class."""
    return np.array([[x, y, x + w, y + h, sure / 100, kind] for x, y, w, h, sure, kind in boxes], np.float32).reshape(-1, 6)


some = st.lists(box, max_size=6).map(rows_of)


class Bright:
    """Sees one person where the image is brightest, as sure as the first pixel says; counts its images."""

    name, fingerprint, classes = "bright", "f", PERSON_BOXES

    def __init__(self) -> None:
        self.seen = 0

    def detect(self, images):
        self.seen += len(images)
        found = []
        for image in images:
            y, x = np.unravel_index(image[..., 0].argmax(), image.shape[:2])
            sure = image[..., 1].max() / 100
            found.append(np.array([[x, y, x + 1, y + 1, sure, 0]] if sure else np.zeros((0, 6)), np.float32))
        return found


def photo(sure: int) -> np.ndarray:
    """8 x 4 pixels, brightest at (1, 2), with the confidence that `Bright` shall have, in percent."""
    image = np.zeros((4, 8, 3), np.uint8)
    image[2, 1, 0], image[0, 0, 1] = 255, sure
    return image


def test_only_doubtful_images_are_looked_at_again():
    detector = Bright()
    found = SecondLook(detector, 0.7).detect([photo(90), photo(50), photo(0), photo(70)])
    assert detector.seen == 4 + 1
    assert [len(rows) for rows in found] == [1, 1, 0, 1]


def test_a_detector_that_sees_the_same_in_the_mirror_keeps_its_boxes():
    (rows,) = SecondLook(Bright(), 0.7).detect([photo(50)])
    assert rows == pytest.approx(np.array([[1, 2, 2, 3, 0.5, 0]]))


def test_a_box_of_one_look_counts_half_and_of_both_the_mean():
    first = rows_of([(0, 0, 10, 10, 60, 0), (50, 50, 5, 5, 30, 0)])
    second = rows_of([(0, 0, 10, 8, 40, 0), (30, 0, 5, 5, 50, 0)])
    assert fuse(first, second) == pytest.approx(
        np.array([[0, 0, 10, 9, 0.5, 0], [30, 0, 35, 5, 0.25, 0], [50, 50, 55, 55, 0.15, 0]])
    )


def test_boxes_of_two_classes_are_never_one_thing():
    fused = fuse(rows_of([(0, 0, 9, 9, 80, 0)]), rows_of([(0, 0, 9, 9, 60, 1)]))
    assert fused[:, 4:] == pytest.approx(np.array([[0.4, 0], [0.3, 1]]))


class Shelf:
    """Sees a bottle beside whatever `Bright` sees, as sure as 0.9."""

    name, fingerprint = "shelf", "s"
    classes = BoxClasses(((0, "person"), (39, "bottle")), ("person",))

    def __init__(self) -> None:
        self.eye = Bright()

    def detect(self, images):
        bottle = np.array([[0, 0, 1, 1, 0.9, 39]], np.float32)
        return [np.concatenate([bottle, rows]) for rows in self.eye.detect(images)]


def test_boxes_that_do_not_count_settle_no_doubt_and_raise_none():
    detector = Shelf()
    found = SecondLook(detector, 0.7).detect([photo(90), photo(50), photo(0)])
    assert detector.eye.seen == 3 + 1
    assert [rows[rows[:, 5] == 0, 4].tolist() for rows in found] == [pytest.approx([0.9]), pytest.approx([0.5]), []]


@given(some, some)
def test_boxes_of_one_class_do_not_depend_on_those_of_another(first, second):
    def of_class(rows):
        return rows[rows[:, 5] == 0]

    assert of_class(fuse(first, second)).tolist() == fuse(of_class(first), of_class(second)).tolist()


@given(some, some)
def test_every_box_has_its_share_and_none_is_surer_than_the_surest(first, second):
    fused = fuse(first, second)
    both = np.concatenate([first, second])
    assert fused[:, 4].sum() == pytest.approx(both[:, 4].sum() / 2, abs=1e-4)
    assert max(len(first), len(second)) <= len(fused) <= len(both)
    assert fused[:, 4].max(initial=0) <= both[:, 4].max(initial=0)
    assert (np.diff(fused[:, 4]) <= 0).all()


@given(some)
def test_two_same_looks_give_the_same_confidences_where_boxes_do_not_overlap(rows):
    apart = rows + np.array([[100 * k, 0, 100 * k, 0, 0, 0] for k in range(len(rows))], np.float32).reshape(-1, 6)
    assert fuse(apart, apart) == pytest.approx(apart[np.argsort(-apart[:, 4], kind="stable")])


@given(some, st.integers(100, 300))
def test_mirrored_twice_is_as_before_and_widths_stay(rows, width):
    assert mirror(mirror(rows, width), width) == pytest.approx(rows)
    turned = mirror(rows, width)
    assert turned[:, 2] - turned[:, 0] == pytest.approx(rows[:, 2] - rows[:, 0])


def test_the_limit_is_a_confidence_and_part_of_the_fingerprint():
    assert SecondLook(Bright(), 0.7).fingerprint != SecondLook(Bright(), 0.6).fingerprint != Bright.fingerprint
    with pytest.raises(InputError, match="look_again_below"):
        SecondLook(Bright(), 0.0)
