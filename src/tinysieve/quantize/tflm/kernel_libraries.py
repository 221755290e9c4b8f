"""The kernels that a firmware links under TFLM, and the scratch memory that each library asks for in the arena."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from tinysieve.ground.errors import InputError
from tinysieve.quantize.tflm.cmsis_nn_scratch import dsp_scratch, mve_scratch, scalar_scratch
from tinysieve.quantize.tflm.esp_nn_scratch import esp32s3_scratch, esp_generic_scratch
from tinysieve.quantize.tflm.memory_plan import Lifetime
from tinysieve.quantize.tflm.windows import DEPTHWISE, Window

# TFLM gives scratch buffers their numbers after the tensors; its plan places the higher number first.
FIRST_SCRATCH = 2**30


@dataclass(frozen=True)
class KernelLibrary:
    """``scratch`` gives the bytes of each buffer that an operator asks for; ``cost`` is said where it is not the fastest."""

    name: str
    words: str
    scratch: Callable[[Window], tuple[int, ...]]
    cost: str = ""


def _none(_window: Window) -> tuple[int, ...]:
    return ()


def _esp_but_depthwise(window: Window) -> tuple[int, ...]:
    return () if window.name == DEPTHWISE else esp32s3_scratch(window)


REFERENCE = KernelLibrary("reference", "TFLM's reference kernels", _none,
                          "reference kernels run several times as long as a vendor's")
_LIBRARIES = (
    REFERENCE,
    KernelLibrary("cmsis-nn", "CMSIS-NN with DSP instructions", dsp_scratch),
    KernelLibrary("cmsis-nn-scalar", "CMSIS-NN without DSP instructions", scalar_scratch),
    KernelLibrary("cmsis-nn-mve", "CMSIS-NN with Helium", mve_scratch),
    KernelLibrary("esp-nn-esp32s3", "ESP-NN", esp32s3_scratch),
    KernelLibrary("esp-nn-esp32s3-convolutions", "ESP-NN, depthwise convolutions by TFLM's reference kernel",
                  _esp_but_depthwise,
                  "depthwise convolutions take 4.5 to 6.3 times as many ticks without ESP-NN (its README, ESP32-S3)"),
    KernelLibrary("esp-nn-ansi", "ESP-NN off (CONFIG_NN_ANSI_C)", _none,
                  "convolutions take 5.6 to 14.2, depthwise ones 4.5 to 6.3 times as many ticks as with ESP-NN (its README, "
                  "ESP32-S3)"),
    KernelLibrary("esp-nn-generic", "ESP-NN without vector instructions", esp_generic_scratch),
)
KERNEL_LIBRARIES: Mapping[str, KernelLibrary] = {library.name: library for library in _LIBRARIES}


def kernel_library(name: str) -> KernelLibrary:
    """The library of that name.

    Raises:
        InputError: there is none; lists all.
    """
    if name not in KERNEL_LIBRARIES:
        raise InputError(f"no kernel library {name!r}", fix=f"give one of {', '.join(KERNEL_LIBRARIES)}")
    return KERNEL_LIBRARIES[name]


def library_scratch(windows: Iterable[Window], library: KernelLibrary) -> tuple[Lifetime, ...]:
    """The buffers that a library asks for beside the tensors, each during its operator."""
    asked = ((window.operator, size) for window in windows for size in library.scratch(window))
    return tuple(Lifetime(FIRST_SCRATCH + number, size, operator, operator) for number, (operator, size) in enumerate(asked))
