"""Flash is the file and the code that runs it; how much code depends on the kernels, which the file cannot say."""

from __future__ import annotations

from dataclasses import dataclass

TFLM_CODE_BYTES = 99_000
REFERENCE_CODE_BYTES = 55_000
TFLM_CODE_BASIS = "TFLM with CMSIS-NN on a Cortex-M4: 92-99 kB in seven builds, the largest taken (assumed)"


@dataclass(frozen=True)
class RuntimeCode:
    """Code that a kernel library adds to the model file in flash: an assumption with its basis."""

    kernels: str
    code_bytes: int
    basis: str


RUNTIME_CODES = (
    RuntimeCode("TFLM, reference kernels", REFERENCE_CODE_BYTES,
                "TFLM with reference kernels on a Cortex-M4: 54-55 kB in seven builds, the largest taken (assumed)"),
    RuntimeCode("TFLM, CMSIS-NN", TFLM_CODE_BYTES, TFLM_CODE_BASIS),
)
