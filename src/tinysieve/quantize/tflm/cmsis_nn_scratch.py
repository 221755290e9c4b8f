"""Scratch memory that CMSIS-NN asks for under TFLM, by operator, on cores with DSP, with MVE (Helium) and with neither.

Source of the formulas: ARM-software/CMSIS-NN at 99f736a (July 2026), ``arm_convolve_get_buffer_sizes_s8.c``,
``arm_depthwise_conv_get_buffer_sizes_s8.c``, ``arm_fully_connected_get_buffer_sizes_s8.c`` and
``arm_avgpool_get_buffer_sizes_s8.c``, as built by GCC or LLVM; what they are asked: the kernels' Prepare in
tensorflow/tflite-micro at 90b983c (August 2026), ``tensorflow/lite/micro/kernels/cmsis_nn``.
"""

from __future__ import annotations

from tinysieve.quantize.tflm.windows import AVERAGE_POOL, CONVOLUTION, DENSE, DEPTHWISE, Window

COLUMNS = 2
MVE_COLUMNS, MVE_BLOCK = 4, 124
# Above so many outputs a depthwise convolution of one channel runs as an ordinary one under MVE (8 with Arm Compiler 6).
MVE_ONE_CHANNEL_ABOVE = 1


def dsp_scratch(window: Window) -> tuple[int, ...]:
    """Bytes of each buffer on a Cortex-M4, M7 or M33."""
    if window.name == CONVOLUTION:
        return _asked(_columns(window))
    if window.name == DEPTHWISE:
        return _asked(2 * window.in_c * window.kernel_h * window.kernel_w if _optimised(window) else 0)
    if window.name == AVERAGE_POOL:
        return _asked(4 * window.in_c)
    return _faked_channels(window)


def scalar_scratch(window: Window) -> tuple[int, ...]:
    """Bytes of each buffer on a Cortex-M0+ or M3."""
    return _asked(_columns(window)) if window.name == CONVOLUTION else _faked_channels(window)


def mve_scratch(window: Window) -> tuple[int, ...]:
    """Bytes of each buffer on a Cortex-M55 or M85; a kernel of one row may take less."""
    if window.name == CONVOLUTION:
        return _asked(0 if _pointwise(window) else _mve_columns(window.in_c * window.kernel_h * window.kernel_w))
    if window.name == DEPTHWISE:
        return _asked(_mve_depthwise(window))
    if window.name == DENSE:
        kernel_sums = () if _as_pointwise(window) else _asked(4 * window.out_c)
        return (*_faked_channels(window), *kernel_sums)
    return ()


def _asked(size: int) -> tuple[int, ...]:
    return (size,) if size > 0 else ()


def _pointwise(w: Window) -> bool:
    """Whether a convolution needs no columns at all."""
    return (w.kernel_h, w.kernel_w, w.pad_h, w.pad_w, w.dilated) == (1, 1, 0, 0, False) and w.in_c == w.kernel_c


def _columns(w: Window) -> int:
    """Two columns of int16, each a multiple of four values."""
    return 0 if _pointwise(w) else COLUMNS * 2 * (-(-w.kernel_h * w.kernel_w * w.in_c // 4) * 4)


def _optimised(w: Window) -> bool:
    """Whether a depthwise convolution takes the kernel with columns: 3 x 3 has one of its own."""
    small = (w.kernel_h, w.kernel_w) == (3, 3) and w.pad_h <= 1 and w.pad_w <= 1
    return w.in_c == w.out_c and not w.dilated and not small


def _mve_columns(length: int) -> int:
    return MVE_COLUMNS * (-(-length // 16) * 16)


def _mve_depthwise(w: Window) -> int:
    area = w.kernel_h * w.kernel_w
    if w.in_c == 1 and w.out_c > MVE_ONE_CHANNEL_ABOVE:
        return area * w.out_c + (0 if area == 1 and w.pad_h == w.pad_w == 0 else _mve_columns(area))
    return MVE_COLUMNS * MVE_BLOCK * area if w.in_c == w.out_c and not w.dilated else 0


def _as_pointwise(w: Window) -> bool:
    return w.name == DENSE and w.rank > 2 and w.in_c % 4 == 0


def _faked_channels(w: Window) -> tuple[int, ...]:
    """A dense layer of rank 3 or more runs as a 1 x 1 convolution, which wants multipliers and shifts a channel."""
    return _asked(8 * w.out_c if _as_pointwise(w) and w.multiplier <= 1 else 0)
