"""Stretches of a network whose operators all work row by row, and what is known of each: windows, shapes, work.

A stretch that holds anything else is no segment; nothing here guesses.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from tinysieve.quantize.passes.fold_padding import COLUMNS, ROWS, kernel_and_stride, padding_of
from tinysieve.quantize.passes.stripes.stripe_rows import Window, same_padding
from tinysieve.quantize.tflite.model_tree import CONVOLUTIONS, ModelTree


@dataclass(frozen=True)
class Image:
    """Rows, columns and channels of an int8 tensor [1, rows, columns, channels]."""

    rows: int
    columns: int
    channels: int


@dataclass(frozen=True)
class Layer:
    """An operator that works row by row.

    ``columns`` is the padding left and right; ``pads`` marks a PAD operator of the original graph. ``macs_per_row`` are
    multiply-accumulates of one output row, ``multipliers`` the output channels with a multiplier and shift each.
    """

    operator: int
    name: str
    inputs: tuple[int, ...]
    output: int
    window: Window
    columns: tuple[int, int]
    pads: bool
    macs_per_row: int
    multipliers: int


@dataclass(frozen=True)
class Segment:
    """Consecutive layers with one output that anything else reads; ``inputs`` come from outside.

    ``dying`` are the inputs that nothing reads after the segment.
    """

    layers: tuple[Layer, ...]
    inputs: tuple[int, ...]
    output: int
    dying: frozenset[int]
    images: dict[int, Image] = field(compare=False)

    @property
    def first(self) -> int:
        """Position of the first operator."""
        return self.layers[0].operator

    @property
    def last(self) -> int:
        """Position of the last operator."""
        return self.layers[-1].operator

    @property
    def height(self) -> int:
        """Rows of the output."""
        return self.images[self.output].rows


def layers_of(tree: ModelTree) -> tuple[Layer | None, ...]:
    """Each operator as a layer that can be striped, None where it is not understood."""
    return tuple(_layer(tree, position) for position in range(len(tree.operators)))


def segment_of(tree: ModelTree, layers: tuple[Layer | None, ...], first: int, last: int) -> Segment | None:
    """Operators ``first`` to ``last`` (inclusive) as a segment, None where they are none."""
    chain = tuple(layer for layer in layers[first:last + 1] if layer is not None)
    if len(chain) != last + 1 - first:
        return None
    made, read = {layer.output for layer in chain}, {t for layer in chain for t in layer.inputs}
    readers, ends, output = tree.consumers(), tree.ends(), chain[-1].output
    outside = {t for t in made if t in ends or any(not first <= at <= last for at in readers.get(t, []))}
    if outside != {output} or not made - {output} <= read or output in read:
        return None
    inputs = tuple(sorted(read - made))
    dying = frozenset(t for t in inputs if t not in {int(n) for n in tree.graph.outputs} and max(readers[t]) <= last)
    return Segment(chain, inputs, output, dying, {t: Image(*tree.shape(t)[1:]) for t in (*made, *inputs)})


def _layer(tree: ModelTree, position: int) -> Layer | None:
    operator = tree.operators[position]
    name, outputs, inputs = tree.name(operator), tree.outputs(operator), tree.activations(operator)
    if len(outputs) != 1 or not inputs:
        return None
    tensors = (*inputs, outputs[0])
    if any(tree.dtype(t) != "int8" or len(tree.shape(t)) != 4 or tree.shape(t)[0] != 1 for t in tensors):
        return None
    if name in CONVOLUTIONS and inputs == tree.inputs(operator)[:1]:
        return _convolution(tree, position, operator, name)
    if name == "PAD":
        values = padding_of(tree, operator)
        if values is None:
            return None
        window, columns = Window(before=int(values[ROWS, 0])), (int(values[COLUMNS, 0]), int(values[COLUMNS, 1]))
        return Layer(position, name, inputs, outputs[0], window, columns, True, 0, 0)
    alike = all(tree.shape(t) == tree.shape(outputs[0]) for t in inputs)
    if alike and inputs == tree.inputs(operator) and (name == "QUANTIZE" or (name == "ADD" and len(inputs) == 2)):
        return Layer(position, name, inputs, outputs[0], Window(), (0, 0), False, 0, 0)
    return None


def _convolution(tree: ModelTree, position: int, operator: Any, name: str) -> Layer | None:
    source, filters, (output,) = tree.inputs(operator)[0], tree.inputs(operator)[1], tree.outputs(operator)
    if not all(tree.is_constant(t) for t in tree.inputs(operator)[1:]) or tree.dtype(filters) != "int8":
        return None
    same = operator.builtinOptions.padding == schema.Padding.SAME
    by_axis = {}
    for axis in (ROWS, COLUMNS):
        kernel, stride = kernel_and_stride(tree, operator, axis)
        by_axis[axis] = kernel, stride, same_padding(tree.shape(source)[axis], kernel, stride) if same else (0, 0)
    (kernel, stride, (before, _)), (_, _, columns) = by_axis[ROWS], by_axis[COLUMNS]
    shape, (_, _, width, channels) = tree.shape(filters), tree.shape(output)
    each = math.prod(shape[1:] if name == "CONV_2D" else shape[1:3])
    return Layer(position, name, (source,), output, Window(kernel, stride, before), columns, False,
                 width * channels * each, channels)
