"""Batches do not depend on whether the packed pixels are one array or parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tinysieve.dataset.packed_pixels import PackedPixels
from tinysieve.training.batches import EpochBatches, PlainBatches
from tinysieve.training.labelled_images import LabelledImages
from tinysieve.training.recipe import RECIPES


def test_batches_from_parts_are_those_from_one_array(tmp_path: Path) -> None:
    whole = np.random.default_rng(0).integers(0, 256, (50, 144, 144, 3), dtype=np.uint8)
    sizes = [20, 7, 23]
    paths = [tmp_path / f"{number}.npy" for number in range(3)]
    for path, part in zip(paths, np.split(whole, np.cumsum(sizes)[:-1]), strict=True):
        np.save(path, part)
    rows = np.arange(1, 50, 2)
    arrays, parts = (LabelledImages(pixels, rows, rows // 2 % 2, "train") for pixels in (whole, PackedPixels(paths, sizes)))
    parts.check()
    assert arrays.digest() == parts.digest()
    recipe = RECIPES["demo"]
    for epoch in (1, 2):
        batches = [EpochBatches(images, recipe, seed=3, epoch=epoch) for images in (arrays, parts)]
        for first, second in zip(*batches, strict=True):
            assert np.array_equal(first[0], second[0])
            assert np.array_equal(first[1], second[1])
    for first, second in zip(*(PlainBatches(images, 8) for images in (arrays, parts)), strict=True):
        assert np.array_equal(first[0], second[0])
