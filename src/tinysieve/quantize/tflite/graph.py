"""A typed, read-only view of a .tflite file, so that everything else asks it and nobody parses bytes.

The parsing is done by the schema that the LiteRT package generates from TensorFlow's own.
"""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from tinysieve.ground.errors import InputError
from tinysieve.ground.escaping import one_line
from tinysieve.quantize.tflite.macs import operator_macs
from tinysieve.quantize.tflite.model_checks import MeteredBytes, check_tables, check_tree
from tinysieve.quantize.tflite.tensor_types import TYPE_NAMES, enum_names

FILE_IDENTIFIER = b"TFL3"
OPERATOR_NAMES = enum_names(schema.BuiltinOperator)



@dataclass(frozen=True)
class TensorInfo:
    """One tensor: ``shape`` as stored, ``dynamic_axes`` those the signature leaves open (-1).

    A ``variable`` keeps its values from one inference to the next.
    """

    index: int
    name: str
    dtype: str
    shape: tuple[int, ...]
    dynamic_axes: tuple[int, ...]
    scale: float | None
    zero_point: int | None
    constant_bytes: int
    variable: bool = False

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
        """Multiply-accumulates of one inference (convolutions, dense layers and LSTMs; pooling and additions count none)."""
        return sum(operator.macs for operator in self.operators)


def load_model(model: bytes) -> Any:
    """The mutable object tree (``ModelT``) of a .tflite file, for passes that rewrite it.

    Raises:
        InputError: the bytes are not a .tflite file, it is cut off, or an index or a size in it points at nothing.
    """
    if len(model) < 8 or model[4:8] != FILE_IDENTIFIER:
        raise InputError(
            f"not a .tflite file: bytes 4..8 are {bytes(model[4:8])!r}, not {FILE_IDENTIFIER!r}",
            why="the model cannot be read",
            fix="give a TensorFlow Lite flatbuffer",
        )
    try:
        root = schema.Model.GetRootAsModel(MeteredBytes(model), 0)
        check_tables(root, len(model))
        tree = schema.ModelT.InitFromObj(root)
    except (struct.error, ValueError, TypeError, IndexError, AttributeError, OverflowError, MemoryError) as error:
        raise InputError(
            f"damaged .tflite file of {len(model)} bytes: {error}",
            why="the flatbuffer points outside itself",
            fix="copy or convert the file again",
        ) from error
    if not tree.subgraphs:
        raise InputError("the .tflite file holds no subgraph", why="there is nothing to run", fix="convert it again")
    check_tree(tree, len(model))
    return tree


def operator_name(tree: Any, operator: Any) -> str:
    """The builtin name of an operator, such as ``CONV_2D``; ``CUSTOM:name`` for a custom one."""
    code = tree.operatorCodes[operator.opcodeIndex]
    # Files older than 2020 keep the code in the deprecated 8-bit field only.
    name = OPERATOR_NAMES.get(max(code.builtinCode, code.deprecatedBuiltinCode), "UNKNOWN")
    return f"CUSTOM:{one_line((code.customCode or b'').decode(errors='replace'))}" if name == "CUSTOM" else name


def read_graph(model: bytes) -> Graph:
    """Inputs, outputs, operators, MACs and sizes of a .tflite file.

    Raises:
        InputError: not a .tflite file, or a damaged one.
    """
    return graph_of(load_model(model), len(model))


def graph_of(tree: Any, file_bytes: int) -> Graph:
    """The first subgraph of an object tree that ``load_model`` gave (which has checked its indices).

    Raises:
        InputError: a convolution or dense layer has no filters.
    """
    graph = tree.subgraphs[0]
    tensors = tuple(_tensor(tree, index, tensor) for index, tensor in enumerate(graph.tensors))
    shapes = tuple(tensor.shape for tensor in tensors)
    operators = tuple(_operator(tree, index, item, shapes) for index, item in enumerate(graph.operators or []))
    used = {tensor.buffer for sub in tree.subgraphs for tensor in sub.tensors}
    return Graph(
        tensors=tensors,
        operators=operators,
        inputs=() if graph.inputs is None else tuple(tensors[index] for index in graph.inputs),
        outputs=tuple(tensors[index] for index in graph.outputs),
        subgraphs=len(tree.subgraphs),
        weights_bytes=sum(_buffer_bytes(tree, index) for index in used),
        file_bytes=file_bytes,
    )


def _buffer_bytes(tree: Any, index: int) -> int:
    data = tree.buffers[index].data
    return 0 if data is None else len(data)


def _tensor(tree: Any, index: int, tensor: Any) -> TensorInfo:
    quantization = tensor.quantization
    scale = None if quantization is None else quantization.scale
    zero_point = None if quantization is None else quantization.zeroPoint
    per_tensor = scale is not None and len(scale) == 1
    signature = tensor.shapeSignature if tensor.shapeSignature is not None else ()
    return TensorInfo(
        index=index,
        name=one_line((tensor.name or b"").decode(errors="replace")),
        dtype=TYPE_NAMES[tensor.type],
        shape=() if tensor.shape is None else tuple(int(n) for n in tensor.shape),
        dynamic_axes=tuple(axis for axis, length in enumerate(signature) if length == -1),
        scale=float(scale[0]) if per_tensor and scale is not None else None,
        zero_point=(int(zero_point[0]) if zero_point is not None and len(zero_point) else 0) if per_tensor else None,
        constant_bytes=_buffer_bytes(tree, tensor.buffer),
        variable=bool(tensor.isVariable),
    )


def _operator(tree: Any, index: int, operator: Any, shapes: tuple[tuple[int, ...], ...]) -> Operator:
    name = operator_name(tree, operator)
    inputs = () if operator.inputs is None else tuple(int(n) for n in operator.inputs)
    outputs = () if operator.outputs is None else tuple(int(n) for n in operator.outputs)
    return Operator(index, name, inputs, outputs, operator_macs(name, inputs, outputs, shapes))
