"""The sentences of a flash bundle that depend on the model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tinysieve.ground.errors import InputError
from tinysieve.quantize.tflite.graph import Graph, TensorInfo
from tinysieve.quantize.tflite.io_contract import CODE_RANGES
from tinysieve.quantize.tflm.unsupported_models import require_supported

# Ranges of values that pixels are scaled to in training; a tenth of the range may be missing, as calibration leaves it.
_PIXEL_RANGES = ((0.0, 255.0), (-128.0, 127.0), (0.0, 1.0), (-1.0, 1.0))
_RANGE_SHARE = 0.1
_SMALLEST_GREY_SIDE = 16
_PIXEL_SLACK = 26
_COLOURS = {1: "grey", 3: "RGB", 4: "four-channel"}
_TAKES = {
    1: "A grey picture, one channel of 8 bits. How colour becomes grey is not in the file (often 0.299 R + 0.587 G + 0.114 B).",
    3: "An RGB picture, three channels in the order red, green, blue, 8 bits each.",
    4: "A picture of four channels, 8 bits each; the file does not say which.",
}


def require_codes(graph: Graph) -> None:
    """Raises InputError unless a board can feed the model: one input, outputs, all of 8-bit codes, one at a time."""
    require_supported(graph)
    if len(graph.inputs) != 1 or not graph.outputs:
        raise InputError(f"the model has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs",
                         why="golden vectors and programs are written for one input and at least one output",
                         fix="merge the inputs in the model")
    for role, tensor in (("takes", graph.inputs[0]), *(("gives", tensor) for tensor in graph.outputs)):
        if tensor.dtype not in CODE_RANGES:
            raise InputError(f"the model {role} {tensor.dtype}, not 8-bit codes", why="golden vectors are compared code by code",
                             fix="convert it to full-integer int8, input and output too; where float only wraps int8, "
                                 "'tinysieve fit IN OUT --strip-float-io' takes it off")
        if tensor.scale is None or not 0 < tensor.scale < math.inf:
            raise InputError(f"the scale of what the model {role} is {tensor.scale}", why="codes mean nothing without one",
                             fix="convert it to full-integer int8")
        if tensor.shape[:1] not in ((), (1,)):
            raise InputError(f"the model {role} {tensor.shape[0]} at a time", why="a board runs one at a time",
                             fix="convert it with batch 1")


def is_picture(source: TensorInfo) -> bool:
    """Whether an input can be spoken of as a picture: three or four channels, or one whose values are those of pixels.

    A spectrogram has one channel as well; its values seldom have the range of pixels, and one of its sides is short.
    """
    if source.layout == "other":
        return False
    height, width, channels = picture_extents(source)
    if channels > 1:
        return True
    low, high = _range(source)
    return min(height, width) >= _SMALLEST_GREY_SIDE and any(
        max(abs(low - first), abs(high - last)) <= _RANGE_SHARE * (last - first) for first, last in _PIXEL_RANGES)


def scores_of(graph: Graph) -> int:
    """How many scores the model gives; 0 where its output is no list of scores, such as a picture."""
    shape = graph.outputs[0].shape if len(graph.outputs) == 1 else ()
    return shape[-1] if shape and math.prod(shape) == shape[-1] else 0


def kind_words(source: TensorInfo, outputs: Sequence[TensorInfo]) -> str:
    """What the model is, in words, such as ``int8 image model, 144 x 144 RGB pixels of 3 channels, uint8``."""
    named = " and ".join(f"{tensor.dtype} {axes_words(tensor)}" for tensor in outputs)
    given = f"output{'s' if len(outputs) > 1 else ''} {named}"
    if not is_picture(source):
        return f"int8 model, input {source.dtype} {axes_words(source)}, {given}"
    height, width, channels = picture_extents(source)
    return f"int8 image model, {width} x {height} {_COLOURS[channels]} pixels of {channels} " \
           f"channel{'s' if channels > 1 else ''}, {source.dtype}" + (f", {given}" if len(outputs) > 1 else "")


def preprocessing(source: TensorInfo) -> dict[str, Any]:
    """Values of the template that says how a picture, or any other signal, becomes input codes."""
    low, high = _range(source)
    words = {"picture": is_picture(source), "scale": source.scale, "zero_point": source.zero_point, "dtype": source.dtype,
             "source_shape": axes_words(source), "lowest": float(f"{low:.4g}"), "highest": float(f"{high:.4g}")}
    if not words["picture"]:
        return words
    height, width, channels = picture_extents(source)
    nhwc = source.layout != "NCHW"
    return words | {
        "height": height, "width": width, "layout": "NHWC" if nhwc else "NCHW", "values": _values(source),
        "takes": _TAKES[channels],
        "layout_words": (("row by row, pixel by pixel" if channels == 1
                          else f"row by row, pixel by pixel, {channels} channel values together") if nhwc
                         else f"{channels} whole planes, one after the other, each row by row"),
    }


def axes_words(tensor: TensorInfo) -> str:
    """The lengths of all axes, such as ``1 x 144 x 144 x 3``."""
    return " x ".join(map(str, tensor.shape)) or "one value"


def _range(source: TensorInfo) -> tuple[float, float]:
    lowest, highest = CODE_RANGES[source.dtype]
    scale, zero = source.scale or 0.0, source.zero_point or 0
    return (lowest - zero) * scale, (highest - zero) * scale


def pixel_codes(source: TensorInfo) -> list[int]:
    """The input code of each pixel value 0..255: that of the value itself, or spread over the range of the input.

    >>> unsigned = TensorInfo(0, "", "uint8", (1, 2, 2, 3), (), 1 / 255, 0, 0)
    >>> pixel_codes(unsigned)[::51]
    [0, 51, 102, 153, 204, 255]
    """
    lowest, highest = CODE_RANGES[source.dtype]
    scale, zero = source.scale or 1.0, source.zero_point or 0
    spread = spreads_pixels(source)
    places = [pixel / 255 * (highest - lowest) + lowest if spread else pixel / scale + zero for pixel in range(256)]
    return [max(lowest, min(highest, math.floor(place + 0.5))) for place in places]


def spreads_pixels(source: TensorInfo) -> bool:
    """Whether the input holds other values than pixels 0..255."""
    low, high = _range(source)
    return not (abs(low) < _PIXEL_SLACK and abs(high - 255) < _PIXEL_SLACK)


def _values(image: TensorInfo) -> str:
    """What the codes stand for, and so what has to be done to pixels 0..255."""
    lowest = CODE_RANGES[image.dtype][0]
    low, high = _range(image)
    if not spreads_pixels(image):
        exactly = image.scale == 1.0 and image.zero_point == lowest
        pixel = " The code is the pixel itself." if image.dtype == "uint8" else " The code is the pixel minus 128."
        return "Values stay 0..255: no division by 255, no mean, no standard deviation." + (pixel if exactly else "")
    return (f"The input holds values from {low:.4g} to {high:.4g}: scale the pixels 0..255 as in this model's training "
            "(the file does not say how).")


def picture_extents(image: TensorInfo) -> tuple[int, int, int]:
    """Height, width and channels of a picture."""
    if image.layout == "NCHW":
        return image.shape[2], image.shape[3], image.shape[1]
    return image.shape[1], image.shape[2], image.shape[3]
