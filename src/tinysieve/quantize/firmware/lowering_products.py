"""Products that are no convolution as steps: transposed convolutions, and matrices both of which are activations."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from tinysieve.quantize.firmware.fixed_point import fixed_point
from tinysieve.quantize.firmware.lowering_convolutions import SAME, codes, filter_of, require_small, same, weights_of
from tinysieve.quantize.firmware.steps import Step
from tinysieve.quantize.firmware.unsupported import Unsupported
from tinysieve.quantize.tflite.source_model import SourceModel, SourceOperator


def transpose_conv(source: SourceModel, operator: SourceOperator) -> Step:
    """TRANSPOSE_CONV: the window lies on the output, and each of its values is spread over one."""
    # Its inputs stand in another order: shape of the output, weights, image, bias.
    usual = replace(operator, inputs=(operator.inputs[2], operator.inputs[1], *operator.inputs[3:]))
    weights, (read, written) = weights_of(source, usual), (usual.inputs[0], operator.outputs[0])
    shape, made, options = source.shape(read), source.shape(written), operator.options
    if len(weights.shape) != 4 or len(shape) != 4 or len(made) != 4 or shape[0] != 1 or made[0] != 1 \
            or (made[3], shape[3]) != (weights.shape[0], weights.shape[3]) or min(options.strideH, options.strideW) < 1:
        raise Unsupported(f"{list(shape)} to {list(made)} by {list(weights.shape)}")
    (k_h, k_w), strides = weights.shape[1:3], (options.strideH, options.strideW)
    pads = [same(length, -(-length // stride), kernel, stride, 1) if options.padding == SAME else 0
            for length, stride, kernel in zip(made[1:3], strides, (k_h, k_w), strict=True)]
    window = {"in_h": shape[1], "in_w": shape[2], "in_c": shape[3], "out_h": made[1], "out_w": made[2], "out_c": made[3],
              "k_h": k_h, "k_w": k_w, "stride_h": strides[0], "stride_w": strides[1], "dilation_h": 1, "dilation_w": 1,
              "pad_top": pads[0], "pad_left": pads[1], "groups": 1, **codes(source, read, written, options)}
    require_small(window)
    return Step(operator.index, operator.name, "transpose_conv", (read,), written, window,
                filter_of(source, usual, weights, made[3]), macs=math.prod(shape) * math.prod(weights.shape[:3]))


def batch_matmul(source: SourceModel, operator: SourceOperator) -> Step:
    """BATCH_MATMUL of two activations, either of them transposed, one of them for all of a batch."""
    (first, other), written, options = operator.inputs, operator.outputs[0], operator.options
    for tensor in (first, other, written):
        if source.dtype(tensor) != "int8" or source.constant(tensor) is not None:
            raise Unsupported(f"{source.dtype(tensor)} operands, or a constant one")
    a, b, made = source.shape(first), source.shape(other), source.shape(written)
    if min(len(a), len(b)) < 2:
        raise Unsupported(f"{list(a)} by {list(b)}")
    rows, depth = (a[-1], a[-2]) if options.adjX else (a[-2], a[-1])
    columns, b_depth = (b[-2], b[-1]) if options.adjY else (b[-1], b[-2])
    batches, a_batches, b_batches = math.prod(made[:-2]), math.prod(a[:-2]), math.prod(b[:-2])
    if depth != b_depth or made[-2:] != (rows, columns) or not {a_batches, b_batches} <= {1, batches} \
            or max(a_batches, b_batches) != batches:
        raise Unsupported(f"{list(a)} by {list(b)} to {list(made)}")
    factor = fixed_point(float(np.float32(source.scale(first)) * np.float32(source.scale(other))) / source.scale(written))
    return Step(operator.index, operator.name, "batch_matmul", (first, other), written, {
        "batches": batches, "rows": rows, "columns": columns, "depth": depth,
        "a_batch": rows * depth if a_batches > 1 else 0, "a_row": 1 if options.adjX else depth,
        "a_depth": rows if options.adjX else 1, "b_batch": columns * depth if b_batches > 1 else 0,
        "b_column": depth if options.adjY else 1, "b_depth": 1 if options.adjY else columns,
        "a_zero": source.zero_point(first), "b_zero": source.zero_point(other), "out_zero": source.zero_point(written),
        "multiplier": factor.multiplier, "shift": factor.shift}, macs=batches * rows * columns * depth)
