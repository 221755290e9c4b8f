"""One decoder for the whole program: what ingest accepts is exactly what training, calibration and verification see.

Pixels are what the model eats: uint8 RGB 0..255, plain bilinear resize, no crop, no rescaling. Files may come from anyone: the
format is decided by content among the few that are read, limits hold before a pixel is decoded, and whatever one file does to
its decoder ends in `UndecodableImage`.
"""

from __future__ import annotations

import io
import stat
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from tinysieve.dataset.image_formats import READ, format_of, refusal
from tinysieve.dataset.image_metadata import orientation_of, upright, without_jpeg_metadata, without_png_metadata
from tinysieve.dataset.pixel_depth import rgb_of

Pixels = NDArray[np.uint8]

MODEL_SIZE = 144
MAX_PIXELS = 100_000_000
# Values of 16 bits and more are computed with, which takes several times the room.
MAX_DEEP_PIXELS = MAX_PIXELS // 4
MAX_FILE_BYTES = 400_000_000

_Opener = Callable[[io.BytesIO, str], ImageFile.ImageFile]
# Opened by their own plugin: Image.open would try every format that is installed, and some of those start programs.
_OPENERS: dict[str, _Opener] = {
    "JPEG": JpegImagePlugin.JpegImageFile, "PNG": PngImagePlugin.PngImageFile, "WebP": WebPImagePlugin.WebPImageFile,
    "BMP": BmpImagePlugin.BmpImageFile, "GIF": GifImagePlugin.GifImageFile, "TIFF": TiffImagePlugin.TiffImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
}
_NO_PIXELS = "pixels of a kind that is not read, such as floats of 64 bits or of three colours: store 8 bits"
_SUBFILE, _PHOTOMETRIC, _DNG = 254, 262, 50706


class UndecodableImage(Exception):
    """The file cannot become pixels; the message is the reason written to quarantine.csv."""


def read_image(path: Path) -> bytes:
    """The bytes of an image file.

    Raises:
        UndecodableImage: no regular file, or one of more than MAX_FILE_BYTES bytes: said before anything is read.
        OSError: it cannot be read.
    """
    about = path.stat()
    # A pipe would keep the reader waiting for ever.
    if not stat.S_ISREG(about.st_mode):
        raise UndecodableImage("not a regular file")
    if about.st_size > MAX_FILE_BYTES:
        raise UndecodableImage(f"too large: a file of {about.st_size:,} bytes")
    return path.read_bytes()


def decode(source: Path | str | bytes) -> Pixels:
    """Decode one still image to RGB as a person would see it (EXIF orientation applied, alpha dropped).

    Args:
        source: a path, or the bytes of the file.

    Returns:
        uint8 [H, W, 3], 0..255.

    Raises:
        UndecodableImage: empty, truncated, not an image of a format that is read, animated (of a GIF the first frame counts),
            too large, or of a depth that nothing tells.
    """
    data = source if isinstance(source, bytes) else read_image(Path(source))
    if not data:
        raise UndecodableImage("empty file")
    name = format_of(data)
    if name not in READ:
        raise UndecodableImage(refusal(name))
    try:
        return _decode(name, data)
    except UndecodableImage:
        raise
    # Decoders raise many types on hostile bytes; each of them means the same to the caller.
    except Exception as error:
        said = str(error) or type(error).__name__
        raise UndecodableImage(_NO_PIXELS if said == "unknown pixel mode" else f"cannot be decoded: {said}") from error


def _decode(name: str, data: bytes) -> Pixels:
    orientation = 1
    if name == "JPEG":
        data, orientation = without_jpeg_metadata(data)
    if name == "PNG":
        data, orientation = without_png_metadata(data)
    with _opener(name)(io.BytesIO(data), "") as image:
        _refuse_unfit(image, name)
        if name in ("WebP", "AVIF"):
            orientation = orientation_of(image.info.get("exif", b""))
        rgb = rgb_of(image, _declared_bits(data) if name == "PNG" else None)
    # Pillow has turned a TIFF itself, and pillow-heif a HEIC.
    return np.ascontiguousarray(upright(rgb, orientation))


def _opener(name: str) -> _Opener:
    if name in _OPENERS:
        return _OPENERS[name]
    try:
        from pillow_heif.as_plugin import HeifImageFile
    except ImportError as error:
        raise UndecodableImage("HEIC needs the package pillow-heif: pip install 'tinysieve[heif]', or convert to JPEG") from error
    return HeifImageFile  # type: ignore[no-any-return]


def _declared_bits(png: bytes) -> int | None:
    """What the chunk sBIT says of the first channel."""
    place = png.find(b"sBIT", 0, 200)
    return png[place + 4] if place > 0 and 1 <= png[place + 4] <= 16 else None


def _refuse_unfit(image: ImageFile.ImageFile, name: str) -> None:
    width, height = image.size
    limit = MAX_DEEP_PIXELS if image.mode[0] in "IF" else MAX_PIXELS
    if width * height > limit:
        depth = " of more than 8 bits" if limit < MAX_PIXELS else ""
        raise UndecodableImage(f"too large: {width} x {height} is more than {limit:,} pixels{depth}")
    frames = 1 if name == "GIF" else getattr(image, "n_frames", 1)
    if frames > 1:
        raise UndecodableImage(f"{'several pages' if name == 'TIFF' else 'animated'}: {frames} frames")
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        _refuse_strange_tiff(image)


def _refuse_strange_tiff(image: TiffImagePlugin.TiffImageFile) -> None:
    tags = image.tag_v2
    if _DNG in tags or tags.get(_SUBFILE, 0) & 1:
        raise UndecodableImage("a camera's raw file: only its small preview could be read; convert it to JPEG")
    if tags.get(_PHOTOMETRIC) == 0 and image.mode[0] in "IF":
        raise UndecodableImage("white is stored as zero in more than 8 bits: convert it to PNG")


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
