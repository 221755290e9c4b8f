"""One decoder for the whole program: what ingest accepts is exactly what training, calibration and verification see.

Pixels are what the model eats: uint8 RGB 0..255, plain bilinear resize, no crop, no rescaling.
"""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

Pixels = NDArray[np.uint8]

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
MODEL_SIZE = 144
MAX_PIXELS = 100_000_000

# Our own limit is checked before a single pixel is decoded, so Pillow's warning would only repeat it.
Image.MAX_IMAGE_PIXELS = None


class UndecodableImage(Exception):
    """The file cannot become pixels; the message is the reason written to quarantine.csv."""


def decode(source: Path | str | bytes) -> Pixels:
    """Decode one still image to RGB as a person would see it (EXIF orientation applied, alpha dropped).

    Args:
        source: a path, or the bytes of the file.

    Returns:
        uint8 [H, W, 3], 0..255.

    Raises:
        UndecodableImage: empty, truncated, not an image, animated, or more than MAX_PIXELS pixels.
    """
    data = source if isinstance(source, bytes) else Path(source).read_bytes()
    if not data:
        raise UndecodableImage("empty file")
    try:
        with Image.open(io.BytesIO(data)) as image:
            _refuse_unfit(image)
            return np.asarray(_to_rgb(ImageOps.exif_transpose(image)))
    except UnidentifiedImageError as error:
        raise UndecodableImage("not an image") from error
    # Pillow's plugins raise many types on hostile bytes; each of them means the same to the caller.
    except (OSError, SyntaxError, ValueError, TypeError, IndexError, KeyError, EOFError, OverflowError) as error:
        raise UndecodableImage(f"cannot be decoded: {error}") from error


def _refuse_unfit(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise UndecodableImage(f"too large: {width} x {height} is more than {MAX_PIXELS:,} pixels")
    frames = getattr(image, "n_frames", 1)
    # MPO is what many phones write: a still photo with a preview behind it.
    if frames > 1 and image.format != "MPO":
        raise UndecodableImage(f"animated: {frames} frames")


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64)
        return Image.fromarray((values.clip(0, 65535) // 257).astype(np.uint8)).convert("RGB")
    if image.mode == "P":
        image = image.convert("RGBA")
    return image.convert("RGB")


def resize_bilinear(image: Pixels, size: int = MODEL_SIZE) -> Pixels:
    """Plain bilinear resize to a square, half-pixel centres, no antialiasing, aspect ratio not kept.

    The same as `keras.layers.Resizing` up to the rounding to uint8.

    Args:
        image: uint8 [H, W, 3].
        size: side of the result in pixels.

    Returns:
        uint8 [size, size, 3].
    """
    return np.asarray(cv2.resize(image, (size, size), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
