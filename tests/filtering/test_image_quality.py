"""Image quality: what each measure is by derivation, what is asked for, and that it never votes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tinysieve.dataset.images import Pixels, decode, resize_bilinear
from tinysieve.filtering.evidence.image_quality import ImageQuality, grey_measures, measure_quality
from tinysieve.filtering.filters.poor_images import PoorImages, poor_images
from tinysieve.filtering.opinion import ABSTAIN, ASK_DROP, ASK_REVIEW, Opinions
from tinysieve.ground.errors import InputError


def grey(values: np.ndarray) -> Pixels:
    return np.repeat(values.astype(np.uint8)[..., np.newaxis], 3, axis=2)


def measure(images: list[Pixels], widths: list[int] | None = None, heights: list[int] | None = None) -> ImageQuality:
    sides = [100] * len(images)
    return measure_quality(np.stack(images), np.arange(len(images)), np.array(widths or sides), np.array(heights or sides), 2,
                           lambda done, total: None)


def said(opinion: Opinions) -> list[str]:
    return [opinion.reasons[code].split(":")[0] for code in opinion.reason_codes]


def test_measures_of_pictures_made_by_hand() -> None:
    """Half black and half white: 1 bit. 256 levels equally often: 8 bits, 1 % above level 252, 5 % up to level 12."""
    halves = np.zeros((16, 16))
    halves[:, 8:] = 255
    assert grey_measures(grey(halves))[3] == pytest.approx(1.0)
    ramp = grey_measures(grey(np.arange(256).reshape(16, 16)))
    assert ramp[0] == pytest.approx(253 / 255)
    assert ramp[1] == pytest.approx(12 / 255)
    assert ramp[3] == pytest.approx(8.0)
    assert grey_measures(grey(np.full((16, 16), 90))) == pytest.approx((90 / 255, 90 / 255, 0.0, 0.0))


def test_aspect_is_the_shorter_side_over_the_longer() -> None:
    images = [grey(np.arange(256).reshape(16, 16))] * 3
    assert measure(images, [300, 100, 200], [100, 400, 200]).aspect == pytest.approx([1 / 3, 1 / 4, 1])


def test_blurring_lowers_sharpness_and_light_does_not_matter() -> None:
    noise = np.random.default_rng(0).integers(0, 200, (144, 144)).astype(np.float32)
    sharp = [measure([grey(cv2.GaussianBlur(noise, (0, 0), sigma) if sigma else noise)]).sharpness[0] for sigma in (0, 1, 2, 4)]
    assert sharp == sorted(sharp, reverse=True)
    dimmed = measure([grey(noise), grey(noise * 0.5)]).sharpness
    assert dimmed[1] == pytest.approx(dimmed[0], rel=0.05)


def test_each_fault_is_named_and_only_the_empty_is_asked_to_go() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (144, 144)).astype(np.float32)
    images = [grey(noise), grey(noise * 0.2), grey(255 - noise * 0.15), grey(np.full((144, 144), 90)),
              grey(127 + 127 * np.sign(noise - 128)), grey(np.tile(np.linspace(0, 255, 144), (144, 1)))]
    opinion = poor_images(measure([*images, images[0]], [100] * 6 + [400]), PoorImages())
    assert said(opinion) == ["image quality OK", "dark", "bright", "shows nothing", "little information", "blurred",
                             "odd aspect ratio"]
    assert opinion.proposed.tolist() == [ABSTAIN, ASK_REVIEW, ASK_REVIEW, ASK_DROP, ASK_REVIEW, ASK_REVIEW, ASK_REVIEW]
    assert not opinion.votes.any()
    assert opinion.confidence[3] == 1
    assert (opinion.confidence[opinion.proposed != ABSTAIN] > 0).all()


def test_permuting_images_permutes_requests_and_lifted_limits_ask_nothing() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (144, 144))
    images = [grey(noise * light) for light in (1.0, 0.1, 0.5, 0.2)]
    order = np.array([2, 0, 3, 1])
    one = poor_images(measure(images), PoorImages()).proposed
    assert poor_images(measure([images[row] for row in order]), PoorImages()).proposed.tolist() == one[order].tolist()
    nothing = PoorImages(highlight=0, shadow=1, sharpness=0, information=0, empty=0, aspect=0)
    assert (poor_images(measure(images), nothing).proposed == ABSTAIN).all()


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match=r"shadow 1.5 is not in \[0, 1\]") as caught:
        PoorImages(shadow=1.5)
    assert caught.value.fix == "set filter.quality.shadow"
    image = grey(np.zeros((8, 8)))
    with pytest.raises(InputError, match="row 1 is 0 x 100"):
        measure([image, image], [100, 0])
    with pytest.raises(InputError, match="2 images, 1 widths"):
        measure([image, image], [100])


def test_real_photos_pass_and_spoilt_ones_do_not(shared: Path) -> None:
    paths = sorted((shared / "data/coco256").rglob("*.jpg"))[::8]
    photos = [resize_bilinear(decode(path)) for path in paths]
    assert (poor_images(measure(photos), PoorImages()).proposed == ABSTAIN).mean() > 0.9
    for spoil in (lambda image: image * 0.2, lambda image: 255 - (255 - image) * 0.2,
                  lambda image: cv2.GaussianBlur(image, (0, 0), 3)):
        spoilt = [spoil(photo).astype(np.uint8) for photo in photos]
        assert (poor_images(measure(spoilt), PoorImages()).proposed != ABSTAIN).mean() > 0.9
