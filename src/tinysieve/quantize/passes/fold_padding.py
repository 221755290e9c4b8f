"""PAD operators that cost a copy of their input for nothing: those that pad nothing, and those that SAME can do.

Networks that came from PyTorch pad explicitly in front of every convolution; the int8 kernels pad for free.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinysieve.quantize.passes.stripes.stripe_rows import same_padding, valid_size
from tinysieve.quantize.tflite.model_tree import CONVOLUTIONS, ModelTree, PassResult

ROWS, COLUMNS = 1, 2


def fold_padding(model: bytes) -> PassResult:
    """Drop PADs without effect, fold those equal to SAME into their convolution, trim what no window reads.

    Exact: a PAD fills with the zero point, and so does SAME. A PAD whose values a caller sees, or that feeds more than
    one operator, or anything but a VALID convolution, stays.

    Raises:
        InputError: not a .tflite file.
    """
    tree = ModelTree(model)
    if tree.refusal():
        return PassResult(model, (f"padding left alone: {tree.refusal()}",))
    dropped = folded = trimmed = 0
    for operator in list(tree.operators):
        if tree.name(operator) != "PAD":
            continue
        if _drop(tree, operator):
            dropped += 1
        elif _fold(tree, operator):
            folded += 1
        elif _trim(tree, operator):
            trimmed += 1
    if not dropped + folded + trimmed:
        return PassResult(model, ())
    note = f"PAD operators: {dropped} padded nothing and are gone, {folded} are SAME now, {trimmed} shortened"
    return PassResult(tree.bytes(), (note,))


def padding_of(tree: ModelTree, operator: Any) -> np.ndarray | None:
    """Paddings int [4, 2] of a PAD on [1, rows, columns, channels] that is understood, else None."""
    source, amounts = tree.inputs(operator)[:2]
    (output,) = tree.outputs(operator)
    values = tree.constant(amounts)
    if values is None or values.shape != (4, 2) or len(tree.shape(source)) != 4 or (values < 0).any():
        return None
    if not tree.same_quantization(source, output) or values[0].any() or values[3].any():
        return None
    expected = np.array(tree.shape(source)) + values.sum(1)
    return values if tuple(expected) == tree.shape(output) else None


def _drop(tree: ModelTree, operator: Any) -> bool:
    values = padding_of(tree, operator)
    (output,) = tree.outputs(operator)
    if values is None or values.any() or output in tree.ends():
        return False
    tree.redirect(output, tree.inputs(operator)[0])
    tree.operators.remove(operator)
    return True


def _reader(tree: ModelTree, operator: Any) -> Any | None:
    """The one VALID convolution that reads a PAD's output as its image, else None."""
    (output,) = tree.outputs(operator)
    readers = tree.consumers()[output]
    if len(readers) != 1 or output in tree.ends():
        return None
    reader = tree.operators[readers[0]]
    if tree.name(reader) not in CONVOLUTIONS or tree.inputs(reader)[0] != output:
        return None
    return reader if reader.builtinOptions.padding == schema.Padding.VALID else None


def kernel_and_stride(tree: ModelTree, operator: Any, axis: int) -> tuple[int, int]:
    """Kernel extent with dilation, and stride, of a convolution along rows (1) or columns (2)."""
    options, size = operator.builtinOptions, tree.shape(tree.inputs(operator)[1])[axis]
    letter = "H" if axis == ROWS else "W"
    dilation = getattr(options, f"dilation{letter}Factor")
    return (size - 1) * dilation + 1, getattr(options, f"stride{letter}")


def _fold(tree: ModelTree, operator: Any) -> bool:
    values, reader = padding_of(tree, operator), _reader(tree, operator)
    if values is None or reader is None:
        return False
    (source, _), produced = tree.inputs(operator)[:2], tree.shape(tree.outputs(reader)[0])
    for axis in (ROWS, COLUMNS):
        size = tree.shape(source)[axis]
        kernel, stride = kernel_and_stride(tree, reader, axis)
        # What lies after the last window is never read, so only the padding before must agree.
        if same_padding(size, kernel, stride)[0] != values[axis, 0] or -(-size // stride) != produced[axis]:
            return False
    reader.builtinOptions = copy.copy(reader.builtinOptions)
    reader.builtinOptions.padding = schema.Padding.SAME
    tree.redirect(tree.outputs(operator)[0], source)
    tree.operators.remove(operator)
    return True


def _trim(tree: ModelTree, operator: Any) -> bool:
    """Leave out padding after the last window: a stride of 2 often does not reach it."""
    values, reader = padding_of(tree, operator), _reader(tree, operator)
    if values is None or reader is None:
        return False
    source, (output,), wanted = tree.inputs(operator)[0], tree.outputs(operator), values.copy()
    for axis in (ROWS, COLUMNS):
        kernel, stride = kernel_and_stride(tree, reader, axis)
        padded = tree.shape(output)[axis]
        unread = padded - ((valid_size(padded, kernel, stride) - 1) * stride + kernel)
        wanted[axis, 1] -= min(unread, values[axis, 1])
    if (wanted == values).all():
        return False
    operator.inputs = np.array([source, tree.add_constant(wanted.astype(np.int32))], np.int32)
    tree.graph.tensors[output].shape = (np.array(tree.shape(source)) + wanted.sum(1)).astype(np.int32)
    tree.graph.tensors[output].shapeSignature = None
    return True
