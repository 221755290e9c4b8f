"""A .tflite file made without a converter: an int8 image, a pointwise convolution, a mean; in milliseconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

INT8, INT32 = schema.TensorType.INT8, schema.TensorType.INT32


def packed(tree: Any) -> bytes:
    builder = flatbuffers.Builder(1024)
    builder.Finish(tree.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def tensor(name: str, shape: tuple[int, ...], dtype: int, buffer: int, scales: int = 1, axis: int = 0) -> Any:
    one = schema.TensorT()
    one.shape, one.type, one.buffer, one.name = np.array(shape, np.int32), dtype, buffer, name.encode()
    if dtype == INT8:
        one.quantization = schema.QuantizationParametersT()
        one.quantization.scale = np.full(scales, 0.5, np.float32)
        one.quantization.zeroPoint = np.zeros(scales, np.int64)
        one.quantization.quantizedDimension = axis
    return one


def operator(code: int, inputs: list[int], outputs: list[int], kind: int, options: Any) -> Any:
    one = schema.OperatorT()
    one.opcodeIndex, one.inputs, one.outputs = code, np.array(inputs, np.int32), np.array(outputs, np.int32)
    one.builtinOptionsType, one.builtinOptions = kind, options
    return one


def code(builtin: int) -> Any:
    one = schema.OperatorCodeT()
    one.builtinCode = one.deprecatedBuiltinCode = builtin
    one.version = 2
    return one


def conv_options() -> Any:
    options = schema.Conv2DOptionsT()
    options.strideW = options.strideH = 1
    return options


def tiny_tree(side: int = 8, channels: int = 4, wide: int = 8) -> Any:
    """Input [1, side, side, channels] -> CONV_2D 1x1 to ``wide`` channels -> MEAN over the image -> [1, wide]."""
    rng = np.random.default_rng(0)
    tree, graph = schema.ModelT(), schema.SubGraphT()
    tree.version, tree.description = 3, b"tiny"
    data = [None, rng.integers(-9, 9, wide * channels).astype(np.int8).view(np.uint8),
            np.arange(wide, dtype=np.int32).view(np.uint8), np.array([1, 2], np.int32).view(np.uint8)]
    tree.buffers = [schema.BufferT(data=one) for one in data]
    graph.tensors = [
        tensor("image", (1, side, side, channels), INT8, 0), tensor("filters", (wide, 1, 1, channels), INT8, 1, wide),
        tensor("bias", (wide,), INT32, 2), tensor("conv", (1, side, side, wide), INT8, 0),
        tensor("axes", (2,), INT32, 3), tensor("mean", (1, wide), INT8, 0)]
    graph.inputs, graph.outputs = np.array([0], np.int32), np.array([5], np.int32)
    graph.operators = [
        operator(0, [0, 1, 2], [3], schema.BuiltinOptions.Conv2DOptions, conv_options()),
        operator(1, [3, 4], [5], schema.BuiltinOptions.ReducerOptions, schema.ReducerOptionsT())]
    tree.operatorCodes = [code(schema.BuiltinOperator.CONV_2D), code(schema.BuiltinOperator.MEAN)]
    tree.subgraphs = [graph]
    return tree


def tiny_model(change: Callable[[Any], None] = lambda tree: None, **size: int) -> bytes:
    """The tiny model as a file, after ``change`` of its tree."""
    tree = tiny_tree(**size)
    change(tree)
    return packed(tree)
