"""Convolutions, dense layers and pools as steps: window arithmetic and per-channel multipliers as TFLM prepares them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tinysieve.quantize.firmware.fixed_point import FixedPoint, fixed_point
from tinysieve.quantize.firmware.steps import Filter, Raster, Step
from tinysieve.quantize.firmware.unsupported import Unsupported
from tinysieve.quantize.tflite.source_model import SourceModel, SourceOperator

SAME = 0
EXTENTS = ("in_h", "in_w", "in_c", "out_h", "out_w", "out_c", "k_h", "k_w", "stride_h", "stride_w", "dilation_h", "dilation_w",
           "pad_top", "pad_left")
LARGEST_EXTENT = 2**16 - 1
_ACTIVATIONS = {0: (-math.inf, math.inf), 1: (0.0, math.inf), 2: (-1.0, 1.0), 3: (0.0, 6.0)}


def activation_range(source: SourceModel, tensor: int, fused: int) -> tuple[int, int]:
    """Lowest and highest int8 code that a fused activation (none, ReLU, ReLU -1..1, ReLU6) lets through."""
    if fused not in _ACTIVATIONS:
        raise Unsupported(f"fused activation {fused}")
    scale, zero = np.float32(source.scale(tensor)), source.zero_point(tensor)
    low, high = _ACTIVATIONS[fused]
    lowest = -128 if low == -math.inf else max(-128, zero + _round(float(np.float32(low) / scale)))
    highest = 127 if high == math.inf else min(127, zero + _round(float(np.float32(high) / scale)))
    return lowest, highest


def _round(value: float) -> int:
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


def convolution(source: SourceModel, operator: SourceOperator) -> Step:
    """CONV_2D, groups included."""
    weights = weights_of(source, operator)
    read, pad_top, pad_left = _folded_pad(source, operator.inputs[0])
    shape = source.shape(read)
    if len(weights.shape) != 4 or len(shape) != 4 or shape[3] % weights.shape[3]:
        raise Unsupported(f"input {list(shape)} with filters {list(weights.shape)}")
    window = _window(source, operator, read, (weights.shape[1], weights.shape[2]), pad_top, pad_left)
    macs = math.prod(source.shape(operator.outputs[0])) * math.prod(weights.shape[1:])
    return _step(source, operator, "conv2d", read, {**window, "groups": shape[3] // weights.shape[3]}, weights, macs)


def depthwise(source: SourceModel, operator: SourceOperator) -> Step:
    """DEPTHWISE_CONV_2D, any channel multiplier."""
    weights = weights_of(source, operator)
    read, pad_top, pad_left = _folded_pad(source, operator.inputs[0])
    shape = source.shape(read)
    if len(weights.shape) != 4 or len(shape) != 4 or weights.shape[3] % shape[3]:
        raise Unsupported(f"input {list(shape)} with filters {list(weights.shape)}")
    window = _window(source, operator, read, (weights.shape[1], weights.shape[2]), pad_top, pad_left)
    macs = math.prod(source.shape(operator.outputs[0])) * math.prod(weights.shape[1:3])
    return _step(source, operator, "depthwise", read, {**window, "groups": shape[3]}, weights, macs)


def dense(source: SourceModel, operator: SourceOperator) -> Step:
    """FULLY_CONNECTED of any rank: a 1x1 convolution over one row of as many pixels as there are vectors."""
    weights = weights_of(source, operator)
    read, written = operator.inputs[0], operator.outputs[0]
    outputs, length = weights.shape
    vectors = math.prod(source.shape(read)) // length
    if source.size_bytes(read) != vectors * length or source.size_bytes(written) != vectors * outputs:
        raise Unsupported(f"{list(source.shape(read))} to {list(source.shape(written))} by {list(weights.shape)}")
    if getattr(operator.options, "weightsFormat", 0) != 0:
        raise Unsupported("shuffled weights")
    window = {"in_h": 1, "in_w": vectors, "in_c": length, "out_h": 1, "out_w": vectors, "out_c": outputs,
              "k_h": 1, "k_w": 1, "stride_h": 1, "stride_w": 1, "dilation_h": 1, "dilation_w": 1,
              "pad_top": 0, "pad_left": 0, "groups": 1}
    return _step(source, operator, "conv2d", read, {**window, **codes(source, read, written, operator.options)},
                 weights.reshape(outputs, 1, 1, length), weights.size * vectors)


def pool(source: SourceModel, operator: SourceOperator) -> Step:
    """AVERAGE_POOL_2D and MAX_POOL_2D; borders do not count."""
    read, options = operator.inputs[0], operator.options
    if len(source.shape(read)) != 4:
        raise Unsupported(f"input {list(source.shape(read))}")
    if not source.same_quantization(read, operator.outputs[0]):
        raise Unsupported("input and output differ in scale or zero point")
    window = _window(source, operator, read, (options.filterHeight, options.filterWidth), 0, 0)
    require_small(window)
    if window["in_c"] != window["out_c"]:
        raise Unsupported(f"{window['in_c']} channels to {window['out_c']}")
    kernel = "average_pool" if operator.name == "AVERAGE_POOL_2D" else "max_pool"
    return Step(operator.index, operator.name, kernel, (read,), operator.outputs[0],
                {**window, "groups": window["in_c"]}, raster=_raster(window))


def weights_of(source: SourceModel, operator: SourceOperator) -> NDArray[np.int8]:
    if source.dtype(operator.inputs[0]) != "int8" or source.dtype(operator.outputs[0]) != "int8":
        raise Unsupported(f"{source.dtype(operator.inputs[0])} activations")
    values = source.constant(operator.inputs[1])
    if values is None or values.dtype != np.int8:
        raise Unsupported(f"{source.dtype(operator.inputs[1])} weights that are not an int8 constant")
    if source.zero_points(operator.inputs[1]).any():
        raise Unsupported("weights with a zero point")
    return values


def _folded_pad(source: SourceModel, tensor: int) -> tuple[int, int, int]:
    """What a convolution really reads, and rows and columns that a PAD before it adds at the top and the left."""
    for earlier in source.operators:
        if earlier.outputs[:1] == (tensor,) and earlier.name == "PAD":
            pads = source.constant(earlier.inputs[1])
            if (pads is not None and pads.shape == (4, 2) and not pads[[0, 3]].any() and (pads >= 0).all()
                    and source.same_quantization(earlier.inputs[0], tensor)):
                return earlier.inputs[0], int(pads[1, 0]), int(pads[2, 0])
    return tensor, 0, 0


def _window(
    source: SourceModel, operator: SourceOperator, read: int, kernel: tuple[int, int], pad_top: int, pad_left: int
) -> dict[str, int]:
    """Extents of input and output, kernel, stride, dilation and the rows and columns missing at the top and the left."""
    options, padded = operator.options, source.shape(operator.inputs[0])
    batch, in_h, in_w, in_c = source.shape(read)
    _, out_h, out_w, out_c = source.shape(operator.outputs[0])
    if batch != 1:
        raise Unsupported(f"batch {batch}")
    dilation = getattr(options, "dilationHFactor", 1) or 1, getattr(options, "dilationWFactor", 1) or 1
    stride = options.strideH, options.strideW
    if min(*stride, *kernel, *dilation) < 1:
        raise Unsupported("a stride, kernel or dilation under 1")
    for length, produced, axis in ((padded[1], out_h, 0), (padded[2], out_w, 1)):
        if produced != _produced(length, kernel[axis], stride[axis], dilation[axis], options.padding):
            raise Unsupported(f"{produced} rows or columns from {length}")
    if options.padding == SAME:
        pad_top += same(padded[1], out_h, kernel[0], stride[0], dilation[0])
        pad_left += same(padded[2], out_w, kernel[1], stride[1], dilation[1])
    return {"in_h": in_h, "in_w": in_w, "in_c": in_c, "out_h": out_h, "out_w": out_w, "out_c": out_c,
            "k_h": kernel[0], "k_w": kernel[1], "stride_h": stride[0], "stride_w": stride[1],
            "dilation_h": dilation[0], "dilation_w": dilation[1], "pad_top": pad_top, "pad_left": pad_left,
            **codes(source, operator.inputs[0], operator.outputs[0], options)}


def _produced(length: int, kernel: int, stride: int, dilation: int, padding: int) -> int:
    """Rows or columns that a window makes of so many."""
    return -(-length // stride) if padding == SAME else (length - (kernel - 1) * dilation - 1) // stride + 1


def same(length: int, produced: int, kernel: int, stride: int, dilation: int) -> int:
    return max(0, (produced - 1) * stride + (kernel - 1) * dilation + 1 - length) // 2


def codes(source: SourceModel, read: int, written: int, options: object) -> dict[str, int]:
    low, high = activation_range(source, written, getattr(options, "fusedActivationFunction", 0))
    return {"in_zero": source.zero_point(read), "out_zero": source.zero_point(written), "low": low, "high": high}


def _step(
    source: SourceModel, operator: SourceOperator, kernel: str, read: int, window: dict[str, int],
    weights: NDArray[np.int8], macs: int,
) -> Step:
    require_small(window)
    if weights.shape[0 if kernel == "conv2d" else 3] != window["out_c"]:
        raise Unsupported(f"filters {list(weights.shape)} for {window['out_c']} channels")
    return Step(operator.index, operator.name, kernel, (read,), operator.outputs[0], window,
                filter_of(source, operator, weights, window["out_c"]), _raster(window), macs=macs)


def require_small(window: dict[str, int]) -> None:
    """Extents are 16 bits wide in the generated tables."""
    for name in EXTENTS:
        if not 0 <= window[name] <= LARGEST_EXTENT:
            raise Unsupported(f"{name} is {window[name]}, over {LARGEST_EXTENT}")


def _raster(window: dict[str, int]) -> Raster:
    return Raster(window["out_h"], window["stride_h"], window["pad_top"],
                  window["in_w"] * window["in_c"], window["out_w"] * window["out_c"])


def filter_of(source: SourceModel, operator: SourceOperator, weights: NDArray[np.int8], channels: int) -> Filter:
    bias = source.constant(operator.inputs[2]) if len(operator.inputs) > 2 else None
    if bias is not None and bias.dtype != np.int32:
        raise Unsupported(f"{bias.dtype} bias")
    multipliers = _multipliers(source, operator, channels)
    return Filter(weights, np.zeros(channels, np.int32) if bias is None else bias.reshape(channels),
                  np.array([factor.multiplier for factor in multipliers], np.int32),
                  np.array([factor.shift for factor in multipliers], np.int8))


def _multipliers(source: SourceModel, operator: SourceOperator, channels: int) -> list[FixedPoint]:
    """Input scale times filter scale over output scale; TFLM multiplies in float32 where a layer has one filter scale only."""
    read, written = np.float32(source.scale(operator.inputs[0])), source.scale(operator.outputs[0])
    scales = source.scales(operator.inputs[1])
    if len(scales) not in (1, channels):
        raise Unsupported(f"{len(scales)} filter scales for {channels} channels")
    if operator.name == "FULLY_CONNECTED" and len(scales) == 1:
        return [fixed_point(float(read * scales[0]) / written)] * channels
    factors = [fixed_point(float(read) * float(scale) / written) for scale in scales]
    return factors * channels if len(factors) == 1 else factors
