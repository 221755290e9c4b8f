"""Operators that turn each int8 code into another, whatever its neighbours: a table of 256 codes.

Sigmoids, hard-swish and the like differ between kernel libraries in their last bit. So the table is not computed by a formula
of ours: the operator itself is run under TFLM on all 256 codes, and what it answers is the table.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tinysieve.ground.errors import InputError, MissingRequirement
from tinysieve.quantize.firmware.steps import Step
from tinysieve.quantize.firmware.unsupported import Unsupported
from tinysieve.quantize.tflite.source_model import SourceModel, SourceOperator
from tinysieve.quantize.tflm.interpreter_child import LITERT, TFLM, outputs_apart

CODES = 256


def lookup(source: SourceModel, operator: SourceOperator) -> Step:
    """An operator of one activation, with scalar constants at most."""
    activations = [tensor for tensor in operator.inputs if tensor >= 0 and source.constant(tensor) is None]
    if len(activations) != 1 or len(operator.outputs) != 1:
        raise Unsupported(f"{len(activations)} activations and {len(operator.outputs)} outputs")
    read, written = activations[0], operator.outputs[0]
    if {source.dtype(read), source.dtype(written)} != {"int8"}:
        raise Unsupported(f"{source.dtype(read)} to {source.dtype(written)}")
    if source.shape(read) != source.shape(written):
        raise Unsupported(f"{list(source.shape(read))} to {list(source.shape(written))}")
    return Step(operator.index, operator.name, "lookup", (read,), written, {"count": math.prod(source.shape(written))},
                in_place=True, tables={"table": _table(source, operator)})


def has_scalar_operand(source: SourceModel, operator: SourceOperator) -> bool:
    """Whether one operand is a constant of one value."""
    constants = [source.constant(tensor) for tensor in operator.inputs if tensor >= 0]
    return sum(values is not None and values.size == 1 for values in constants) == 1


def _table(source: SourceModel, operator: SourceOperator) -> NDArray[np.int8]:
    """The output code of every input code, by the input code as an unsigned byte."""
    model, shape = source.alone(operator, CODES)
    codes = np.arange(CODES, dtype=np.uint8).view(np.int8).reshape(1, *shape[1:])
    try:
        try:
            answers = outputs_apart(TFLM, model, [codes])
        except MissingRequirement:
            answers = outputs_apart(LITERT, model, [codes])
    except InputError as error:
        raise Unsupported(error.what) from error
    return answers[0].reshape(-1).astype(np.int8)
