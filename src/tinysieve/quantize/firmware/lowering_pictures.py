"""Pictures that grow as steps: resizing and tiling. Where each value comes from is known beforehand, so tables say it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tinysieve.quantize.firmware.steps import Step
from tinysieve.quantize.firmware.unsupported import Unsupported
from tinysieve.quantize.tflite.source_model import SourceModel, SourceOperator

COPIED_AXES = 4
# TFLM places and weighs neighbours in 1024ths of a pixel.
FRACTION_BITS = 10


def tile(source: SourceModel, operator: SourceOperator) -> Step:
    """TILE and BROADCAST_TO: an axis that repeats is two axes, of which the first goes nowhere in the input."""
    read, written = operator.inputs[0], operator.outputs[0]
    _require_alike(source, read, written)
    made = source.shape(written)
    shape = (1,) * (len(made) - len(source.shape(read))) + source.shape(read)
    if len(shape) != len(made) or any(length < 1 or whole % length for length, whole in zip(shape, made, strict=True)):
        raise Unsupported(f"{list(source.shape(read))} to {list(made)}")
    axes: list[tuple[int, int]] = []
    for axis, (length, whole) in enumerate(zip(shape, made, strict=True)):
        for lengths, step in ((whole // length, 0), (length, math.prod(shape[axis + 1:]))):
            if lengths > 1:
                axes.append((lengths, step))
    axes = _merged(axes)
    if len(axes) > COPIED_AXES:
        raise Unsupported(f"a copy along {len(axes)} axes")
    axes = [(1, 0)] * (COPIED_AXES - len(axes)) + axes
    return Step(operator.index, operator.name, "transpose", (read,), written, {
        **{name: length for name, (length, _) in zip("abcd", axes, strict=True)},
        **{f"step_{name}": step for name, (_, step) in zip("abcd", axes, strict=True)}})


def _merged(axes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Neighbouring axes that lie as one in the input become one.

    >>> _merged([(2, 12), (3, 4), (4, 1)]), _merged([(2, 0), (12, 1)])
    ([(24, 1)], [(2, 0), (12, 1)])
    """
    merged: list[tuple[int, int]] = []
    for length, step in axes:
        if merged and merged[-1][1] == length * step and step:
            merged[-1] = (merged[-1][0] * length, step)
        else:
            merged.append((length, step))
    return merged


def resize_nearest(source: SourceModel, operator: SourceOperator) -> Step:
    """RESIZE_NEAREST_NEIGHBOR: which row and column each comes from, as TFLM rounds it in float32."""
    rows, columns = (_nearest(length, made, operator.options) for length, made in _extents(source, operator))
    width, channels = source.shape(operator.inputs[0])[2:]
    return _resized(source, operator, "resize_nearest", rows * width * channels, columns * channels)


def _nearest(length: int, made: int, options: object) -> NDArray[np.int32]:
    corners, centers = bool(getattr(options, "alignCorners", False)), bool(getattr(options, "halfPixelCenters", False))
    scale = np.float32(length - 1) / np.float32(made - 1) if corners and made > 1 else np.float32(length) / np.float32(made)
    places = (np.arange(made, dtype=np.float32) + np.float32(0.5 if centers else 0)) * scale
    # Halves go up; places are never negative.
    whole = np.floor(places + np.float32(0.5)) if corners else np.floor(places)
    return np.clip(whole, 0, length - 1).astype(np.int32)


def resize_bilinear(source: SourceModel, operator: SourceOperator) -> Step:
    """RESIZE_BILINEAR in integers: for each row and column its two neighbours, and the weight of the second of 1024."""
    options = operator.options
    if getattr(options, "alignCorners", False) and getattr(options, "halfPixelCenters", False):
        raise Unsupported("aligned corners and half-pixel centers together")
    rows, columns = (_neighbors(length, made, options) for length, made in _extents(source, operator))
    width, channels = source.shape(operator.inputs[0])[2:]
    return _resized(source, operator, "resize_bilinear", rows * np.array([width * channels, width * channels, 1], np.int32),
                    columns * np.array([channels, channels, 1], np.int32))


def _neighbors(length: int, made: int, options: object) -> NDArray[np.int32]:
    """int32 [made, 3]: the place before, the place behind, and 1024 times how far behind the first it lies."""
    unit = 1 << FRACTION_BITS
    if getattr(options, "alignCorners", False) and made > 1:
        scale = (unit * (length - 1) + (made - 1) // 2) // (made - 1)
    else:
        scale = (unit * length + made // 2) // made
    places = np.arange(made, dtype=np.int64) * scale
    if getattr(options, "halfPixelCenters", False):
        places += scale // 2 - unit // 2
    # C divides towards zero: what lies before the first place is moved onto it either way.
    before = np.maximum(places // unit, 0)
    behind = np.minimum(np.maximum(places + unit - 1, 0) // unit, length - 1)
    return np.stack([before, behind, places - unit * before], axis=1).astype(np.int32)


def _extents(source: SourceModel, operator: SourceOperator) -> tuple[tuple[int, int], tuple[int, int]]:
    """Rows and columns, of the input and of the output."""
    read, written = operator.inputs[0], operator.outputs[0]
    _require_alike(source, read, written)
    shape, made = source.shape(read), source.shape(written)
    if len(shape) != COPIED_AXES or len(made) != COPIED_AXES or (shape[0], shape[3]) != (1, made[3]) or made[0] != 1 \
            or min(*shape, *made) < 1:
        raise Unsupported(f"{list(shape)} to {list(made)}")
    return (shape[1], made[1]), (shape[2], made[2])


def _resized(source: SourceModel, operator: SourceOperator, kernel: str, rows: NDArray, columns: NDArray) -> Step:
    made = source.shape(operator.outputs[0])
    return Step(operator.index, operator.name, kernel, (operator.inputs[0],), operator.outputs[0],
                {"height": made[1], "width": made[2], "channels": made[3]},
                tables={"rows": rows.astype(np.int32), "columns": columns.astype(np.int32)})


def _require_alike(source: SourceModel, read: int, written: int) -> None:
    if {source.dtype(read), source.dtype(written)} != {"int8"}:
        raise Unsupported(f"{source.dtype(read)} to {source.dtype(written)}")
    if not source.same_quantization(read, written):
        raise Unsupported("input and output differ in scale or zero point")
