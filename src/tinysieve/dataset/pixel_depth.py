"""Pixels of any depth as 8-bit RGB, as a person sees them; what cannot be known is refused instead of guessed.

Scientific cameras store 10 to 14 bits in 16, or floats: read with the full range such a photo is almost black. Where the
brightest pixel of more than 8 bits reaches less than a quarter of the range, it may be night or another range.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Below this a 16-bit value uses 14 bits or fewer, as cameras have them.
_CAMERA_BITS = 2**14
# What rounding puts above 1.
_ONE = 1.001


class UnknownDepth(Exception):
    """Nothing says which value is white."""


def rgb_of(image: Image.Image, bits: int | None) -> NDArray[np.uint8]:
    """uint8 [H, W, 3] of a loaded image of any mode.

    Args:
        image: as Pillow opened it.
        bits: how many bits of a 16-bit value count, where the file says so.

    Raises:
        UnknownDepth: see the module.
    """
    shortened = ";16" in _raw_mode(image)
    if image.mode.startswith("I"):
        return _three(_from_integers(np.asarray(image), bits))
    if image.mode == "F":
        return _three(_from_floats(np.asarray(image)))
    colours = image.convert("RGBA") if image.mode in ("P", "PA") else image
    rgb = np.asarray(colours.convert("RGB"))
    # Pillow keeps the upper byte of three 16-bit channels.
    if shortened and rgb.max(initial=0) < _CAMERA_BITS // 256:
        raise UnknownDepth(_too_dark(f"below {_CAMERA_BITS:,}"))
    return rgb


def _raw_mode(image: Image.Image) -> str:
    """How the file stores a pixel, such as RGB;16B; "" where its plugin does not say."""
    for tile in getattr(image, "tile", []):
        arguments = tile[3] if isinstance(tile[3], tuple) else (tile[3],)
        return next((part for part in arguments if isinstance(part, str)), "")
    return ""


def _from_integers(values: NDArray[np.generic], bits: int | None) -> NDArray[np.uint8]:
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    if low < 0 or high > 65_535:
        raise UnknownDepth(f"values go from {low:,} to {high:,}: nothing says which is white; store 8 or 16 bits")
    white = 65_535 if bits is None else 2**bits - 1
    if bits is None and high < _CAMERA_BITS:
        raise UnknownDepth(_too_dark(f"up to {high:,}"))
    return (np.minimum(values, white).astype(np.uint32) * 255 // white).astype(np.uint8)


def _too_dark(seen: str) -> str:
    return f"values are all {seen} of 65,535, as cameras of 10 to 14 bits write them: nothing says which is white; store 8 bits"


def _from_floats(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    real = values.astype(np.float32)
    low, high = float(real.min()), float(real.max())
    if not (np.isfinite(real).all() and low >= 0 and high <= 255):
        raise UnknownDepth(f"float values go from {low:g} to {high:g}: store 0..1, 0..255 or 8 bits")
    white = 1 if high <= _ONE else 255
    if high < white / 4:
        raise UnknownDepth(f"float values go up to {high:g} only: nothing says which is white; store 0..1, 0..255 or 8 bits")
    return np.rint(np.minimum(real * (255 / white), 255)).astype(np.uint8)


def _three(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(grey[:, :, None], 3, axis=2)
