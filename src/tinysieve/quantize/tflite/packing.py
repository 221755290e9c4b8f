"""The one way back from an object tree to the bytes of a .tflite: equal vectors and tables are written once.

The generated ``Pack`` writes each vector again where it occurs. A quantized model repeats itself: the zero points of all
filters with as many channels are the same zeros (8 B each), and so are shapes, options and scales of copied operators.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import flatbuffers
import numpy as np
from numpy.typing import NDArray

from tinysieve.quantize.tflite.graph import FILE_IDENTIFIER

# What the schema demands of a buffer's data ("force_align: 16"); generated Python code does not see to it.
DATA_ALIGNMENT = 16


class _OnceBuilder(flatbuffers.Builder):
    """Gives the offset of the first equal vector or table instead of writing it again."""

    def __init__(self) -> None:
        super().__init__(1 << 16)
        self.head: int = self.head
        self.written: dict[Any, int] = {}

    def once(self, key: Any, write: Callable[[], int]) -> int:
        if key not in self.written:
            self.written[key] = write()
        return self.written[key]

    def CreateNumpyVector(self, x: NDArray) -> int:
        key = (x.dtype.str, x.tobytes())
        return self.once(key, lambda: self._vector(x))

    def _vector(self, x: NDArray) -> int:
        alignment = DATA_ALIGNMENT if x.dtype == np.uint8 else x.dtype.alignment
        payload = x.astype(x.dtype.newbyteorder("<"), copy=False).tobytes()
        self.StartVector(x.itemsize, x.size, alignment)
        self.head = self.head - len(payload)
        self.Bytes[self.head:self.head + len(payload)] = payload
        self.vectorNumElems = x.size
        return self.EndVector()


class _Once:
    """Stands for a table in the tree while it is packed."""

    def __init__(self, table: Any) -> None:
        self.table = table

    def Pack(self, builder: _OnceBuilder) -> int:
        return builder.once(_content(self.table), lambda: self.table.Pack(builder))


def pack_model(tree: Any) -> bytes:
    """The bytes of a .tflite with this content; the same bytes for equal trees.

    Vectors given as lists become arrays where the schema's type is plain, so that they are shared as well.
    """
    builder = _OnceBuilder()
    builder.Finish(_with_shared_tables(tree).Pack(builder), file_identifier=FILE_IDENTIFIER)
    return bytes(builder.Output())


def _with_shared_tables(tree: Any) -> Any:
    tree = copy.copy(tree)
    tree.subgraphs = [_subgraph(graph) for graph in tree.subgraphs]
    return tree


def _subgraph(graph: Any) -> Any:
    graph = copy.copy(graph)
    graph.tensors = [_replaced(tensor, "quantization", "shape") for tensor in graph.tensors]
    graph.operators = [_replaced(operator, "builtinOptions", "inputs", "outputs") for operator in graph.operators or []]
    return graph


def _replaced(item: Any, table: str, *vectors: str) -> Any:
    item = copy.copy(item)
    if getattr(item, table) is not None:
        setattr(item, table, _Once(getattr(item, table)))
    for name in vectors:
        value = getattr(item, name)
        if value is not None:
            setattr(item, name, np.asarray(value, np.int32))
    return item


def _content(value: Any) -> Any:
    """A hashable picture of a table: its type, fields and theirs."""
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.tobytes())
    if isinstance(value, (list, tuple)):
        return tuple(_content(item) for item in value)
    if hasattr(value, "__dict__"):
        return (type(value).__name__, *((name, _content(item)) for name, item in sorted(vars(value).items())))
    return value
