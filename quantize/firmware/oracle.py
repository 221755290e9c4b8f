"""What the outputs must be: TFLM's where it is installed, else LiteRT's reference kernels; and which of the two it was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataset.errors import MissingRequirement
from quantize import tflm_process
from quantize.interpreters import silent


@dataclass(frozen=True)
class Expected:
    """Output codes [N, ...] and the interpreter that gave them."""

    outputs: NDArray
    by: str


def expected_outputs(model: bytes, codes: NDArray) -> Expected:
    """Outputs of a model for input codes [N, ...].

    Raises:
        InputError: the interpreter cannot run the model.
    """
    try:
        return Expected(tflm_process.run(model, _as_they_are, codes, silent), "TFLM")
    except MissingRequirement:
        return Expected(_litert(model, codes), "LiteRT reference kernels (TFLM is not installed)")


def _as_they_are(codes: NDArray) -> NDArray:
    return codes


def _litert(model: bytes, codes: NDArray) -> NDArray:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(model_content=model, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    answers = []
    for code in codes:
        interpreter.set_tensor(source, code[None])
        interpreter.invoke()
        answers.append(interpreter.get_tensor(target))
    return np.concatenate(answers)
