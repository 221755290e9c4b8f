"""Everything but convolutions as steps: additions, requantization, means, softmax and real pads."""

from __future__ import annotations

import math

import numpy as np

from tinysieve.quantize.firmware.fixed_point import FixedPoint, fixed_point
from tinysieve.quantize.firmware.lowering_convolutions import activation_range
from tinysieve.quantize.firmware.steps import Step
from tinysieve.quantize.firmware.unsupported import Unsupported
from tinysieve.quantize.tflite.source_model import SourceModel, SourceOperator

ADD_LEFT_SHIFT = 20
SOFTMAX_INTEGER_BITS = 5
TRANSPOSED_AXES = 4


def add(source: SourceModel, operator: SourceOperator) -> Step:
    """ADD of two activations of one shape: both scaled to twice the larger scale, 20 bits of headroom."""
    first, other = operator.inputs
    written = operator.outputs[0]
    _require_int8(source, first, other, written)
    if not source.shape(first) == source.shape(other) == source.shape(written):
        raise Unsupported(f"shapes {list(source.shape(first))} and {list(source.shape(other))} that broadcast")
    if source.constant(first) is not None or source.constant(other) is not None:
        raise Unsupported("a constant operand")
    twice = 2.0 * max(source.scale(first), source.scale(other))
    a, b = fixed_point(source.scale(first) / twice), fixed_point(source.scale(other) / twice)
    total = fixed_point(twice / ((1 << ADD_LEFT_SHIFT) * source.scale(written)))
    low, high = activation_range(source, written, operator.options.fusedActivationFunction)
    return Step(operator.index, operator.name, "add", (first, other), written, {
        "count": math.prod(source.shape(written)), "a_zero": source.zero_point(first), "b_zero": source.zero_point(other),
        "out_zero": source.zero_point(written), "a_multiplier": a.multiplier, "a_shift": a.shift,
        "b_multiplier": b.multiplier, "b_shift": b.shift, "out_multiplier": total.multiplier,
        "out_shift": total.shift, "low": low, "high": high}, in_place=True)


def multiply(source: SourceModel, operator: SourceOperator) -> Step:
    """MUL of two activations; the second may have one value a channel, or fewer axes, and is used again and again."""
    written = operator.outputs[0]
    whole, other = sorted(operator.inputs, key=lambda tensor: -math.prod(source.shape(tensor)))
    _require_int8(source, whole, other, written)
    if source.constant(whole) is not None or source.constant(other) is not None:
        raise Unsupported("a constant operand of several values")
    lengths = list(source.shape(other))
    while lengths[:1] == [1]:
        del lengths[0]
    rest = source.shape(written)[len(source.shape(written)) - len(lengths):]
    if source.shape(whole) != source.shape(written) or list(rest) != lengths:
        raise Unsupported(f"shapes {list(source.shape(whole))} and {list(source.shape(other))}")
    factor = fixed_point(source.scale(whole) * source.scale(other) / source.scale(written))
    low, high = activation_range(source, written, operator.options.fusedActivationFunction)
    return Step(operator.index, operator.name, "multiply", (whole, other), written, {
        "count": math.prod(source.shape(written)), "period": math.prod(lengths), "a_zero": source.zero_point(whole),
        "b_zero": source.zero_point(other), "out_zero": source.zero_point(written), "multiplier": factor.multiplier,
        "shift": factor.shift, "low": low, "high": high}, in_place=math.prod(lengths) == math.prod(source.shape(written)))


def transpose(source: SourceModel, operator: SourceOperator) -> Step:
    """TRANSPOSE of up to four axes: each output value is fetched from where it lies in the input."""
    read, written = operator.inputs[0], operator.outputs[0]
    order, shape = source.constant(operator.inputs[1]), source.shape(read)
    _require_int8(source, read, written)
    if order is None or len(shape) > TRANSPOSED_AXES or sorted(order.tolist()) != list(range(len(shape))):
        raise Unsupported("another order than a constant one of up to four axes")
    if source.shape(written) != tuple(shape[axis] for axis in order):
        raise Unsupported(f"{list(shape)} to {list(source.shape(written))} in this order")
    strides = [math.prod(shape[axis + 1:]) for axis in order]
    ones = TRANSPOSED_AXES - len(shape)
    names = "abcd"
    return Step(operator.index, operator.name, "transpose", (read,), written, {
        **dict(zip(names, [1] * ones + list(source.shape(written)), strict=True)),
        **{f"step_{name}": step for name, step in zip(names, [0] * ones + strides, strict=True)}})


def requantize(source: SourceModel, operator: SourceOperator) -> Step:
    """QUANTIZE between 8-bit types: another scale, zero point or sign."""
    read, written = operator.inputs[0], operator.outputs[0]
    types = source.dtype(read), source.dtype(written)
    if not set(types) <= {"int8", "uint8"}:
        raise Unsupported(f"{types[0]} to {types[1]}")
    if source.size_bytes(read) != source.size_bytes(written):
        raise Unsupported(f"{list(source.shape(read))} to {list(source.shape(written))}")
    factor = fixed_point(source.scale(read) / source.scale(written))
    return Step(operator.index, operator.name, "requantize", (read,), written, {
        "count": math.prod(source.shape(written)), "in_unsigned": int(types[0] == "uint8"),
        "out_unsigned": int(types[1] == "uint8"), "in_zero": source.zero_point(read),
        "out_zero": source.zero_point(written), "multiplier": factor.multiplier, "shift": factor.shift},
        in_place=True)


def pad(source: SourceModel, operator: SourceOperator) -> Step:
    """PAD of an image that no convolution can take up: rows and columns of the zero point around it."""
    read, written = operator.inputs[0], operator.outputs[0]
    pads, shape = source.constant(operator.inputs[1]), source.shape(read)
    if pads is None or pads.shape != (4, 2) or pads[0].any() or (pads < 0).any() or shape[0] != 1:
        raise Unsupported("pads that are not constant, or of another axis than height, width and channels")
    _require_int8(source, read, written)
    (top, bottom), (left, right), (before, after) = pads[1:].tolist()
    padded = (1, *(int(length + pads[axis].sum()) for axis, length in enumerate(shape) if axis))
    if source.shape(written) != padded:
        raise Unsupported(f"{list(shape)} to {list(source.shape(written))} by these pads")
    return Step(operator.index, operator.name, "pad", (read,), written, {
        "in_h": shape[1], "in_w": shape[2], "in_c": shape[3], "top": top, "bottom": bottom, "left": left, "right": right,
        "before": before, "after": after, "value": source.zero_point(written)})


def mean(source: SourceModel, operator: SourceOperator) -> Step:
    """MEAN over neighbouring axes; TFLM folds the division into the multiplier, in integers."""
    read, written = operator.inputs[0], operator.outputs[0]
    axes, shape = source.constant(operator.inputs[1]), source.shape(read)
    _require_int8(source, read, written)
    reduced = [] if axes is None or not shape else sorted({int(n) % len(shape) for n in axes.reshape(-1)})
    if not reduced or reduced != list(range(reduced[0], reduced[-1] + 1)):
        raise Unsupported("another mean than over neighbouring axes")
    images, channels = math.prod(shape[:reduced[0]]), math.prod(shape[reduced[-1] + 1:])
    pixels = math.prod(shape[axis] for axis in reduced)
    if source.size_bytes(written) != images * channels:
        raise Unsupported(f"{list(shape)} to {list(source.shape(written))}")
    factor = fixed_point(source.scale(read) / source.scale(written))
    shift = min(pixels.bit_length() - 1, 32, 31 + factor.shift)
    factor = FixedPoint((factor.multiplier << shift) // pixels, factor.shift - shift)
    return Step(operator.index, operator.name, "mean", (read,), written, {
        "images": images, "pixels": pixels, "channels": channels, "in_zero": source.zero_point(read),
        "out_zero": source.zero_point(written), "multiplier": factor.multiplier, "shift": factor.shift})


def softmax(source: SourceModel, operator: SourceOperator) -> Step:
    """SOFTMAX over the last axis, int8 to int8 with output scale 1/256 and zero point -128."""
    read, written = operator.inputs[0], operator.outputs[0]
    _require_int8(source, read, written)
    if source.zero_point(written) != -128 or source.scale(written) != 1 / 256:
        raise Unsupported("an output that is not scaled by 1/256 from -128")
    real = min(float(np.float32(operator.options.beta)) * source.scale(read) * (1 << (31 - SOFTMAX_INTEGER_BITS)), 2.0**31 - 1)
    factor = fixed_point(real)
    # Differences below this would fall out of the fixed-point range: their exponential is 0.
    radius = ((1 << SOFTMAX_INTEGER_BITS) - 1) * 2.0 ** (31 - SOFTMAX_INTEGER_BITS - factor.shift)
    depth = source.shape(read)[-1]
    if source.shape(read) != source.shape(written):
        raise Unsupported(f"{list(source.shape(read))} to {list(source.shape(written))}")
    return Step(operator.index, operator.name, "softmax", (read,), written, {
        "rows": math.prod(source.shape(read)) // depth, "depth": depth, "multiplier": factor.multiplier,
        "shift": factor.shift, "lowest_difference": -math.floor(radius)})


def _require_int8(source: SourceModel, *tensors: int) -> None:
    for tensor in tensors:
        if source.dtype(tensor) != "int8":
            raise Unsupported(f"{source.dtype(tensor)} values")
