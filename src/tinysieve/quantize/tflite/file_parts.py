"""What the bytes of a .tflite file are spent on: it says where a smaller file would come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tinysieve.quantize.tflite.graph import operator_name
from tinysieve.quantize.tflite.macs import FILTER_AXES

LENGTH_AND_END_BYTES = 5  # of a string: its length before it, a zero after it


@dataclass(frozen=True)
class FileParts:
    """Bytes of a file by purpose; they add up to the file.

    ``weights`` and ``biases`` are inputs 1 and 2 of convolutions and dense layers, ``other_constants`` every other
    buffer of a tensor (paddings, shapes); ``quantization`` scales, zero points, minima and maxima; ``names`` of
    tensors, signatures and subgraphs; ``metadata`` with its names and the file's description; ``structure`` the rest:
    tables, offsets, padding, and whatever lies behind the flatbuffer. What the file stores once counts once.
    """

    weights: int
    biases: int
    other_constants: int
    quantization: int
    names: int
    metadata: int
    structure: int


def file_parts(tree: Any, file_bytes: int) -> FileParts:
    """The parts of a file from its object tree (``tinysieve.quantize.tflite.graph.load_model``) and its size."""
    weights, biases, others = _constants(tree)
    tensors = [tensor for graph in tree.subgraphs for tensor in graph.tensors]
    quantization = _stored(vector for tensor in tensors if tensor.quantization is not None
                           for vector in _quantization_vectors(tensor.quantization))
    names = sum(map(_string_bytes, _names(tree)))
    described = [tree.description, *(entry.name for entry in tree.metadata or ())]
    metadata = _stored(_buffer(tree, entry.buffer) for entry in tree.metadata or ()) + sum(map(_string_bytes, described))
    parts = (weights, biases, others, quantization, names, metadata)
    # Strings that are stored once and named often count each time: then the rest would come out below nothing.
    return FileParts(*parts, structure=max(file_bytes - sum(parts), 0))


def _constants(tree: Any) -> tuple[int, int, int]:
    roles: dict[int, str] = {}
    for graph in tree.subgraphs:
        for operator in graph.operators or ():
            if operator_name(tree, operator) in FILTER_AXES and operator.inputs is not None:
                for index, role in zip(operator.inputs[1:3], ("weights", "biases"), strict=False):
                    if index >= 0:
                        roles.setdefault(graph.tensors[index].buffer, role)
        for tensor in graph.tensors:
            roles.setdefault(tensor.buffer, "others")
    weights, biases, others = (
        _stored(_buffer(tree, index) for index, role in roles.items() if role == wanted)
        for wanted in ("weights", "biases", "others"))
    return weights, biases, others


def _buffer(tree: Any, index: int) -> Any:
    return tree.buffers[index].data if 0 <= index < len(tree.buffers) else None


def _quantization_vectors(quantization: Any) -> Iterator[Any]:
    yield from (quantization.scale, quantization.zeroPoint, quantization.min, quantization.max)


def _stored(vectors: Iterable[Any]) -> int:
    """Bytes of numpy views into one file, each place of the file counted once."""
    places = {}
    for vector in vectors:
        if vector is not None and len(vector):
            places[vector.__array_interface__["data"][0]] = vector.nbytes
    return sum(places.values())


def _names(tree: Any) -> Iterator[bytes | None]:
    for graph in tree.subgraphs:
        yield graph.name
        yield from (tensor.name for tensor in graph.tensors)
    for signature in tree.signatureDefs or ():
        yield signature.signatureKey
        yield from (entry.name for entry in (*(signature.inputs or ()), *(signature.outputs or ())))


def _string_bytes(text: bytes | None) -> int:
    return 0 if text is None else len(text) + LENGTH_AND_END_BYTES
