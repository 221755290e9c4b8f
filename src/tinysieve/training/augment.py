"""Random mirroring and rotation, as the challenge's two Keras layers do it, but on uint8 in one warp.

Both are one affine map, so one warp does both. What happens to each image is drawn first, from a generator that the
caller owns; the warping itself is a pure function and gives the same bytes however many threads do it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tinysieve.ground.arrays import Pixels


@dataclass(frozen=True)
class Transforms:
    """What is done to each of N images.

    Args:
        angles: float64 [N], radians; the sense of `keras.layers.RandomRotation`.
        mirrored: bool [N]; mirroring left to right comes before rotation.
    """

    angles: NDArray[np.float64]
    mirrored: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.angles)

    def __getitem__(self, part: slice) -> Transforms:
        return Transforms(self.angles[part], self.mirrored[part])


def draw_transforms(count: int, *, rotation: float, mirror: bool, rng: np.random.Generator) -> Transforms:
    """Draw the transforms of `count` images.

    Args:
        count: number of images.
        rotation: largest rotation either way, fraction of a full turn; 0.2 is 72 degrees (uniform in between).
        mirror: whether half of the images are mirrored.
        rng: where the numbers come from; two arrays of `count` are drawn whatever the settings.
    """
    angles = rng.uniform(-1.0, 1.0, count) * (rotation * 2 * np.pi)
    return Transforms(angles, (rng.random(count) < 0.5) & mirror)


def affine_matrix(angle: float, mirrored: bool, height: int, width: int) -> NDArray[np.float64]:
    """The map from a pixel of the result to where it comes from, float64 [2, 3], about the image's centre.

    >>> affine_matrix(0.0, True, 4, 4)[0].tolist()  # x comes from 3 - x
    [-1.0, 0.0, 3.0]
    """
    cos, sin = np.cos(angle), np.sin(angle)
    center_x, center_y = (width - 1) / 2, (height - 1) / 2
    matrix = np.array(
        [
            [cos, -sin, center_x - center_x * cos + center_y * sin],
            [sin, cos, center_y - center_x * sin - center_y * cos],
        ]
    )
    if mirrored:
        matrix[0] = np.array([0.0, 0.0, width - 1]) - matrix[0]
    return matrix + 0.0


def warp(image: Pixels, angle: float, mirrored: bool) -> Pixels:
    """One image mirrored and rotated; bilinear, outside reflected (d c b a | a b c d | d c b a).

    Args:
        image: uint8 [H, W, 3].
        angle: radians.
        mirrored: whether it is mirrored before it is rotated.

    Returns:
        uint8 [H, W, 3], Keras' float result rounded (with OpenCV 4 within one grey level).
    """
    height, width = image.shape[:2]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    matrix = affine_matrix(angle, mirrored, height, width)
    warped = cv2.warpAffine(image, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(warped, np.uint8)


def apply_transforms(images: Pixels, transforms: Transforms, threads: ThreadPoolExecutor | None = None) -> Pixels:
    """The transformed copies of the images; the threads change the time and nothing else.

    Args:
        images: uint8 [N, H, W, 3].
        transforms: of length N.
        threads: where the warping is spread; None is the calling thread.

    Returns:
        uint8 [N, H, W, 3].
    """
    result = np.empty_like(images)

    def warp_row(index: int) -> None:
        result[index] = warp(images[index], float(transforms.angles[index]), bool(transforms.mirrored[index]))

    run = map if threads is None else threads.map
    for _ in run(warp_row, range(len(images))):
        pass
    return result
