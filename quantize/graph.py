"""A typed, read-only view of a .tflite file, so that everything else asks it and nobody parses bytes.

The parsing is done by the schema that the LiteRT package generates from TensorFlow's own.
"""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from dataset.errors import InputError

FILE_IDENTIFIER = b"TFL3"


def _names(enum: type) -> dict[int, str]:
    return {value: name for name, value in vars(enum).items() if isinstance(value, int)}


OPERATOR_NAMES = _names(schema.BuiltinOperator)
TYPE_NAMES = _names(schema.TensorType)


@dataclass(frozen=True)
class TensorInfo:
    """One tensor: ``shape`` as stored, ``dynamic_axes`` those the signature leaves open (-1)."""

    index: int
    name: str
    dtype: str
    shape: tuple[int, ...]
    dynamic_axes: tuple[int, ...]
    scale: float | None
    zero_point: int | None
    constant_bytes: int

    @property
    def layout(self) -> str:
        """``NHWC``, ``NCHW`` or ``other``: an image has 4 axes and its channel axis (1, 3 or 4) is the shortest."""
        if len(self.shape) != 4:
            return "other"
        _, second, third, last = self.shape
        if last in (1, 3, 4) and min(second, third) >= last:
            return "NHWC"
        return "NCHW" if second in (1, 3, 4) and min(third, last) >= second else "other"


@dataclass(frozen=True)
class Operator:
    """One operator: tensor indices (-1 for an optional input left out) and multiply-accumulates of one inference."""

    index: int
    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    macs: int


@dataclass(frozen=True)
class Graph:
    """The first subgraph of a model; sizes in bytes."""

    tensors: tuple[TensorInfo, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    subgraphs: int
    weights_bytes: int
    file_bytes: int

    @cached_property
    def operator_counts(self) -> dict[str, int]:
        """Operators by name, the most frequent first, equal counts by name."""
        counts = Counter(operator.name for operator in self.operators)
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    @cached_property
    def macs(self) -> int:
        """Multiply-accumulates of one inference (convolutions and dense layers; pooling and additions count none)."""
        return sum(operator.macs for operator in self.operators)


def load_model(model: bytes) -> Any:
    """The mutable object tree (``ModelT``) of a .tflite file, for passes that rewrite it.

    Raises:
        InputError: the bytes are not a .tflite file, or it is cut off.
    """
    if len(model) < 8 or model[4:8] != FILE_IDENTIFIER:
        raise InputError(
            f"not a .tflite file: bytes 4..8 are {bytes(model[4:8])!r}, not {FILE_IDENTIFIER!r}",
            why="the model cannot be read",
            fix="give a TensorFlow Lite flatbuffer",
        )
    try:
        tree = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(bytearray(model), 0))
    except (struct.error, ValueError, TypeError, IndexError, UnicodeDecodeError, AttributeError, MemoryError) as error:
        raise InputError(
            f"damaged .tflite file of {len(model)} bytes: {error}",
            why="the flatbuffer points outside itself",
            fix="copy or convert the file again",
        ) from error
    if not tree.subgraphs:
        raise InputError("the .tflite file holds no subgraph", why="there is nothing to run", fix="convert it again")
    return tree


def operator_name(tree: Any, operator: Any) -> str:
    """The builtin name of an operator, such as ``CONV_2D``; ``CUSTOM:name`` for a custom one."""
    code = tree.operatorCodes[operator.opcodeIndex]
    # Files older than 2020 keep the code in the deprecated 8-bit field only.
    name = OPERATOR_NAMES.get(max(code.builtinCode, code.deprecatedBuiltinCode), "UNKNOWN")
    return f"CUSTOM:{(code.customCode or b'').decode(errors='replace')}" if name == "CUSTOM" else name


def read_graph(model: bytes) -> Graph:
    """Inputs, outputs, operators, MACs and sizes of a .tflite file.

    Raises:
        InputError: not a .tflite file, or a damaged one.
    """
    tree = load_model(model)
    graph = tree.subgraphs[0]
    tensors = tuple(_tensor(tree, index, tensor) for index, tensor in enumerate(graph.tensors))
    operators = tuple(_operator(tree, index, item, tensors) for index, item in enumerate(graph.operators or []))
    used = {tensor.buffer for sub in tree.subgraphs for tensor in sub.tensors}
    return Graph(
        tensors=tensors,
        operators=operators,
        inputs=tuple(tensors[index] for index in graph.inputs),
        outputs=tuple(tensors[index] for index in graph.outputs),
        subgraphs=len(tree.subgraphs),
        weights_bytes=sum(_buffer_bytes(tree, index) for index in used),
        file_bytes=len(model),
    )


def _buffer_bytes(tree: Any, index: int) -> int:
    data = tree.buffers[index].data if index < len(tree.buffers) else None
    return 0 if data is None else len(data)


def _tensor(tree: Any, index: int, tensor: Any) -> TensorInfo:
    quantization = tensor.quantization
    scale = None if quantization is None else quantization.scale
    zero_point = None if quantization is None else quantization.zeroPoint
    one = scale is not None and len(scale) == 1
    signature = tensor.shapeSignature if tensor.shapeSignature is not None else ()
    return TensorInfo(
        index=index,
        name=(tensor.name or b"").decode(errors="replace"),
        dtype=TYPE_NAMES.get(tensor.type, "UNKNOWN").lower(),
        shape=() if tensor.shape is None else tuple(int(n) for n in tensor.shape),
        dynamic_axes=tuple(axis for axis, length in enumerate(signature) if length == -1),
        scale=float(scale[0]) if one and scale is not None else None,
        zero_point=int(zero_point[0]) if one and zero_point is not None and len(zero_point) else (0 if one else None),
        constant_bytes=_buffer_bytes(tree, tensor.buffer),
    )


def _operator(tree: Any, index: int, operator: Any, tensors: tuple[TensorInfo, ...]) -> Operator:
    name = operator_name(tree, operator)
    inputs = () if operator.inputs is None else tuple(int(n) for n in operator.inputs)
    outputs = () if operator.outputs is None else tuple(int(n) for n in operator.outputs)
    return Operator(index, name, inputs, outputs, _macs(name, inputs, outputs, tensors))


def _macs(name: str, inputs: tuple[int, ...], outputs: tuple[int, ...], tensors: tuple[TensorInfo, ...]) -> int:
    """Outputs times the multiplications behind each; filters are [out, kh, kw, in], depthwise [1, kh, kw, channels]."""
    if name not in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
        return 0
    filters, produced = tensors[inputs[1]].shape, int(np.prod(tensors[outputs[0]].shape))
    if name == "CONV_2D":
        return produced * int(np.prod(filters[1:]))
    return produced * (int(np.prod(filters[1:3])) if name == "DEPTHWISE_CONV_2D" else filters[-1])
