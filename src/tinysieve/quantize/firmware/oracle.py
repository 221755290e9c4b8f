"""What the outputs must be: TFLM's where it is installed, else LiteRT's reference kernels; and which of the two it was."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import NDArray

from tinysieve.ground.errors import MissingRequirement
from tinysieve.ground.progress import silent
from tinysieve.quantize.interpreters import open_interpreter, run_codes
from tinysieve.quantize.tflm import tflm_process


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
        interpreter = open_interpreter(model)
        return Expected(run_codes(interpreter, codes), "LiteRT reference kernels (TFLM is not installed)")


def _as_they_are(codes: NDArray) -> NDArray:
    return codes
