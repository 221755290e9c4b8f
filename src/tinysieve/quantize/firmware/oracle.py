"""What the outputs must be: TFLM's where it is installed, else LiteRT's reference kernels; and which of the two it was."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import NDArray

from tinysieve.ground.errors import MissingRequirement
from tinysieve.quantize.tflm.interpreter_child import LITERT, TFLM, outputs_apart


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
        return Expected(outputs_apart(TFLM, model, [codes])[0], "TFLM")
    except MissingRequirement:
        return Expected(outputs_apart(LITERT, model, [codes])[0], f"{LITERT} (TFLM is not installed)")
