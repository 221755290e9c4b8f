"""What a picture looks like in 64 bits, and all pairs of pictures whose bits nearly agree, without comparing every pair."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.images import Pixels
from tinysieve.ground.errors import InputError

HashArray = NDArray[np.uint64]
PairArray = NDArray[np.int64]

SIDE = 32
BITS = 64
# A picture with less contrast (grey levels, standard deviation) has a hash of compression noise: it is like nothing.
FLAT = 2.0


def grey_thumbnail(image: Pixels) -> Pixels:
    """uint8 [32, 32] of an image uint8 [H, W, 3]."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def perceptual_hashes(thumbnails: Pixels) -> tuple[HashArray, NDArray[np.bool_]]:
    """Signs of the 8 x 8 lowest frequencies against their median (the pHash of the field).

    Args:
        thumbnails: uint8 [N, 32, 32].

    Returns:
        uint64 [N]; bool [N], False for flat pictures, whose hash means nothing.
    """
    place = np.arange(SIDE)
    cosines = np.cos(np.pi * (2 * place + 1) * np.arange(8)[:, np.newaxis] / (2 * SIDE)).astype(np.float32)
    frequencies = (cosines @ thumbnails.astype(np.float32) @ cosines.T).reshape(-1, BITS)
    # The first is the mean brightness; it tells nothing of the picture and would pull the median.
    bits = frequencies > np.median(frequencies[:, 1:], axis=1, keepdims=True)
    bits[:, 0] = False
    return np.packbits(bits, axis=1).view(np.uint64)[:, 0], thumbnails.reshape(-1, SIDE * SIDE).std(axis=1) >= FLAT


def close_codes(codes: HashArray, radius: int) -> PairArray:
    """All pairs of distinct hashes that differ in at most `radius` bits.

    With radius + 2 bands at least two bands of such a pair are equal, so it is enough to compare those that share two.

    Args:
        codes: uint64 [C], no two equal.
        radius: bits, 0..16.

    Returns:
        int64 [P, 2], first place below second, sorted.

    Raises:
        InputError: radius out of range.

    >>> close_codes(np.array([0b1011, 0b0011, 0xFFFF], np.uint64), 1).tolist()
    [[0, 1]]
    """
    if not 0 <= radius <= 16:
        raise InputError(f"hash radius {radius} bits is not in 0..16", why="beyond that most pictures are alike",
                         fix="set filter.duplicates.hash_radius")
    pairs = [np.zeros((0, 2), np.int64)]
    for key in _keys(codes, radius):
        for first, second in _equal_pairs(key):
            near = np.bitwise_count(codes[first] ^ codes[second]) <= radius
            pairs.append(np.stack([first[near], second[near]], axis=1))
    return np.unique(np.sort(np.concatenate(pairs), axis=1), axis=0)


def _keys(codes: HashArray, radius: int) -> Iterator[HashArray]:
    """One key for each two of radius + 2 bands."""
    edges = np.linspace(0, BITS, radius + 3).astype(int)
    bands = [sum(1 << bit for bit in range(low, high)) for low, high in pairwise(edges.tolist())]
    for first, second in combinations(bands, 2):
        yield codes & np.uint64(first | second)


def _equal_pairs(key: HashArray) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Pairs of places with equal keys, those at distance 1, 2, ... in sorted order."""
    order = np.argsort(key, kind="stable")
    ranked, start = key[order], np.arange(len(key) - 1)
    step = 1
    while len(start):
        start = start[start + step < len(key)]
        start = start[ranked[start] == ranked[start + step]]
        yield order[start], order[start + step]
        step += 1
