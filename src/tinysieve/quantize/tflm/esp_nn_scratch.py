"""Scratch memory that ESP-NN 1.2.3 asks for on an ESP32-S3, by operator.

Source of the formulas: espressif/esp-nn 1.2.3, ``esp_nn_get_conv_scratch_size_esp32s3`` (src/convolution/
esp_nn_conv_esp32s3.c), ``esp_nn_get_depthwise_conv_scratch_size_esp32s3`` (esp_nn_depthwise_conv_s8_esp32s3.c) and
``esp_nn_get_softmax_scratch_size_esp32s3`` (src/softmax); what they are asked: the kernels' Prepare in
espressif/esp-tflite-micro 1.4.0. Other chips than ESP32-S3 and ESP32-P4 get kernels that ask for nothing but the softmax's.
"""

from __future__ import annotations

from tinysieve.quantize.tflm.windows import CONVOLUTION, DEPTHWISE, SOFTMAX, Window

ACCUMULATOR_BYTES = 4
# Alignment of a buffer (16 B), and what the vector instructions read and write beyond it (48 B).
MARGIN_BYTES = 64
WHOLE_INPUT_BYTES = 40 * 1024
WHOLE_INT16_BYTES = 48 * 1024
FEWEST_PADDED_CHANNELS = 12
SIMD_BYTES = 16


def esp32s3_scratch(window: Window) -> tuple[int, ...]:
    """Bytes of each buffer that ESP-NN asks for on an ESP32-S3."""
    if window.name == CONVOLUTION:
        return (_convolution(window),)
    if window.name == DEPTHWISE:
        return (_depthwise(window),)
    return esp_generic_scratch(window)


def esp_generic_scratch(window: Window) -> tuple[int, ...]:
    """Bytes of each buffer that ESP-NN asks for on chips without vector kernels, such as the ESP32."""
    return (4 * window.in_w,) if window.name == SOFTMAX else ()


def _up(value: int, step: int) -> int:
    return -(-value // step) * step


def _convolution(w: Window) -> int:
    area, length = w.kernel_h * w.kernel_w, w.kernel_h * w.kernel_w * w.in_c
    if (area, w.pad_h, w.pad_w, w.stride_h, w.stride_w) == (1, 0, 0, 1, 1):
        return _pointwise(w)
    if w.kernel_w * w.in_c < SIMD_BYTES <= length:
        # Columns of one pixel: filter sums, filters and window, rows of 16 bytes.
        aligned = _up(length, SIMD_BYTES)
        return w.out_c * (ACCUMULATOR_BYTES + aligned) + aligned + 2 * SIMD_BYTES + MARGIN_BYTES
    padded = (w.in_w + 2 * w.pad_w) * (w.in_h + 2 * w.pad_h) * w.in_c if w.pad_w or w.pad_h else 0
    filters = area * _up(w.in_c, SIMD_BYTES) * w.out_c
    rows = _up(w.kernel_w * w.in_c, SIMD_BYTES) * w.kernel_h * w.out_c
    right, bottom = max(0, w.missing_w), max(0, w.missing_h)
    border = (w.in_w + right) * (w.in_h + bottom) * w.in_c if right or bottom else 0
    return padded + filters + rows + border + MARGIN_BYTES + ACCUMULATOR_BYTES * w.out_c


def _pointwise(w: Window) -> int:
    channels, pixels = _up(w.in_c, 8), w.in_w * w.in_h
    transposed = 2 * 8 * channels if pixels >= 8 else 0
    padded = pixels * channels if w.in_c % 8 else 0
    return padded + channels * w.out_c + transposed + MARGIN_BYTES


def _depthwise(w: Window) -> int:
    filters, pixels = w.kernel_h * w.kernel_w * w.in_c * w.multiplier, w.in_h * w.in_w
    if w.multiplier == 1 and w.in_c % 8 == 0:
        return _three_by_three(w) if (w.kernel_h, w.kernel_w) == (3, 3) else _any_kernel(w)
    if w.multiplier == 1 and w.in_c > 3:
        return _padded_channels(w)
    return 2 * (filters + pixels * w.in_c) + 32 if w.multiplier % 4 == 0 else 32


def _three_by_three(w: Window) -> int:
    filters = 9 * w.in_c
    if w.in_c % 16 == 0:
        wide, high = (2 * w.pad_w, 2 * w.pad_h) if w.pad_w or w.pad_h else (w.missing_w, w.missing_h)
        if not wide and not high:
            return filters + 16
        whole = (w.in_w + wide) * (w.in_h + high) * w.in_c
        return filters + 16 + (whole if whole <= WHOLE_INPUT_BYTES else (w.in_w + wide) * w.kernel_h * w.in_c)
    if w.in_c < FEWEST_PADDED_CHANNELS:
        return 2 * (filters + w.in_h * w.in_w * w.in_c) + 32
    # Channels padded to 16: input and output are copied whole.
    channels = _up(w.in_c, 16)
    wide, high = 2 * w.pad_w + max(0, w.missing_w), 2 * w.pad_h + max(0, w.missing_h)
    return channels * (9 + (w.in_w + wide) * (w.in_h + high) + w.out_w * w.out_h) + 64


def _any_kernel(w: Window) -> int:
    filters = w.kernel_h * w.kernel_w * w.in_c
    whole = 2 * (filters + w.in_h * w.in_w * w.in_c)
    return 32 + (whole if whole <= WHOLE_INT16_BYTES else 2 * (filters + w.in_w * w.kernel_h * w.in_c))


def _padded_channels(w: Window) -> int:
    """Filters and input as int16, output as int8, then bias, shift and multiplier; each starts at 16 bytes."""
    channels = _up(w.in_c, 8)
    end = _up(2 * w.kernel_h * w.kernel_w * channels, 16)
    end = _up(end + 2 * w.in_h * w.in_w * channels, 16)
    end = _up(end + w.out_h * w.out_w * channels, 16)
    return end + 3 * ACCUMULATOR_BYTES * channels + 16
