"""Questions to and edits of a model's object tree that every pass needs; nothing here knows what a pass is for."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from tinysieve.quantize.tflite.graph import TYPE_NAMES, load_model, operator_name
from tinysieve.quantize.tflite.packing import pack_model

CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")
ITEM_BYTES = {"int8": 1, "uint8": 1, "bool": 1, "int16": 2, "float16": 2, "int32": 4, "uint32": 4, "float32": 4,
              "int64": 8, "uint64": 8, "float64": 8}
BUFFER_OF_NOTHING = 0
# Where TFLM looks for offsets of the activations.
PLAN_METADATA = "OfflineMemoryAllocation"


@dataclass(frozen=True)
class PassResult:
    """What a pass made of a model: the new bytes and what it did or left alone, in words."""

    model: bytes
    notes: tuple[str, ...]


class ModelTree:
    """A model's first subgraph, opened for edits.

    Operators are addressed by position, tensors by index; edits of the lists make earlier positions void.
    """

    def __init__(self, model: bytes) -> None:
        """Raises InputError where the bytes are no .tflite."""
        self.tree = load_model(model)
        self.graph = self.tree.subgraphs[0]
        self.graph.operators = list(self.graph.operators or [])
        self.graph.tensors = list(self.graph.tensors)

    def bytes(self) -> bytes:
        """The model as a file, without the memory plan that it came with: that is void once tensors change."""
        self.forget_plan()
        return pack_model(self.tree)

    def forget_plan(self) -> None:
        """Take the memory plan out of the metadata."""
        kept = [item for item in self.tree.metadata or [] if metadata_name(item) != PLAN_METADATA]
        self.tree.metadata = kept or None

    def refusal(self) -> str:
        """Why no pass may touch this model; empty where it may."""
        if len(self.tree.subgraphs) > 1:
            return f"{len(self.tree.subgraphs)} subgraphs: only models with one are understood"
        if any(buffer.offset > 1 for buffer in self.tree.buffers):
            return "weights stored outside the flatbuffer are not understood"
        if any(tensor.isVariable for tensor in self.graph.tensors):
            return "variable tensors keep state between inferences: not understood"
        return ""

    @property
    def operators(self) -> list[Any]:
        """The operators in the order in which they run."""
        return self.graph.operators

    def name(self, operator: Any) -> str:
        """``CONV_2D`` and the like."""
        return operator_name(self.tree, operator)

    def shape(self, tensor: int) -> tuple[int, ...]:
        """Stored shape; empty for a scalar."""
        stored = self.graph.tensors[tensor].shape
        return () if stored is None else tuple(int(n) for n in stored)

    def dtype(self, tensor: int) -> str:
        """``int8`` and the like."""
        return TYPE_NAMES.get(self.graph.tensors[tensor].type, "UNKNOWN").lower()

    def bytes_of(self, tensor: int) -> int:
        """Bytes of the tensor's values at its stored shape."""
        return int(np.prod(self.shape(tensor), dtype=np.int64)) * ITEM_BYTES.get(self.dtype(tensor), 8)

    def constant(self, tensor: int) -> NDArray | None:
        """Values of a constant integer tensor in its shape, None for any other."""
        data = self.tree.buffers[self.graph.tensors[tensor].buffer].data
        dtype = self.dtype(tensor)
        if data is None or dtype not in ("int8", "int32", "int64"):
            return None
        values = np.frombuffer(np.asarray(data, np.uint8).tobytes(), dtype)
        shape = self.shape(tensor)
        return values.reshape(shape) if values.size == np.prod(shape, dtype=np.int64) else None

    def is_constant(self, tensor: int) -> bool:
        """Whether the tensor's values lie in the file."""
        data = self.tree.buffers[self.graph.tensors[tensor].buffer].data
        return data is not None and len(data) > 0

    def inputs(self, operator: Any) -> tuple[int, ...]:
        """Tensor indices, -1 for an optional input left out."""
        return () if operator.inputs is None else tuple(int(n) for n in operator.inputs)

    def outputs(self, operator: Any) -> tuple[int, ...]:
        """Tensor indices."""
        return () if operator.outputs is None else tuple(int(n) for n in operator.outputs)

    def activations(self, operator: Any) -> tuple[int, ...]:
        """Inputs that are computed, not constants."""
        return tuple(t for t in self.inputs(operator) if t >= 0 and not self.is_constant(t))

    def consumers(self) -> dict[int, list[int]]:
        """Positions of the operators that read each tensor."""
        readers: dict[int, list[int]] = defaultdict(list)
        for position, operator in enumerate(self.operators):
            for tensor in set(self.inputs(operator)) - {-1}:
                readers[tensor].append(position)
        return readers

    def ends(self) -> set[int]:
        """Inputs and outputs of the graph: tensors that a caller sees."""
        return {int(n) for n in self.graph.inputs} | {int(n) for n in self.graph.outputs}

    def same_quantization(self, tensor: int, other: int) -> bool:
        """Whether two tensors mean the same value by the same code."""
        first, second = (self.graph.tensors[index] for index in (tensor, other))
        if first.type != second.type:
            return False
        return _scales(first.quantization) == _scales(second.quantization)

    def add_tensor(self, like: int, shape: Iterable[int]) -> int:
        """A new computed tensor with type and quantization of ``like``."""
        tensor = copy.copy(self.graph.tensors[like])
        tensor.shape, tensor.shapeSignature = np.array(list(shape), np.int32), None
        tensor.buffer, tensor.name = BUFFER_OF_NOTHING, None
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def add_constant(self, values: NDArray[np.int32]) -> int:
        """A constant int32 tensor; equal ones are one."""
        payload = np.frombuffer(values.astype("<i4").tobytes(), np.uint8)
        for index, tensor in enumerate(self.graph.tensors):
            if tensor.type == schema.TensorType.INT32 and tensor.quantization is None and \
                    self.shape(index) == values.shape:
                data = self.tree.buffers[tensor.buffer].data
                if data is not None and np.array_equal(data, payload):
                    return index
        self.tree.buffers.append(schema.BufferT(data=payload))
        self.graph.tensors.append(schema.TensorT(
            shape=np.array(values.shape, np.int32), type=schema.TensorType.INT32, buffer=len(self.tree.buffers) - 1,
            hasRank=True))
        return len(self.graph.tensors) - 1

    def new_operator(
        self, name: str, version: int, inputs: tuple[int, ...], output: int, options: Any = None
    ) -> Any:
        """An operator of a builtin kind, not yet in the list; ``options`` is its options table."""
        kind = type(options).__name__.removesuffix("T") if options is not None else "NONE"
        return schema.OperatorT(
            opcodeIndex=self._code(getattr(schema.BuiltinOperator, name), version),
            inputs=np.array(inputs, np.int32), outputs=np.array([output], np.int32),
            builtinOptionsType=getattr(schema.BuiltinOptions, kind), builtinOptions=options)

    def _code(self, builtin: int, version: int) -> int:
        for index, code in enumerate(self.tree.operatorCodes):
            if max(code.builtinCode, code.deprecatedBuiltinCode) == builtin and code.version == version:
                return index
        # Codes up to 127 are written in the old 8-bit field too, as every converter does.
        self.tree.operatorCodes.append(schema.OperatorCodeT(
            deprecatedBuiltinCode=min(builtin, 127), builtinCode=builtin, version=version))
        return len(self.tree.operatorCodes) - 1

    def redirect(self, old: int, new: int) -> None:
        """Every reader of tensor ``old`` reads ``new``."""
        for operator in self.operators:
            if operator.inputs is not None:
                operator.inputs = np.where(np.asarray(operator.inputs) == old, new, operator.inputs).astype(np.int32)


def metadata_name(item: Any) -> str:
    """Name of an entry of a model's metadata."""
    return item.name.decode(errors="replace") if isinstance(item.name, bytes) else item.name or ""


def _scales(quantization: Any) -> Any:
    if quantization is None or quantization.scale is None:
        return None
    points = [] if quantization.zeroPoint is None else np.asarray(quantization.zeroPoint).tolist()
    return np.asarray(quantization.scale).tolist(), points
