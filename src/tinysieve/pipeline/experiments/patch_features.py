"""Image features without a trained network: whitened random patches as filters (Coates, Ng and Lee 2011, section 3).

A linear classifier on them is as good on Fashion-MNIST as a small convolutional network, and on two cores it takes
seconds and no epochs, so that a sweep over noise levels takes minutes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

PATCH, STRIDE, FILTERS, POOLS = 6, 2, 50, 3
SAMPLED = 20_000
CHUNK = 250
# Added to a patch's variance (in grey levels squared) and to the whitening's eigenvalues, as in the paper.
CONTRAST_FLOOR, WHITENING_FLOOR = 10.0, 0.1


def patch_features(
    train: NDArray[np.uint8], test: NDArray[np.uint8], rng: np.random.Generator, progress: Callable[[int, int], None]
) -> tuple[FloatArray, FloatArray]:
    """Features of train and test images, the filters taken from train.

    Args:
        train, test: uint8 [N, H, W, C].
        rng: chooses the patches.
        progress: told (done, total) images.

    Returns:
        float32 [N, 2 * FILTERS * POOLS ** 2] each, non-negative.
    """
    filters, offset = _filters(train, rng)
    total = len(train) + len(test)
    made = []
    for images, before in ((train, 0), (test, len(train))):
        parts = []
        for start in range(0, len(images), CHUNK):
            parts.append(_pooled(images[start : start + CHUNK], filters, offset))
            progress(before + start + len(parts[-1]), total)
        made.append(np.concatenate(parts))
    return made[0], made[1]


def _filters(images: NDArray[np.uint8], rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Whitening and filters in one matrix float32 [P, FILTERS], and what it makes of the mean patch, [FILTERS]."""
    rows = rng.integers(0, len(images), SAMPLED)
    grid = _patches(images[rows[:500]]).shape[1:3]
    tops, lefts = (STRIDE * rng.integers(0, size, SAMPLED) for size in grid)
    sampled = np.stack([images[row, top : top + PATCH, left : left + PATCH].ravel()
                        for row, top, left in zip(rows, tops, lefts, strict=True)])
    patches = _normalised(sampled.astype(np.float32))
    mean = patches.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(patches - mean, rowvar=False))
    whitening = (vectors / np.sqrt(np.maximum(values, 0) + WHITENING_FLOOR)) @ vectors.T
    chosen = (patches[:FILTERS] - mean) @ whitening
    filters = whitening @ (chosen / np.maximum(np.linalg.norm(chosen, axis=1, keepdims=True), 1e-6)).T
    return filters.astype(np.float32), (mean @ filters).astype(np.float32)


def _pooled(images: NDArray[np.uint8], filters: FloatArray, offset: FloatArray) -> FloatArray:
    """Both signs of every filter's response, averaged over POOLS x POOLS areas."""
    windows = _patches(images)
    count, high, wide = windows.shape[:3]
    response = _normalised(windows.reshape(count * high * wide, -1).astype(np.float32)) @ filters - offset
    response = response.reshape(count, high, wide, -1)
    areas = []
    for rows in np.array_split(np.arange(high), POOLS):
        for columns in np.array_split(np.arange(wide), POOLS):
            area = response[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            positive, mean = np.maximum(area, 0).mean(axis=(1, 2)), area.mean(axis=(1, 2))
            areas += [positive, positive - mean]
    return np.concatenate(areas, axis=1)


def _patches(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """uint8 [n, high, wide, PATCH, PATCH, C] of a stride grid."""
    windows = np.lib.stride_tricks.sliding_window_view(images, (PATCH, PATCH), (1, 2))[:, ::STRIDE, ::STRIDE]
    return windows.transpose(0, 1, 2, 4, 5, 3)


def _normalised(patches: FloatArray) -> FloatArray:
    patches -= patches.mean(axis=1, keepdims=True)
    patches /= np.sqrt((patches**2).mean(axis=1, keepdims=True) + CONTRAST_FLOOR)
    return patches
