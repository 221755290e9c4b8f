"""Golden outputs of layers: what tells which one computes something else first. Kept as checksums, 4 B a layer and vector."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinysieve.ground.errors import InputError
from tinysieve.quantize.firmware.oracle import expected_outputs
from tinysieve.quantize.tflite.graph import load_model
from tinysieve.quantize.tflite.io_contract import CODE_RANGES
from tinysieve.quantize.tflite.packing import pack_model
from tinysieve.quantize.tflite.source_model import SourceModel, SourceOperator

# Outputs that stay alive to the end of one run: more would outgrow the arena that TFLM is given.
RUN_BYTES = 2**20
_FACTOR = np.uint32(16777619)
_NUMBERS = re.compile(r"(\d+)(?:-(\d+))?")


@dataclass(frozen=True)
class GoldenLayer:
    """An operator of the file, its output tensor, and the checksum of its codes for each golden vector."""

    operator: int
    name: str
    tensor: int
    size_bytes: int
    checksums: tuple[int, ...]


def chosen_operators(text: str) -> Callable[[int], bool]:
    """Which operators are meant by ``all``, ``none`` or numbers and ranges as ``inspect`` prints them.

    Raises:
        InputError: it is none of these.

    >>> [number for number in range(9) if chosen_operators("1, 4-6")(number)]
    [1, 4, 5, 6]
    """
    if text in ("all", "none"):
        return lambda _: text == "all"
    parts = [_NUMBERS.fullmatch(part.strip()) for part in text.split(",")]
    if any(part is None for part in parts):
        raise InputError(f"layers {text!r} are neither all, none nor numbers", fix="give numbers of operators, such as 0,17-20")
    ranges = [range(int(part[1]), int(part[2] or part[1]) + 1) for part in parts if part is not None]
    return lambda number: any(number in span for span in ranges)


def watched_operators(model: bytes, chosen: Callable[[int], bool]) -> tuple[int, ...]:
    """The chosen operators of a file that give 8-bit codes."""
    source = SourceModel(model)
    return tuple(operator.index for operator in source.operators if chosen(operator.index) and _gives_codes(source, operator))


def golden_layers(model: bytes, inputs: NDArray, operators: Sequence[int]) -> tuple[GoldenLayer, ...]:
    """What these operators must give for the input codes [N, ...], in the order asked for.

    Raises:
        InputError: no interpreter runs the model.
    """
    source = SourceModel(model)
    wanted = [source.operators[number] for number in operators]
    codes = dict[int, NDArray]()
    for tensors in _runs(source, wanted):
        answers = expected_outputs(_with_outputs(model, tensors), inputs).outputs
        codes |= {tensor: checksums(answer.reshape(len(inputs), -1)) for tensor, answer in zip(tensors, answers, strict=True)}
    return tuple(GoldenLayer(operator.index, f"{operator.name} #{operator.index}", operator.outputs[0],
                             source.size_bytes(operator.outputs[0]), tuple(map(int, codes[operator.outputs[0]])))
                 for operator in wanted)


def checksums(codes: NDArray) -> NDArray[np.uint32]:
    """One number a row of 8-bit codes [N, bytes], as ``ts_layers.c`` computes it: a polynomial modulo 2^32.

    >>> checksums(np.array([[0], [-1]], np.int8)).tolist(), checksums(np.array([[1, 2]], np.uint8)).tolist()
    ([1, 256], [33555241])
    """
    values = codes.view(np.uint8).astype(np.uint32) + np.uint32(1)
    powers = np.ones(values.shape[1], np.uint32)
    powers[1:] = _FACTOR
    powers = np.multiply.accumulate(powers, dtype=np.uint32)[::-1]
    return (values * powers).sum(axis=1, dtype=np.uint32)


def _gives_codes(source: SourceModel, operator: SourceOperator) -> bool:
    return len(operator.outputs) == 1 and source.dtype(operator.outputs[0]) in CODE_RANGES


def _runs(source: SourceModel, operators: Iterable[SourceOperator]) -> Iterator[list[int]]:
    """Their output tensors, each once, in groups of at most ``RUN_BYTES``."""
    group, held = list[int](), 0
    for tensor in dict.fromkeys(operator.outputs[0] for operator in operators):
        size = source.size_bytes(tensor)
        if group and held + size > RUN_BYTES:
            yield group
            group, held = [], 0
        group, held = [*group, tensor], held + size
    if group:
        yield group


def _with_outputs(model: bytes, tensors: Sequence[int]) -> bytes:
    """The model with these tensors for outputs. Its plan goes: what is kept to the end no longer fits into it."""
    tree = load_model(model)
    tree.subgraphs[0].outputs = np.array(tensors, np.int32)
    tree.metadata, tree.signatureDefs = None, None
    return pack_model(tree)
