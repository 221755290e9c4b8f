"""What must hold of a .tflite file before anything else looks at it: a file from outside may say anything.

Every number of the file is compared with what is there before it is used as an index, a length or a size. A file
that fails is refused in words, so that the rest of the program may index tensors and buffers without asking.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tinysieve.ground.errors import InputError
from tinysieve.quantize.tflite.tensor_types import TYPE_NAMES, values_bytes

LARGEST_TENSOR_BYTES = 2**31 - 1
LARGEST_ACTIVATION_BYTES = 2**28  # sixteen times the external RAM that any board here has; interpreters would fill it for minutes
TABLE_BYTES = 4  # what a table takes at least: its place in the vector that names it
CUSTOM = 32  # the schema's number of an operator that is not its own
SLIDING = frozenset({1, 3, 4, 12, 17, 67})  # pools and convolutions, by the schema's numbers: their options say how they slide
PLAN_NAME = b"OfflineMemoryAllocation"  # metadata with the offsets at which TFLM shall put the activations
MOST_AXES = 16
MOST_PARTS = 10_000  # tensors or operators of one graph: memory planning takes the square of it
LISTED_SHARE = 8  # vectors of indices and shapes may be shared too
STRING_SHARE = 8  # strings may be shared, so all that are read may be longer than the file, but not endlessly


class MeteredBytes(bytearray):
    """The file, refusing to hand out many times its own size in strings (a million names may share one text)."""

    def __init__(self, model: bytes) -> None:
        super().__init__(model)
        self._left = STRING_SHARE * len(model)

    def __getitem__(self, key: Any) -> Any:
        taken = super().__getitem__(key)
        if isinstance(key, slice):
            self._left -= len(taken)
            if self._left < 0:
                raise _damaged("its strings are together longer than the file can hold")
        return taken


def check_tables(model: Any, file_bytes: int) -> None:
    """Refuse a file that names more tables than it has room for, before one of them is read.

    Args:
        model: the generated schema's ``Model``, which reads only what it is asked for.
        file_bytes: size of the file.

    Raises:
        InputError: says how many tables are named.
    """
    seen = 0
    for tables in _table_counts(model):
        seen += tables
        if seen * TABLE_BYTES > file_bytes:
            raise _damaged(f"it names at least {seen:,} parts, more than {file_bytes:,} bytes can hold")


def _table_counts(model: Any) -> Iterator[int]:
    """Lengths of all vectors of tables, the outer before the inner ones."""
    yield model.OperatorCodesLength() + model.SubgraphsLength() + model.BuffersLength() + model.MetadataLength()
    yield model.SignatureDefsLength() + model.ExternalBufferGroupsLength() + model.ExternalBuffersLength()
    for signature in map(model.SignatureDefs, range(model.SignatureDefsLength())):
        yield signature.InputsLength() + signature.OutputsLength()
    for graph in map(model.Subgraphs, range(model.SubgraphsLength())):
        yield graph.TensorsLength() + graph.OperatorsLength()
        for tensor in map(graph.Tensors, range(graph.TensorsLength())):
            sparsity = tensor.Sparsity()
            yield tensor.VariantTensorsLength() + (0 if sparsity is None else sparsity.DimMetadataLength())


def check_tree(tree: Any, file_bytes: int) -> None:
    """Refuse an object tree (``ModelT``) whose indices, shapes or sizes point at nothing.

    Args:
        tree: what the generated schema made of the file.
        file_bytes: size of the file.

    Raises:
        InputError: names the first part that is wrong.
    """
    codes, buffers = tree.operatorCodes or (), tree.buffers or ()
    # Weights of files over 2 GiB lie outside the flatbuffer; no microcontroller's model is one.
    if tree.externalBuffers:
        raise _damaged("its weights lie in other files")
    for buffer in buffers:
        if buffer.offset > 1 or buffer.size > 1:
            raise _damaged(f"a buffer of {buffer.size} bytes lies outside the flatbuffer, at {buffer.offset}")
    if (listed := sum(map(_listed, tree.subgraphs))) * TABLE_BYTES > LISTED_SHARE * file_bytes:
        raise _damaged(f"its shapes and lists of tensors have {listed:,} entries, more than the file can hold")
    for number, graph in enumerate(tree.subgraphs):
        _check_graph(graph, codes, buffers, f"subgraph {number}")
    for number, item in enumerate(tree.metadata or ()):
        if not 0 <= item.buffer < len(buffers):
            raise _damaged(f"metadata {number} uses buffer {item.buffer} of {len(buffers)}")
        if item.name == PLAN_NAME and (buffers[item.buffer].data is None or len(buffers[item.buffer].data) % 4):
            raise _damaged("its memory plan is no list of 32-bit numbers")
    for number, signature in enumerate(tree.signatureDefs or ()):
        _check_signature(signature, tree.subgraphs, f"signature {number}")


def _listed(graph: Any) -> int:
    vectors = [graph.inputs, graph.outputs]
    vectors += [vector for tensor in graph.tensors or () for vector in (tensor.shape, tensor.shapeSignature)]
    vectors += [vector for operator in graph.operators or ()
                for vector in (operator.inputs, operator.outputs, operator.intermediates)]
    return sum(len(vector) for vector in vectors if vector is not None)


def _check_graph(graph: Any, codes: Any, buffers: Any, where: str) -> None:
    count, operators = len(graph.tensors or ()), graph.operators or ()
    if not count or graph.outputs is None:
        raise _damaged(f"{where} holds {'no outputs' if count else 'no tensors'}")
    if max(count, len(operators)) > MOST_PARTS:
        raise InputError(f"{where} has {count:,} tensors and {len(operators):,} operators", fix="give a smaller model",
                         why=f"models of up to {MOST_PARTS:,} are read; a microcontroller's has some hundred")
    for index, tensor in enumerate(graph.tensors):
        _check_tensor(tensor, buffers, f"tensor {index} of {where}")
    for role, indices in (("inputs", graph.inputs), ("outputs", graph.outputs)):
        _check_indices(indices, 0, count, f"{role} of {where}")
    for index, operator in enumerate(operators):
        _check_operator(operator, len(codes), count, f"operator {index} of {where}")
        if _kind(codes[operator.opcodeIndex]) in SLIDING:
            _check_strides(operator.builtinOptions, f"operator {index} of {where}")
    custom = {index for index, operator in enumerate(operators) if _is_custom(codes[operator.opcodeIndex])}
    _check_order(graph, operators, buffers, custom, where)


def _check_order(graph: Any, operators: Any, buffers: Any, custom: set[int], where: str) -> None:
    """Nothing is read before it is written: a graph that runs in circles would keep who follows it busy for ever.

    A custom operator may name memory to work in, which nothing ever writes.
    """
    known = set(() if graph.inputs is None else graph.inputs)
    known |= {index for index, tensor in enumerate(graph.tensors) if tensor.isVariable or not _is_computed(tensor, buffers)}
    written = {index for operator in operators for index in (() if operator.outputs is None else operator.outputs)}
    for index, operator in enumerate(operators):
        for read in () if operator.inputs is None else operator.inputs:
            if read >= 0 and read not in known and not (index in custom and read not in written):
                raise _damaged(f"operator {index} of {where} reads tensor {read} before anything writes it")
        known |= set(() if operator.outputs is None else operator.outputs)


def _kind(code: Any) -> int:
    return int(max(code.builtinCode, code.deprecatedBuiltinCode))


def _is_custom(code: Any) -> bool:
    return _kind(code) == CUSTOM


def _check_strides(options: Any, where: str) -> None:
    if min(getattr(options, "strideH", 0), getattr(options, "strideW", 0)) < 1:
        raise _damaged(f"{where} slides over its input and has no strides")


def _is_computed(tensor: Any, buffers: Any) -> bool:
    """Whether the file does not hold the values; it holds those of a tensor without values, too."""
    data = buffers[tensor.buffer].data
    empty = tensor.shape is not None and any(length == 0 for length in tensor.shape)
    return (data is None or not len(data)) and not empty


def _check_signature(signature: Any, graphs: Any, where: str) -> None:
    if not 0 <= signature.subgraphIndex < len(graphs):
        raise _damaged(f"{where} is of subgraph {signature.subgraphIndex} of {len(graphs)}")
    count = len(graphs[signature.subgraphIndex].tensors)
    for role in ("inputs", "outputs"):
        _check_indices([entry.tensorIndex for entry in getattr(signature, role) or ()], 0, count, f"{role} of {where}")


def _check_tensor(tensor: Any, buffers: Any, where: str) -> None:
    if tensor.type not in TYPE_NAMES:
        raise _damaged(f"{where} has the unknown type {tensor.type}")
    axes = 0 if tensor.shape is None else len(tensor.shape)
    if axes > MOST_AXES:
        raise _damaged(f"{where} has {axes:,} axes")
    shape = [] if tensor.shape is None else [int(length) for length in tensor.shape]
    if any(length < 0 for length in shape):
        raise _damaged(f"{where} has the shape {shape}")
    if not 0 <= tensor.buffer < len(buffers):
        raise _damaged(f"{where} uses buffer {tensor.buffer} of {len(buffers)}")
    wanted = values_bytes(shape, TYPE_NAMES[tensor.type])
    if wanted > LARGEST_TENSOR_BYTES:
        raise _damaged(f"{where} of shape {shape} would take {wanted:,} bytes")
    data = buffers[tensor.buffer].data
    if (data is None or not len(data)) and wanted > LARGEST_ACTIVATION_BYTES:
        raise _damaged(f"{where} of shape {shape} would take {wanted:,} bytes of memory")
    if data is not None and 0 < len(data) < wanted and tensor.sparsity is None:
        raise _damaged(f"{where} of shape {shape} takes {wanted:,} bytes, its buffer holds {len(data):,}")


def _check_operator(operator: Any, codes: int, tensors: int, where: str) -> None:
    if not 0 <= operator.opcodeIndex < codes:
        raise _damaged(f"{where} has the kind {operator.opcodeIndex} of {codes}")
    _check_indices(operator.inputs, -1, tensors, f"inputs of {where}")
    for role in ("outputs", "intermediates"):
        _check_indices(getattr(operator, role), 0, tensors, f"{role} of {where}")


def _check_indices(indices: Iterable[int] | None, lowest: int, end: int, where: str) -> None:
    for index in () if indices is None else indices:
        if not lowest <= index < end:
            raise _damaged(f"{where} name tensor {index} of {end}")


def _damaged(what: str) -> InputError:
    return InputError(f"damaged .tflite file: {what}", why="the model cannot be read",
                      fix="copy or convert the file again")
