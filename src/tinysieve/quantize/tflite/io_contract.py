"""What a model eats and says, read from the file and compared with what the caller states.

A model that wants NCHW, values in 0..1 or answers the two classes the other way round still runs on 0..255 NHWC pixels and gives
a plausible, wrong accuracy. So each difference is named, and nothing is scored until the caller states it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.classes import PERSON_TASK, ClassNames
from tinysieve.ground.errors import InputError
from tinysieve.quantize.tflite.graph import Graph, TensorInfo, read_graph

CLASSES = PERSON_TASK.in_code_order
CODE_RANGES = {"int8": (-128, 127), "uint8": (0, 255)}


@dataclass(frozen=True)
class Stated:
    """What the caller knows and the file cannot say, or says differently from the challenge's models.

    Pixels 0..255 become ``(pixel - mean) / std`` per RGB channel before they are quantized. ``class_order`` is the order of
    the model's scores, ``classes`` the same two names in the order of the labels' codes.
    """

    class_order: tuple[str, ...] = CLASSES
    layout: str = "NHWC"
    io_types: tuple[str, ...] = ("int8", "uint8")
    pixel_mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    pixel_std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    classes: tuple[str, str] = CLASSES


CHALLENGE = Stated()


def stated_for(classes: ClassNames) -> Stated:
    """The challenge's contract for other classes: what this program's own models eat and say."""
    return Stated(class_order=classes.in_code_order, classes=classes.in_code_order)


@dataclass(frozen=True)
class IOContract:
    """Input and output of an image classifier, and every way in which it is not what the caller stated."""

    input: TensorInfo
    output: TensorInfo
    stated: Stated
    oddities: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) in pixels, whatever the layout."""
        if self.input.layout == "NCHW":
            channels, height, width = self.input.shape[1:]
        else:
            height, width, channels = self.input.shape[1:]
        return height, width, channels

    def require(self) -> IOContract:
        """This contract, if nothing is odd.

        Raises:
            InputError: names every oddity.
        """
        if self.oddities:
            raise InputError(
                "; ".join(self.oddities),
                where=f"model input {self.input.name!r}, output {self.output.name!r}",
                why="scored as it is, the model would get an accuracy that means nothing",
                fix="state layout, class_order, pixel_mean, pixel_std or io_types of this model, or convert it again",
            )
        return self

    def check_images(self, images: NDArray[np.uint8]) -> None:
        """Raises InputError unless ``images`` is uint8 [N, height, width, channels] of this model."""
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != self.image_shape:
            raise InputError(
                f"images are {images.dtype} {list(images.shape)}, the model takes uint8 [N, "
                + ", ".join(map(str, self.image_shape)) + "] pixels",
                why="a wrong size or type would be scored silently",
                fix="pack the images at the model's size",
            )

    def encode(self, images: NDArray[np.uint8]) -> NDArray:
        """Pixels [N, H, W, C] 0..255 as the model's input codes, rounded and clipped, in its layout.

        The challenge's own script truncates instead; with scale 1 and zero point 0 both give the pixel itself.
        """
        mean, std = (np.asarray(v, np.float32) for v in (self.stated.pixel_mean, self.stated.pixel_std))
        values = images if not mean.any() and (std == 1).all() else (images.astype(np.float32) - mean) / std
        if self.input.layout == "NCHW":
            values = np.ascontiguousarray(values.transpose(0, 3, 1, 2))
        if self.input.dtype not in CODE_RANGES:
            return values.astype(np.float32)
        low, high = CODE_RANGES[self.input.dtype]
        codes = np.rint(values.astype(np.float32) / np.float32(self.input.scale)) + self.input.zero_point
        return np.clip(codes, low, high).astype(self.input.dtype)

    def decode(self, raw: NDArray) -> NDArray[np.float32]:
        """Raw outputs [N, ..., 2] as float32 [N, 2], dequantized, columns as `stated.classes`."""
        flat = raw.reshape(len(raw), len(self.stated.classes)).astype(np.float32)
        if self.output.dtype in CODE_RANGES:
            flat = (flat - np.float32(self.output.zero_point)) * np.float32(self.output.scale)
        return flat[:, [self.stated.class_order.index(name) for name in self.stated.classes]]


def describe_io(model: bytes, stated: Stated = CHALLENGE) -> IOContract:
    """Input and output of a .tflite classifier with every oddity named; nothing is refused here.

    Raises:
        InputError: not a .tflite file, more than one input or output, or ``class_order`` is not the two classes.
    """
    if sorted(stated.class_order) != sorted(stated.classes):
        raise InputError(f"class_order {list(stated.class_order)} is not an order of {list(stated.classes)}",
                         fix=f"give {list(stated.classes)} or {list(stated.classes[::-1])}")
    graph = read_graph(model)
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise InputError(
            f"the model has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs, not one of each",
            why="it is no image classifier", fix="give a classifier with one image input and one output",
        )
    pixels, scores = graph.inputs[0], graph.outputs[0]
    oddities = (*_odd_input(pixels, stated), *_odd_output(scores), *_odd_types(graph, stated))
    notes = ("the batch is left open (-1): run at batch 1",) if 0 in pixels.dynamic_axes else ()
    return IOContract(pixels, scores, stated, oddities, notes)


def _odd_input(pixels: TensorInfo, stated: Stated) -> tuple[str, ...]:
    oddities = []
    if pixels.layout == "other":
        return (f"input shape {list(pixels.shape)} is no image: 4 axes with 1, 3 or 4 channels are expected",)
    if pixels.layout != stated.layout:
        oddities.append(f"input {list(pixels.shape)} is {pixels.layout}, stated is {stated.layout}")
    channels = pixels.shape[1 if pixels.layout == "NCHW" else 3]
    if channels != 3:
        oddities.append(f"input has {channels} channels, RGB has 3")
    if pixels.shape[0] != 1:
        oddities.append(f"input batch is {pixels.shape[0]}, not 1")
    if any(axis > 0 for axis in pixels.dynamic_axes):
        oddities.append("the image size is left open (-1) in the file")
    if pixels.dtype in CODE_RANGES:
        oddities.extend(_odd_range(pixels, stated))
    return tuple(oddities)


def _odd_range(pixels: TensorInfo, stated: Stated) -> list[str]:
    """Codes that cannot hold the pixels: black or white would be clipped far inside the range."""
    if not pixels.scale or pixels.zero_point is None:
        return ["the quantized input has no scale"]
    low, high = ((code - pixels.zero_point) * pixels.scale for code in CODE_RANGES[pixels.dtype])
    mean, std = np.asarray(stated.pixel_mean), np.asarray(stated.pixel_std)
    darkest, brightest = (np.array([0.0, 255.0])[:, None] - mean) / std
    # A tenth of the range may be clipped: calibration on real photos seldom reaches both ends exactly.
    slack = 0.1 * (brightest - darkest)
    oddities = []
    if (low > darkest + slack).any() or (high < brightest - slack).any():
        oddities.append(f"input holds values {low:.4g} to {high:.4g}, stated pixels give "
                     f"{darkest.min():.4g} to {brightest.max():.4g}: mean and std are not this model's")
    elif high - low > 20 * (brightest - darkest).max():
        oddities.append(f"input holds values {low:.4g} to {high:.4g}: stated pixels would use under 13 of its 256 codes")
    return oddities


def _odd_output(scores: TensorInfo) -> tuple[str, ...]:
    oddities = []
    classes = int(np.prod(scores.shape[1:])) if len(scores.shape) > 1 else 0
    if classes != 2:
        oddities.append(f"output {list(scores.shape)} has {classes} scores, not 2")
    if scores.dtype in CODE_RANGES and not scores.scale:
        oddities.append("the quantized output has no scale")
    return tuple(oddities)


def _odd_types(graph: Graph, stated: Stated) -> tuple[str, ...]:
    oddities = []
    for role, tensor in (("input", graph.inputs[0]), ("output", graph.outputs[0])):
        if tensor.dtype not in stated.io_types:
            oddities.append(f"{role} is {tensor.dtype}, stated is {' or '.join(stated.io_types)}")
    floats = sum(op.macs > 0 and graph.tensors[op.outputs[0]].dtype == "float32" for op in graph.operators)
    if floats and "float32" not in stated.io_types:
        oddities.append(f"{floats} convolutions or dense layers compute in float32: not a full-integer model")
    return tuple(oddities)
