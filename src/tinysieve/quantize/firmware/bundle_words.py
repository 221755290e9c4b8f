"""The sentences of a flash bundle that depend on the model."""

from __future__ import annotations

from typing import Any

from tinysieve.quantize.tflite.graph import TensorInfo
from tinysieve.quantize.tflite.io_contract import CODE_RANGES


def shape_words(image: TensorInfo) -> str:
    """The input in words, such as ``144 x 144 RGB pixels, uint8``."""
    height, width, channels = _extents(image)
    return f"{width} x {height} {'RGB ' if channels == 3 else ''}pixels of {channels} channels, {image.dtype}"


def preprocessing(image: TensorInfo) -> dict[str, Any]:
    """Values of the template that says how a picture becomes input codes."""
    height, width, channels = _extents(image)
    nhwc = image.layout != "NCHW"
    return {
        "height": height, "width": width, "layout": "NHWC" if nhwc else "NCHW", "scale": image.scale,
        "zero_point": image.zero_point, "dtype": image.dtype, "values": _values(image),
        "layout_words": (f"row by row, pixel by pixel, {channels} channel values together" if nhwc
                         else f"{channels} whole planes, one after the other, each row by row"),
    }


def _values(image: TensorInfo) -> str:
    """What the codes stand for, and so what has to be done to pixels 0..255."""
    lowest, highest = CODE_RANGES[image.dtype]
    scale, zero = image.scale or 0.0, image.zero_point or 0
    low, high = (lowest - zero) * scale, (highest - zero) * scale
    if abs(low) < 26 and abs(high - 255) < 26:
        exactly = scale == 1.0 and zero == lowest
        pixel = " The code is the pixel itself." if image.dtype == "uint8" else " The code is the pixel minus 128."
        return "Values stay 0..255: no division by 255, no mean, no standard deviation." + (pixel if exactly else "")
    return (f"The input holds values from {low:.4g} to {high:.4g}: scale the pixels 0..255 as in this model's training "
            "(the file does not say how).")


def _extents(image: TensorInfo) -> tuple[int, int, int]:
    if image.layout == "NCHW":
        return image.shape[2], image.shape[3], image.shape[1]
    return image.shape[1], image.shape[2], image.shape[3]
