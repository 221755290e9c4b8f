"""Images as a notebook has them (paths, arrays, Pillow images) as pixels of a model's size, and as thumbnails."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from tinysieve.dataset.images import Pixels, UndecodableImage, decode, resize_bilinear
from tinysieve.face.rows import Picture
from tinysieve.ground.errors import InputError

AnyImage = str | Path | NDArray[np.uint8] | Image.Image
# One image, several, or uint8 [N, H, W, 3].
Images = AnyImage | Sequence[AnyImage]
THUMBNAIL_SIDE = 144


def image_list(images: Images) -> Sequence[AnyImage]:
    """One image or several, as several.

    >>> image_list("a.jpg")
    ['a.jpg']
    """
    alone = isinstance(images, str | Path | Image.Image) or (isinstance(images, np.ndarray) and images.ndim < 4)
    return [images] if alone else images  # type: ignore[list-item, return-value]


def pixels_of(image: AnyImage, where: str) -> Pixels:
    """uint8 [H, W, 3] of one image, upright.

    Raises:
        InputError: no image, or an array that is not uint8 [H, W, 3]; names it by `where`.
    """
    if isinstance(image, Image.Image):
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    if isinstance(image, str | Path):
        try:
            return decode(image)
        except (OSError, UndecodableImage) as error:
            raise InputError(f"no image can be read: {getattr(error, 'strerror', None) or error}", where=f"{where}: {image}",
                             fix="give the path of a photo") from error
    array: NDArray[Any] = np.asarray(image)
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
        raise InputError(f"an image is {array.dtype} {list(array.shape)}, expected uint8 [height, width, 3]", where=where,
                         why="pixels are RGB 0..255", fix="give paths, Pillow images, or arrays of such pixels")
    return array


def resized(images: Sequence[AnyImage], height: int, width: int) -> Pixels:
    """uint8 [N, height, width, 3], resized as the program does it everywhere: plain bilinear, aspect ratio not kept.

    Raises:
        InputError: see `pixels_of`; or a size that is no square and not that of the images.
    """
    batch = np.empty((len(images), height, width, 3), np.uint8)
    for number, image in enumerate(images):
        pixels = pixels_of(image, f"image {number}")
        if pixels.shape[:2] != (height, width):
            if height != width:
                raise InputError(f"an image is {pixels.shape[0]} x {pixels.shape[1]} pixels, the model takes {height} x {width}",
                                 where=f"image {number}", fix="resize the images to this size first")
            pixels = resize_bilinear(pixels, height)
        batch[number] = pixels
    return batch


def picture_of(images: Sequence[AnyImage], count: int, rows: NDArray[np.int64] | None = None) -> Picture:
    """Thumbnails of `count` images; with `rows` in that order. What cannot be read has none.

    Raises:
        InputError: another number of images.
    """
    if len(images) != count:
        raise InputError(f"{len(images):,} images for {count:,} rows", where="images",
                         why="image i shows sample i", fix="give one image a row, in the same order")

    def jpeg(row: int) -> bytes | None:
        try:
            return thumbnail(pixels_of(images[row if rows is None else int(rows[row])], "images"))
        except InputError:
            return None

    return jpeg


def thumbnail(pixels: Pixels) -> bytes:
    """A small JPEG in true proportions."""
    small, stream = Image.fromarray(np.ascontiguousarray(pixels)), io.BytesIO()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BILINEAR)
    small.save(stream, "JPEG", quality=75)
    return stream.getvalue()
