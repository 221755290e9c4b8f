"""The crop-and-area rule: derivations by hand, and a slow loop that must agree with the fast columns."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinysieve.filtering.evidence.boxes import Boxes
from tinysieve.filtering.evidence.crop_rule import (
    NONE,
    NOT_EXAMINED,
    PRESENT,
    RULES,
    TOO_SMALL,
    CropRule,
    area_fractions,
    presence,
)
from tinysieve.ground.errors import InputError

WAKE_VISION = RULES["wake_vision"]


def judge(rows, width, height, rule, threshold=0.25):
    """One image's code, confidence and area fraction."""
    boxes = Boxes.from_lists(["i"], [np.array(rows, np.float32).reshape(-1, 6)])
    got = presence(boxes, np.array([True]), np.array([width]), np.array([height]), rule, threshold)
    return int(got.codes[0]), float(got.confidence[0]), float(got.area_fraction[0])


def test_only_the_part_inside_the_centre_crop_counts():
    # 300 x 200: the crop is x 50..250. The box x 0..100, y 0..200 has 50 x 200 of 200 x 200 inside.
    code, confidence, share = judge([[0, 0, 100, 200, 0.9, 0]], 300, 200, WAKE_VISION)
    assert code == PRESENT
    assert (confidence, share) == pytest.approx((0.9, 50 * 200 / (200 * 200)))


def test_a_person_beside_the_crop_is_left_out_and_no_background():
    assert judge([[0, 0, 50, 200, 0.9, 0]], 300, 200, WAKE_VISION) == (TOO_SMALL, pytest.approx(0.9), 0)
    assert judge([[0, 0, 50, 200, 0.9, 0]], 300, 200, RULES["any"])[0] == PRESENT


@pytest.mark.parametrize(("name", "least"), [("wake_vision", 0.05), ("vww", 0.005), ("mlperf_tiny", 0.025)])
def test_each_rule_asks_for_more_than_its_share(name, least):
    side = 1000.0
    for share, code in ((least * 0.98, TOO_SMALL), (least * 1.02, PRESENT)):
        assert judge([[0, 0, side * share, side, 0.9, 0]], 1000, 1000, RULES[name])[0] == code


def test_exactly_the_share_is_not_more_than_it():
    assert judge([[0, 0, 256, 1, 0.9, 0]], 32, 64, CropRule("none", 0.015625))[0] == PRESENT - 1


def test_confidence_speaks_for_the_code():
    large, small = [0, 0, 100, 100], [0, 0, 10, 10]
    assert judge([[*large, 0.3, 0], [*small, 0.9, 0]], 100, 100, WAKE_VISION)[:2] == (2, pytest.approx(0.3))
    assert judge([[*large, 0.2, 0], [*small, 0.9, 0]], 100, 100, WAKE_VISION)[:2] == (1, pytest.approx(0.9))
    assert judge([[*large, 0.2, 0]], 100, 100, WAKE_VISION) == (NONE, pytest.approx(0.2), 0)
    assert judge([], 100, 100, WAKE_VISION) == (NONE, 0, 0)


def test_other_classes_are_no_persons():
    assert judge([[0, 0, 100, 100, 0.9, 16]], 100, 100, WAKE_VISION) == (NONE, 0, 0)


def test_unexamined_is_neither_person_nor_background():
    boxes = Boxes.from_lists(["i"], [np.zeros((0, 6))])
    got = presence(boxes, np.array([False]), np.array([0]), np.array([0]), WAKE_VISION, 0.25)
    assert (got.codes[0], got.confidence[0]) == (NOT_EXAMINED, 0)


def slow_code(rows, width, height, rule, threshold):
    """The rule as a person would write it for one image."""
    side = min(width, height)
    x, y, w, h = (0, 0, width, height) if rule.crop == "none" else ((width - side) / 2, (height - side) / 2, side, side)
    code = NONE
    for x1, y1, x2, y2, confidence, _ in rows:
        if confidence < threshold:
            continue
        inside = max(0, min(x2, x + w) - max(x1, x)) * max(0, min(y2, y + h) - max(y1, y))
        code = max(code, PRESENT if inside > rule.min_area * w * h else TOO_SMALL)
    return code


sides = st.integers(1, 64)
# Quarters are exact in float32, so that the loop and the columns meet no rounding.
box = st.tuples(*[st.integers(0, 64)] * 4, st.sampled_from([0.05, 0.25, 0.5, 1.0]))
images = st.lists(st.tuples(sides, sides, st.lists(box, max_size=4)), max_size=8)


@given(images, st.sampled_from(["none", "center_square"]), st.sampled_from([0.0, 0.0617, 0.511]))
def test_columns_agree_with_the_slow_loop(drawn, crop, least):
    rule = CropRule(crop, least)
    rows = [np.array([[min(a, c), min(b, d), max(a, c), max(b, d), p, 0] for a, b, c, d, p in one]).reshape(-1, 6)
            for _, _, one in drawn]
    widths, heights = np.array([w for w, _, _ in drawn], int), np.array([h for _, h, _ in drawn], int)
    boxes = Boxes.from_lists([str(k) for k in range(len(drawn))], rows)
    got = presence(boxes, np.ones(len(drawn), bool), widths, heights, rule, 0.25)
    assert got.codes.tolist() == [slow_code(r, w, h, rule, 0.25) for r, w, h in zip(rows, widths, heights, strict=True)]
    fractions = area_fractions(boxes, widths, heights, crop)
    assert ((fractions >= 0) & (fractions <= 1 + 1e-6)).all()


@given(images)
def test_a_higher_threshold_never_adds_a_person(drawn):
    rows = [np.array([[min(a, c), min(b, d), max(a, c), max(b, d), p, 0] for a, b, c, d, p in one]).reshape(-1, 6)
            for _, _, one in drawn]
    boxes = Boxes.from_lists([str(k) for k in range(len(drawn))], rows)
    sizes = np.array([w for w, _, _ in drawn], int), np.array([h for _, h, _ in drawn], int)
    codes = [presence(boxes, np.ones(len(drawn), bool), *sizes, WAKE_VISION, t).codes for t in (0.05, 0.25, 0.5, 1.0)]
    assert all((low >= high).all() for low, high in pairwise(codes))


def test_wrong_settings_and_sizes_are_named():
    with pytest.raises(InputError, match="crop 'middle'"):
        CropRule("middle", 0.1)
    with pytest.raises(InputError, match=r"min_area 5 is not in \[0, 1\)"):
        CropRule("none", 5)
    with pytest.raises(InputError, match=r"threshold 25"):
        judge([], 10, 10, WAKE_VISION, 25)
    with pytest.raises(InputError, match="no width or height"):
        judge([[0, 0, 1, 1, 0.9, 0]], 0, 10, WAKE_VISION)
