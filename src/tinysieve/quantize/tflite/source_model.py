"""The .tflite file as the code generator needs it: shapes, quantization, options and constants by tensor index."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinysieve.ground.errors import InputError
from tinysieve.quantize.tflite.graph import TYPE_NAMES, load_model, operator_name
from tinysieve.quantize.tflite.io_contract import CODE_RANGES
from tinysieve.quantize.tflite.packing import pack_model

STORED = {"int8": np.int8, "uint8": np.uint8, "int16": np.int16, "int32": np.int32, "int64": np.int64,
          "float32": np.float32, "bool": np.bool_}


@dataclass(frozen=True)
class SourceOperator:
    """One operator of the file; ``inputs`` may hold -1 for one that is left out."""

    index: int
    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Any


class SourceModel:
    """The first subgraph of a .tflite file, read once.

    Raises:
        InputError: not a readable .tflite file, or an operator names a tensor that is not there.
    """

    def __init__(self, model: bytes) -> None:
        self._tree = load_model(model)
        self._graph = self._tree.subgraphs[0]
        self.inputs = tuple(int(n) for n in self._graph.inputs)
        self.outputs = tuple(int(n) for n in self._graph.outputs)

    @cached_property
    def operators(self) -> tuple[SourceOperator, ...]:
        """All operators in the order of the file."""
        return tuple(self._operator(index, operator) for index, operator in enumerate(self._graph.operators or []))

    def _operator(self, index: int, operator: Any) -> SourceOperator:
        inputs, outputs = (tuple(map(int, () if n is None else n)) for n in (operator.inputs, operator.outputs))
        tensors = len(self._graph.tensors)
        if any(n >= tensors or n < -1 for n in inputs) or any(n >= tensors or n < 0 for n in outputs):
            raise InputError(f"operator {index} names a tensor outside 0..{tensors - 1}",
                             why="the file is damaged", fix="convert it again")
        return SourceOperator(index, operator_name(self._tree, operator), inputs, outputs, operator.builtinOptions)

    def alone(self, operator: SourceOperator, values: int) -> tuple[bytes, tuple[int, ...]]:
        """A model of this operator only, its activations with so many values each; and their shape."""
        used = sorted({n for n in (*operator.inputs, *operator.outputs) if n >= 0})
        number = {-1: -1, **{old: new for new, old in enumerate(used)}}
        shape = (1,) * (max(2, *(len(self.shape(n)) for n in used)) - 1) + (values,)
        tree, graph, item = (copy.copy(part) for part in (self._tree, self._graph, self._graph.operators[operator.index]))
        graph.tensors = [copy.copy(self._graph.tensors[n]) for n in used]
        for old, tensor in zip(used, graph.tensors, strict=True):
            if self.constant(old) is None:
                tensor.shape, tensor.shapeSignature = np.array(shape, np.int32), None
        item.inputs = np.array([number[n] for n in operator.inputs], np.int32)
        item.outputs = np.array([number[n] for n in operator.outputs], np.int32)
        graph.inputs = np.array([number[n] for n in operator.inputs if n >= 0 and self.constant(n) is None], np.int32)
        graph.operators, graph.outputs = [item], item.outputs
        tree.subgraphs, tree.metadata, tree.signatureDefs = [graph], None, None
        return pack_model(tree), shape

    def shape(self, tensor: int) -> tuple[int, ...]:
        """Lengths as stored; () for a scalar."""
        stored = self._graph.tensors[tensor].shape
        return () if stored is None else tuple(int(n) for n in stored)

    def dtype(self, tensor: int) -> str:
        """Type in lower case, such as ``int8``."""
        return TYPE_NAMES.get(self._graph.tensors[tensor].type, "unknown").lower()

    def size_bytes(self, tensor: int) -> int:
        """Bytes of the whole tensor; 0 for a type without a size that the generator knows."""
        stored = STORED.get(self.dtype(tensor))
        return 0 if stored is None else math.prod(self.shape(tensor)) * np.dtype(stored).itemsize

    def scales(self, tensor: int) -> NDArray[np.float32]:
        """Scale per channel, or one of the whole tensor; empty without quantization."""
        stored = getattr(self._graph.tensors[tensor].quantization, "scale", None)
        return np.asarray([] if stored is None else stored, np.float32)

    def zero_points(self, tensor: int) -> NDArray[np.int64]:
        """Zero point per channel, or one; zeros where the file has scales only."""
        stored = getattr(self._graph.tensors[tensor].quantization, "zeroPoint", None)
        if stored is None or not len(stored):
            return np.zeros(len(self.scales(tensor)), np.int64)
        return np.asarray(stored, np.int64)

    def scale(self, tensor: int) -> float:
        """The one scale of a tensor.

        Raises:
            InputError: it has none, or several.
        """
        scales = self.scales(tensor)
        if len(scales) != 1 or not 0 < scales[0] < np.inf:
            raise InputError(f"tensor {tensor} has {len(scales)} positive scales, not one",
                             why="an activation of an int8 model is quantized as a whole", fix="convert to full-integer int8")
        return float(scales[0])

    def zero_point(self, tensor: int) -> int:
        """The one zero point of a tensor.

        Raises:
            InputError: it is no code of the tensor's type.
        """
        code = int(self.zero_points(tensor)[0]) if len(self.zero_points(tensor)) else 0
        low, high = CODE_RANGES.get(self.dtype(tensor), (code, code))
        if not low <= code <= high:
            raise InputError(f"tensor {tensor} has zero point {code} outside {low}..{high}",
                             why="it is no code of its type", fix="convert it again")
        return code

    def same_quantization(self, tensor: int, other: int) -> bool:
        """True where codes of both tensors mean the same values."""
        return (self.dtype(tensor) == self.dtype(other) and np.array_equal(self.scales(tensor), self.scales(other))
                and np.array_equal(self.zero_points(tensor), self.zero_points(other)))

    def constant(self, tensor: int) -> NDArray | None:
        """Values that the file holds for a tensor; None for an activation.

        Raises:
            InputError: the stored bytes do not fill the shape.
        """
        if tensor < 0:
            return None
        info = self._graph.tensors[tensor]
        data = self._tree.buffers[info.buffer].data if 0 <= info.buffer < len(self._tree.buffers) else None
        stored = STORED.get(self.dtype(tensor))
        if data is None or not len(data) or stored is None:
            return None
        values = np.frombuffer(np.asarray(data, np.uint8).tobytes(), np.dtype(stored).newbyteorder("<"))
        if values.size != math.prod(self.shape(tensor)):
            raise InputError(f"tensor {tensor} holds {values.size} values for shape {list(self.shape(tensor))}",
                             why="the file is damaged or packs its weights", fix="convert it again to int8")
        return values.reshape(self.shape(tensor))
