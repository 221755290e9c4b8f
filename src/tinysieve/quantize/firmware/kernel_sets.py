"""Which C files a program is compiled with: our own kernels, and convolutions from the installed bakenn package.

Nothing of bakenn is kept in this repository: its portable kernels are asked for by name, its CMSIS-NN sources are read
from the package, when a program is generated. The licences of both travel with them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from importlib.resources import files
from types import SimpleNamespace
from typing import Any

from tinysieve.ground.errors import InputError, MissingRequirement
from tinysieve.quantize.firmware.steps import Step

BAKENN = "1.0.0"
_OWN = ("ts_kernels.h", "ts_fixed_point.h", "ts_band.h", "ts_elementwise.c", "ts_layout.c", "ts_mean.c", "ts_pools.c",
        "ts_products.c", "ts_resize.c", "ts_softmax.c")
_WINDOWS = ("conv2d", "depthwise")
_WIDEST = 16  # rows and columns of a depthwise filter in ts_depthwise_dsp.c
_MOST_PRODUCTS = 2**14  # of a channel in ts_conv_dsp.c
_CMSIS = {
    "Include": ("arm_nn_math_types.h", "arm_nn_types.h", "arm_nnfunctions.h", "arm_nnsupportfunctions.h"),
    "Source/ConvolutionFunctions": (
        "arm_convolve_1x1_s8.c", "arm_convolve_1x1_s8_fast.c", "arm_convolve_s8.c", "arm_depthwise_conv_3x3_s8.c",
        "arm_depthwise_conv_s8.c", "arm_depthwise_conv_s8_opt.c", "arm_depthwise_conv_wrapper_s8.c",
        "arm_nn_mat_mult_kernel_s8_s16.c", "arm_nn_mat_mult_s8.c"),
    "Source/NNSupportFunctions": (
        "arm_nn_depthwise_conv_nt_t_padded_s8.c", "arm_nn_depthwise_conv_nt_t_s8.c", "arm_nn_mat_mul_core_1x_s8.c",
        "arm_nn_mat_mul_core_4x_s8.c", "arm_nn_mat_mult_nt_t_s8.c", "arm_q7_to_q15_with_offset.c"),
}


@dataclass(frozen=True)
class KernelSet:
    """``files`` by name in a flat folder; ``scratch_bytes`` of a step; ``licences`` by file name."""

    name: str
    files: Callable[[], Mapping[str, str]]
    licences: Callable[[], Mapping[str, str]]
    scratch_bytes: Callable[[Step], int]


def kernel_set(name: str) -> KernelSet:
    """The set of that name.

    Raises:
        InputError: there is none of that name.
    """
    if name not in KERNEL_SETS:
        raise InputError(f"no kernel set {name!r}", fix=f"give one of {', '.join(KERNEL_SETS)}")
    return KERNEL_SETS[name]


def _bakenn() -> Any:
    """The installed bakenn, in the version whose kernels were checked against TFLM.

    Raises:
        MissingRequirement: not installed, or another version.
    """
    try:
        installed = metadata.version("bakenn")
        import bakenn
    except (ImportError, metadata.PackageNotFoundError) as error:
        raise MissingRequirement("bakenn is not installed", why="it brings the convolution kernels in C",
                                 fix="pip install 'tinysieve[mcu]'") from error
    if installed != BAKENN:
        raise MissingRequirement(f"bakenn {installed} is installed, {BAKENN} is wanted",
                                 why="the kernels were checked against TFLM in that version",
                                 fix=f"pip install bakenn=={BAKENN}")
    return bakenn


def _own(*more: str) -> dict[str, str]:
    folder = files("tinysieve.quantize.firmware") / "kernels"
    return {name: (folder / name).read_text(encoding="utf-8") for name in (*_OWN, *more)}


def _bakenn_portable() -> dict[str, str]:
    """bakenn's portable kernels that our adapters call, as one header and one source."""
    _bakenn()
    from bakenn.backend.portable_c.families import conv, pool
    from bakenn.backend.portable_c.fixedpoint import q31_kernel

    context: Any = SimpleNamespace(symbol="bakenn")
    makers = (q31_kernel, conv._conv2d_kernel, conv._depthwise_kernel, pool._average_kernel, pool._max_kernel)
    kernels = [make(context) for make in makers]
    notice = f"/* Kernels of bakenn {BAKENN}, Apache-2.0; see LICENSE.bakenn.txt. */\n"
    declared = "\n\n".join(kernel.declaration for kernel in kernels)
    defined = "\n\n".join(kernel.definition for kernel in kernels)
    return {
        "bakenn_portable.h": (f"{notice}#ifndef BAKENN_PORTABLE_H\n#define BAKENN_PORTABLE_H\n\n#include <stddef.h>\n"
                              f"#include <stdint.h>\n\n{declared}\n\n#endif\n"),
        "bakenn_portable.c": f'{notice}#include "bakenn_portable.h"\n\n#include <limits.h>\n\n{defined}\n',
    }


def _portable_files() -> dict[str, str]:
    return {**_own("ts_windows_portable.c"), **_bakenn_portable()}


def _cmsis_files() -> dict[str, str]:
    _bakenn()
    vendor = files("bakenn.backend.cmsis_nn.vendor")
    texts = {name: (vendor / "cmsis_nn" / folder / name).read_text(encoding="utf-8")
             for folder, names in _CMSIS.items() for name in names}
    core = vendor / "cmsis_core" / "Include"
    for name in ("cmsis_compiler.h", "cmsis_gcc.h"):
        texts[name] = (core / name).read_text(encoding="utf-8")
    return {**_own("ts_windows_cmsis.c"), **_bakenn_portable(), **texts}


def _bakenn_licence() -> dict[str, str]:
    _bakenn()
    text = metadata.distribution("bakenn").read_text("licenses/LICENSE")
    return {"LICENSE.bakenn.txt": text or "bakenn is licensed under Apache-2.0; its licence text was not in the package.\n"}


def _cmsis_licences() -> dict[str, str]:
    vendor = files("bakenn.backend.cmsis_nn.vendor")
    return {**_bakenn_licence(),
            "LICENSE.CMSIS-NN.txt": (vendor / "cmsis_nn" / "LICENSE.txt").read_text(encoding="utf-8"),
            "LICENSE.CMSIS-Core.txt": (vendor / "cmsis_core" / "LICENSE.txt").read_text(encoding="utf-8"),
            "PROVENANCE.CMSIS-NN.md": (vendor / "cmsis_nn" / "BAKENN_PROVENANCE.md").read_text(encoding="utf-8")}


def _portable_scratch(step: Step) -> int:
    """Unpacked shifts, 4 B a channel."""
    return 0 if step.kernel not in _WINDOWS else 4 * step.parameters["out_c"]


def _cmsis_scratch(step: Step) -> int:
    """Unpacked shifts, and columns of int16: two for a convolution, one for a depthwise one that has no kernel of its own."""
    if step.kernel not in _WINDOWS:
        return 0
    p = step.parameters
    area = p["k_h"] * p["k_w"]
    plain = area == 1 and p["pad_top"] == p["pad_left"] == 0
    columns = 0 if plain else 2 if step.kernel == "conv2d" else 1
    # int16, and 4 bytes beyond: the kernels read pairs.
    return _portable_scratch(step) + columns * 2 * p["in_c"] * area + (4 if columns else 0)


def _wide_scratch(step: Step) -> int:
    """A window as int16, and for a depthwise convolution one sum a channel."""
    if step.kernel not in _WINDOWS:
        return 0
    p = step.parameters
    return 2 * p["in_c"] * p["k_h"] * p["k_w"] + (4 * p["out_c"] if step.kernel == "depthwise" else 0)


def _wide_files() -> dict[str, str]:
    return {**_own("ts_windows_wide.c"), **_bakenn_portable()}


def _dsp_scratch(step: Step) -> int:
    """Four windows as int16 (and one as codes, where they must be gathered); for a depthwise one rows and weights of four
    channels."""
    if step.kernel not in _WINDOWS:
        return 0
    p = step.parameters
    if step.kernel == "depthwise":
        return _dsp_rows(p) or _portable_scratch(step)
    products = p["k_h"] * p["k_w"] * p["in_c"]
    if p["groups"] != 1 or products > _MOST_PRODUCTS:
        return _portable_scratch(step)
    steps = -(-products // 4)
    plain = all(p[name] == 1 for name in ("k_h", "k_w", "stride_h", "stride_w")) and p["pad_top"] == p["pad_left"] == 0
    return 32 * steps + (0 if plain else 4 * steps)


def _dsp_rows(p: Mapping[str, int]) -> int:
    """Bytes of rows and weights as in ts_depthwise_dsp.c; 0 where that kernel gives the step to the portable one."""
    whole = p["in_c"] == p["out_c"] and p["dilation_h"] == p["dilation_w"] == 1
    if not whole or p["stride_w"] > 2 or max(p["k_h"], p["k_w"]) > _WIDEST:
        return 0
    pairs = p["k_w"] // 2 + 1
    columns = (-(-p["out_w"] // 2) * 2 - 1) * p["stride_w"] + 2 * pairs
    words = -(-max(columns, p["pad_left"] + p["in_w"]) // 2)
    return 16 * p["k_h"] * (words + 2 * pairs)


def _dsp_files() -> dict[str, str]:
    return {**_own("ts_dsp.h", "ts_conv_dsp.c", "ts_depthwise_dsp.c"), **_bakenn_portable()}


KERNEL_SETS = {
    "dsp": KernelSet("dsp", _dsp_files, _bakenn_licence, _dsp_scratch),
    "portable": KernelSet("portable", _portable_files, _bakenn_licence, _portable_scratch),
    "cmsis-nn": KernelSet("cmsis-nn", _cmsis_files, _cmsis_licences, _cmsis_scratch),
    "wide": KernelSet("wide", _wide_files, _bakenn_licence, _wide_scratch),
}
