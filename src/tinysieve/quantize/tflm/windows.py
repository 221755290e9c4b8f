"""What a kernel library is asked before it runs: the extents of each 8-bit operator that may want scratch memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tinysieve.quantize.tflite.source_model import SourceModel, SourceOperator

CONVOLUTION, DEPTHWISE, AVERAGE_POOL, SOFTMAX, DENSE = (
    "CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "SOFTMAX", "FULLY_CONNECTED")


@dataclass(frozen=True)
class Window:
    """One operator: heights, widths and channels of input, kernel and output; ``pad`` is what is missing at the top and left.

    ``kernel_c`` are the channels that a filter reads; ``multiplier`` the outputs of a depthwise channel. A softmax or dense
    layer has its lengths in ``in_w`` (rows) and ``in_c``.
    """

    operator: int
    name: str
    in_h: int
    in_w: int
    in_c: int
    kernel_h: int
    kernel_w: int
    kernel_c: int
    out_h: int
    out_w: int
    out_c: int
    stride_h: int = 1
    stride_w: int = 1
    pad_h: int = 0
    pad_w: int = 0
    dilated: bool = False
    multiplier: int = 1
    rank: int = 4

    @property
    def missing_w(self) -> int:
        """Columns by which the windows of all outputs reach beyond the input; ESP-NN counts a whole stride for the last."""
        return self.out_w * self.stride_w + self.kernel_w - 1 - self.in_w

    @property
    def missing_h(self) -> int:
        """Rows, likewise."""
        return self.out_h * self.stride_h + self.kernel_h - 1 - self.in_h


def windows_of(model: bytes) -> tuple[Window, ...]:
    """Every int8 convolution, average pool, softmax and dense layer, in the order of the file.

    Raises:
        InputError: not a .tflite file, or a damaged one.
    """
    source = SourceModel(model)
    return tuple(window for operator in source.operators for window in _window(source, operator))


def _window(source: SourceModel, operator: SourceOperator) -> Iterator[Window]:
    """One window, or none where the kernel libraries have no kernel of their own for it."""
    if not operator.inputs or not operator.outputs or source.dtype(operator.inputs[0]) != "int8":
        return
    read, written = source.shape(operator.inputs[0]), source.shape(operator.outputs[0])
    if operator.name in (CONVOLUTION, DEPTHWISE) and len(read) == len(written) == len(source.shape(operator.inputs[1])) == 4:
        yield _convolution(operator, read, source.shape(operator.inputs[1]), written)
    elif operator.name == AVERAGE_POOL and len(read) == len(written) == 4:
        yield Window(operator.index, operator.name, *read[1:], operator.options.filterHeight, operator.options.filterWidth, 1,
                     *written[1:])
    elif operator.name == SOFTMAX and len(read) > 1 and source.dtype(operator.outputs[0]) == "int8":
        # Espressif's kernel asks for the second extent whatever the rank.
        yield Window(operator.index, operator.name, 1, read[1], read[-1], 1, 1, 1, 1, 1, read[-1], rank=len(read))
    elif operator.name == DENSE and len(source.shape(operator.inputs[1])) == 2 and source.dtype(operator.inputs[1]) == "int8":
        outputs, length = source.shape(operator.inputs[1])
        yield Window(operator.index, operator.name, 1, 1, length, 1, 1, length, 1, 1, outputs, rank=len(written),
                     multiplier=len(source.scales(operator.inputs[1])))


def _convolution(operator: SourceOperator, read: tuple[int, ...], kernel: tuple[int, ...], written: tuple[int, ...]) -> Window:
    options = operator.options
    stride_h, stride_w = options.strideH, options.strideW
    dilation_h, dilation_w = options.dilationHFactor or 1, options.dilationWFactor or 1
    depthwise = operator.name == DEPTHWISE
    return Window(
        operator.index, operator.name, read[1], read[2], read[3], kernel[1], kernel[2], kernel[3],
        written[1], written[2], written[3], stride_h=stride_h, stride_w=stride_w,
        pad_h=_padding(read[1], written[1], kernel[1], stride_h, dilation_h),
        pad_w=_padding(read[2], written[2], kernel[2], stride_w, dilation_w),
        dilated=dilation_h > 1 or dilation_w > 1, multiplier=written[3] // max(1, read[3]) if depthwise else 1)


def _padding(length: int, produced: int, kernel: int, stride: int, dilation: int) -> int:
    """Rows before the first, as TFLM computes them; none where the windows lie inside."""
    return max(0, (produced - 1) * stride + (kernel - 1) * dilation + 1 - length) // 2
