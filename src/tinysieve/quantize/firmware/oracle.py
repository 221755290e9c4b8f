"""What the outputs must be: TFLM's where it runs the model, else LiteRT's reference kernels; and which of the two it was."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import NDArray

from tinysieve.ground.errors import InputError, MissingRequirement
from tinysieve.quantize.tflm.interpreter_child import LITERT, TFLM, outputs_apart


@dataclass(frozen=True)
class Expected:
    """Codes [N, ...] of every output and the interpreter that gave them."""

    outputs: tuple[NDArray, ...]
    by: str

    @property
    def rows(self) -> list[bytes]:
        """For each input the bytes of all outputs, one output after the other."""
        return [b"".join(codes.tobytes() for codes in row) for row in zip(*self.outputs, strict=True)]


def expected_outputs(model: bytes, codes: NDArray) -> Expected:
    """Outputs of a model for input codes [N, ...].

    Raises:
        InputError: neither interpreter can run the model.
    """
    try:
        return Expected(tuple(outputs_apart(TFLM, model, [codes])), "TFLM")
    except MissingRequirement:
        reason = "TFLM is not installed"
    except InputError as error:
        # Generated C takes operators that TFLM lacks, such as TILE.
        reason = error.what
    return Expected(tuple(outputs_apart(LITERT, model, [codes])), f"{LITERT} ({reason})")
