"""Numbers that say whether an image can show anything at all, measured on the packed pixels that the model sees."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.images import Pixels
from tinysieve.dataset.packed_pixels import PixelRows
from tinysieve.ground.errors import InputError
from tinysieve.ground.progress import Progress

FloatArray = NDArray[np.float32]
_CHUNK = 2048


@dataclass(frozen=True, eq=False)
class ImageQuality:
    """Of N images, float32 [N] each.

    Args:
        highlight: grey level in [0, 1] that 1 % of the pixels exceed; low where all is dark.
        shadow: grey level in [0, 1] that 5 % of the pixels fall below; high where all is bright.
        sharpness: standard deviation of the Laplacian over that of the grey levels; low where all is blurred.
        information: entropy of the grey levels, bits in [0, 8]; low where there is little to see.
        aspect: shorter side over longer side of the original, in (0, 1]; low where the square resize distorts most.
    """

    highlight: FloatArray
    shadow: FloatArray
    sharpness: FloatArray
    information: FloatArray
    aspect: FloatArray

    def __len__(self) -> int:
        return len(self.aspect)


def measure_quality(pixels: PixelRows, rows: NDArray[np.integer], widths: NDArray[np.integer], heights: NDArray[np.integer],
                    workers: int, progress: Progress) -> ImageQuality:
    """Measure every image.

    Args:
        pixels: uint8 [R, H, W, 3], may be a memory map.
        rows: int [N], row of each sample in `pixels`.
        widths, heights: int [N], of the original, in pixels.
        workers: threads.
        progress: told (done, total) images.

    Raises:
        InputError: lengths differ, or an image has no width or height.
    """
    if not len(rows) == len(widths) == len(heights):
        raise InputError(f"{len(rows)} images, {len(widths)} widths and {len(heights)} heights",
                         why="row i of each belongs to the same image", fix="take all three from one sample table")
    if len(rows) and min(widths.min(), heights.min()) < 1:
        row = int(np.minimum(widths, heights).argmin())
        raise InputError(f"image in row {row} is {widths[row]} x {heights[row]}", fix="run ingest again")
    measured = np.empty((len(rows), 4), np.float32)
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(rows), _CHUNK):
            some = rows[start : start + _CHUNK]
            measured[start : start + len(some)] = list(pool.map(lambda row: grey_measures(pixels[row]), some))
            progress(start + len(some), len(rows))
    highlight, shadow, sharpness, information = measured.T
    aspect = np.minimum(widths, heights) / np.maximum(widths, heights)
    return ImageQuality(highlight, shadow, sharpness, information, aspect.astype(np.float32))


def grey_measures(image: Pixels) -> tuple[float, float, float, float]:
    """Highlight, shadow, sharpness and information (see `ImageQuality`) of an image uint8 [H, W, 3]."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    shares = np.bincount(grey.ravel(), minlength=256) / grey.size
    upto = np.cumsum(shares)
    seen = shares[shares > 0]
    contrast = float(cv2.meanStdDev(grey)[1][0, 0])
    edges = float(cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_32F))[1][0, 0])
    # One grey level more than there is: a flat image gets 0 and not 0 / 0.
    return (float(np.searchsorted(upto, 0.99)) / 255, float(np.searchsorted(upto, 0.05)) / 255, edges / (contrast + 1),
            float(-(seen * np.log2(seen)).sum()) + 0.0)
