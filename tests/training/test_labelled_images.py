"""Bad splits stop before training, with the value and the split in the message."""

from __future__ import annotations

import numpy as np
import pytest

from tinysieve.ground.errors import InputError
from tinysieve.training.labelled_images import LabelledImages, check_disjoint

PIXELS = np.zeros((6, 8, 8, 3), np.uint8)


def images(rows, labels, pixels=PIXELS, split="train"):
    return LabelledImages(pixels, np.array(rows, np.int64), np.array(labels, np.int8), split)


def test_good_images_pass():
    images([0, 1, 5], [0, 1, 1]).check()


@pytest.mark.parametrize(
    ("rows", "labels", "words"),
    [
        ([], [], "'train' is empty"),
        ([0, 1], [1, 1], "no image of class 'background' among the 2"),
        ([0, 1], [0, 0], "no image of class 'person' among the 2"),
        ([0, 1, 2], [0, 1, -1], "label -1"),
        ([0, 1, 2], [0, 1, 2], "label 2"),
        ([0, 1, 6], [0, 1, 1], "row 6"),
        ([0, 1, -1], [0, 1, 1], "row"),
        ([0, 1], [0, 1, 1], "2 rows but 3 labels"),
    ],
)
def test_bad_images_are_named(rows, labels, words):
    with pytest.raises(InputError, match=words):
        images(rows, labels).check()


@pytest.mark.parametrize("pixels", [PIXELS.astype(np.float32), PIXELS[..., :1], PIXELS[:, :4]])
def test_other_pixels_are_refused(pixels):
    with pytest.raises(InputError, match="not uint8"):
        images([0, 1], [0, 1], pixels).check()


def test_an_image_in_both_splits_is_named():
    with pytest.raises(InputError, match="1 images are in split 'train' and in split 'validation'"):
        check_disjoint(images([0, 1, 2], [0, 1, 1]), images([2, 3], [1, 0], split="validation"))


def test_the_digest_follows_rows_and_labels():
    one = images([0, 1], [0, 1])
    assert one.digest() == images([0, 1], [0, 1]).digest()
    assert len({one.digest(), images([1, 0], [0, 1]).digest(), images([0, 1], [1, 0]).digest()}) == 3
