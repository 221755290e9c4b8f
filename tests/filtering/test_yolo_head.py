"""Letterbox and suppression: geometry that can be undone, and agreement with OpenCV."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinysieve.filtering.evidence.detectors.yolo_head import (
    canvas_shape,
    foremost,
    letterbox,
    read_end_to_end,
    read_head,
    suppress,
    to_image,
)

sides = st.integers(1, 900)


@given(sides, sides)
def test_canvas_is_the_smallest_that_holds_the_image(height, width):
    canvas = canvas_shape(height, width, 640)
    scale = 640 / max(height, width)
    for side, room in zip((height, width), canvas, strict=True):
        assert room % 32 == 0
        assert 0 <= room - max(round(side * scale), 1) < 32


@given(sides, sides)
def test_corners_of_the_image_survive_the_way_to_the_canvas_and_back(height, width):
    pixels, place = letterbox(np.zeros((height, width, 3), np.uint8), (640, 640))
    assert pixels.shape == (640, 640, 3)
    corners = np.float32([[place.left, place.top, place.left + width * place.scale,
                           place.top + height * place.scale, 1, 0]])
    assert to_image(corners, place)[0, :4] == pytest.approx([0, 0, width, height], abs=0.01)


def test_padding_is_grey_and_centred():
    pixels, place = letterbox(np.full((100, 50, 3), 7, np.uint8), (100, 100))
    assert (place.left, place.top, place.scale) == (25, 0, 1)
    assert (pixels[:, 25:75] == 7).all()
    assert (np.delete(pixels, np.s_[25:75], axis=1) == 114).all()


def test_boxes_outside_are_cut_at_the_border():
    _, place = letterbox(np.zeros((10, 20, 3), np.uint8), (10, 20))
    assert to_image(np.float32([[-5, -5, 30, 30, 1, 0]]), place)[0, :4].tolist() == [0, 0, 20, 10]


def test_a_candidate_is_its_best_class():
    # Three anchors: surely person; more dog than person; person below the threshold.
    output = np.float32([[10, 10, 10], [20, 20, 20], [4, 4, 4], [8, 8, 8], [0.9, 0.3, 0.04], [0.1, 0.8, 0.0]])
    assert read_head(output, (0,), 0.05).tolist() == [pytest.approx([8, 16, 12, 24, 0.9, 0])]
    assert read_head(output, (0, 1), 0.05)[:, 5].tolist() == [0, 1]


def test_networks_that_suppress_by_themselves_are_only_filtered():
    output = np.float32([[0, 0, 1, 1, 0.3, 0], [0, 0, 1, 1, 0.9, 0], [0, 0, 1, 1, 0.9, 5], [0, 0, 1, 1, 0.01, 0]])
    assert read_end_to_end(output, (0,), 0.05)[:, 4].tolist() == pytest.approx([0.9, 0.3])


@given(st.integers(0, 10_000), st.integers(0, 40), st.sampled_from([0.3, 0.5, 0.7]))
def test_suppression_agrees_with_opencv(seed, count, iou):
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, 60, (count, 2))
    corners = np.concatenate([low, low + rng.uniform(1, 40, (count, 2))], axis=1)
    scores = np.sort(rng.permutation(1000)[:count] / 1000 + 0.001)[::-1]
    rows = np.concatenate([corners, scores[:, None], np.zeros((count, 1))], axis=1)
    widths = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
    kept = cv2.dnn.NMSBoxes(widths.tolist(), scores.tolist(), 0.0, iou) if count else []
    assert suppress(rows, iou)[:, 4].tolist() == sorted((scores[list(kept)]).tolist(), reverse=True)


def test_classes_do_not_suppress_each_other():
    assert len(suppress(np.float32([[0, 0, 9, 9, 0.9, 0], [0, 0, 9, 9, 0.8, 1]]), 0.5)) == 2


@given(st.integers(0, 10_000), st.integers(0, 40), st.integers(1, 10))
def test_other_classes_crowd_out_no_box_that_counts(seed, count, limit):
    """What stays of the classes that count is what would stay if there were no others, and no kind has more than its limit."""
    rng = np.random.default_rng(seed)
    kinds = rng.integers(0, 4, count)
    rows = np.column_stack([np.zeros((count, 4)), np.sort(rng.random(count))[::-1], kinds])
    kept, counts = foremost(rows, (1, 2), limit), np.isin(kinds, (1, 2))
    of_those = np.isin(kept[:, 5], (1, 2))
    assert np.array_equal(kept[of_those], rows[counts][:limit])
    assert np.array_equal(kept[~of_those], rows[~counts][:limit])
    assert (np.diff(kept[:, 4]) <= 0).all()
