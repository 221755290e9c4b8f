"""Float input and output around an int8 model, taken off: a camera gives codes, and a board should not divide for nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinysieve.ground.errors import InputError
from tinysieve.quantize.passes.equality import DifferentOutputs, check_inputs
from tinysieve.quantize.tflite.graph import TensorInfo, read_graph
from tinysieve.quantize.tflite.model_tree import ModelTree, PassResult
from tinysieve.quantize.tflm.interpreter_child import LITERT, outputs_apart

_CODES = ("int8", "uint8")


def strip_float_border(model: bytes) -> PassResult:
    """The same model from codes to codes: QUANTIZE behind the input and DEQUANTIZE before the output are gone.

    Checked: for input codes and the values that they stand for, both models give the same output values.

    Raises:
        InputError: there is nothing to take off, or LiteRT does not run the model.
        DifferentOutputs: the result would not be exact.
    """
    tree = ModelTree(model)
    if tree.refusal():
        raise InputError(f"its float border stays: {tree.refusal()}", fix="convert it to full-integer int8")
    entered, left = _entries(tree), _exits(tree)
    if not entered and not left:
        raise InputError("there is no float border to take off", why="no input is only quantized, no output only dequantized",
                         fix="leave --strip-float-io out")
    gone = [*entered.values(), *left.values()]
    tree.graph.inputs = np.array([_output(entered.get(int(n)), n) for n in tree.graph.inputs], np.int32)
    tree.graph.outputs = np.array([_input(left.get(int(n)), n) for n in tree.graph.outputs], np.int32)
    tree.graph.operators = [operator for operator in tree.operators if not any(operator is other for other in gone)]
    tree.tree.signatureDefs = None
    stripped = tree.bytes()
    _require_same_values(model, stripped)
    return PassResult(stripped, (f"{len(entered)} QUANTIZE at the input and {len(left)} DEQUANTIZE at the output are gone",))


def _entries(tree: ModelTree) -> dict[int, Any]:
    """The QUANTIZE behind each float input that nothing else reads."""
    readers = tree.consumers()
    entries = {}
    for tensor in map(int, tree.graph.inputs):
        if tree.dtype(tensor) == "float32" and len(readers[tensor]) == 1:
            operator = tree.operators[readers[tensor][0]]
            if tree.name(operator) == "QUANTIZE" and tree.dtype(tree.outputs(operator)[0]) in _CODES:
                entries[tensor] = operator
    return entries


def _exits(tree: ModelTree) -> dict[int, Any]:
    """The DEQUANTIZE that writes each float output."""
    return {tree.outputs(operator)[0]: operator for operator in tree.operators
            if tree.name(operator) == "DEQUANTIZE" and tree.outputs(operator)[0] in set(map(int, tree.graph.outputs))
            and tree.dtype(tree.inputs(operator)[0]) in _CODES}


def _output(operator: Any, otherwise: int) -> int:
    return int(otherwise) if operator is None else int(operator.outputs[0])


def _input(operator: Any, otherwise: int) -> int:
    return int(otherwise) if operator is None else int(operator.inputs[0])


def _require_same_values(original: bytes, stripped: bytes) -> None:
    before, after = read_graph(original), read_graph(stripped)
    codes = [check_inputs(info, np.random.default_rng(0)) for info in after.inputs]
    values = [given if first.dtype == second.dtype else _values(given, second)
              for given, first, second in zip(codes, before.inputs, after.inputs, strict=True)]
    expected, answers = outputs_apart(LITERT, original, values), outputs_apart(LITERT, stripped, codes)
    for wanted, given, first, second in zip(expected, answers, before.outputs, after.outputs, strict=True):
        if not np.array_equal(wanted, given if first.dtype == second.dtype else _values(given, second)):
            raise DifferentOutputs("without its float border the model gives other values", why="the border is not exact",
                                   fix="keep the original, or convert it again with int8 input and output")


def _values(codes: NDArray, info: TensorInfo) -> NDArray[np.float32]:
    """What codes stand for, in float32 arithmetic as DEQUANTIZE does it."""
    return ((codes.astype(np.int32) - (info.zero_point or 0)) * np.float32(info.scale or 0.0)).astype(np.float32)
