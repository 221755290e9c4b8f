"""The augmentation is Keras' two layers, image by image, and the same whoever does the work."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from tinysieve.training.augment import Transforms, affine_matrix, apply_transforms, draw_transforms, warp


@pytest.fixture
def images():
    """Eight smooth colourful pictures, as photos are smooth: uint8 [8, 48, 48, 3]."""
    coarse = np.random.default_rng(0).integers(0, 256, (8, 6, 6, 3)).astype(np.uint8)
    return np.stack([cv2.resize(image, (48, 48)) for image in coarse])


@pytest.mark.parametrize("angle", [0.1, -0.7, 0.4 * np.pi, -0.4 * np.pi])
def test_rotation_is_keras_rotation(images, angle):
    import keras

    share = angle / (2 * np.pi)
    expected = keras.layers.RandomRotation((share, share))(images.astype(np.float32), training=True)
    ours = np.stack([warp(image, angle, False) for image in images])
    # half a grey level is the rounding; OpenCV 4 places samples on a grid of 1/32 pixel
    assert np.abs(ours - np.asarray(expected)).max() <= (0.51 if cv2.__version__ >= "5" else 1.2)


def test_mirroring_comes_before_rotation(images):
    for image in images:
        np.testing.assert_array_equal(warp(image, 0.0, True), image[:, ::-1])
        together, apart = warp(image, 0.5, True), warp(np.ascontiguousarray(image[:, ::-1]), 0.5, False)
        assert np.abs(together.astype(int) - apart).max() <= 1


def test_no_rotation_changes_nothing(images):
    unchanged = Transforms(np.zeros(8), np.zeros(8, bool))
    np.testing.assert_array_equal(apply_transforms(images, unchanged), images)


def test_a_quarter_turn_is_exact(images):
    for image in images:
        assert np.abs(warp(image, np.pi / 2, False).astype(int) - np.rot90(image, 1)).max() <= 1


def test_the_centre_stays():
    matrix = affine_matrix(1.1, False, 145, 145)
    np.testing.assert_allclose(matrix @ [72, 72, 1], [72, 72])


def test_threads_change_nothing(images):
    transforms = draw_transforms(8, rotation=0.2, mirror=True, rng=np.random.default_rng(1))
    alone = apply_transforms(images, transforms)
    with ThreadPoolExecutor(4) as threads:
        np.testing.assert_array_equal(apply_transforms(images, transforms, threads), alone)
    np.testing.assert_array_equal(apply_transforms(images[2:5], transforms[2:5]), alone[2:5])


def test_draws_are_in_range_and_uniform():
    drawn = draw_transforms(20_000, rotation=0.2, mirror=True, rng=np.random.default_rng(2))
    limit = 0.2 * 2 * np.pi
    assert np.abs(drawn.angles).max() <= limit
    # a uniform variable on [-a, a] has mean 0 and deviation a / sqrt(3); five standard errors
    assert abs(drawn.angles.mean()) < 5 * limit / np.sqrt(3 * 20_000)
    assert abs(drawn.angles.std() - limit / np.sqrt(3)) < 0.01
    assert abs(drawn.mirrored.mean() - 0.5) < 5 * 0.5 / np.sqrt(20_000)


def test_settings_switch_off():
    drawn = draw_transforms(100, rotation=0.0, mirror=False, rng=np.random.default_rng(3))
    assert not drawn.angles.any()
    assert not drawn.mirrored.any()


def test_the_generator_alone_decides():
    one, same = (draw_transforms(9, rotation=0.2, mirror=True, rng=np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(one.angles, same.angles)
    np.testing.assert_array_equal(one.mirrored, same.mirrored)
