"""Writes planned stripes into a model: the same outputs bit for bit, with only a stripe's tensors alive at a time.

Every int8 convolution is local, so a stripe of output rows needs a stripe of input rows and nothing else.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinysieve.quantize.passes.dead_parts import drop_dead_parts
from tinysieve.quantize.passes.fold_padding import ROWS
from tinysieve.quantize.passes.stripes.stripe_steps import WHOLE, Piece, Step, Stripes, stripe_steps
from tinysieve.quantize.tflite.model_tree import ModelTree, PassResult

INT8_VERSION = 2  # the operator version from which SLICE, PAD and CONCATENATION take int8


def stripe(model: bytes, plan: Sequence[Stripes]) -> PassResult:
    """The model with every segment of the plan run in its stripes.

    The segments must be of this very model (its operator positions) and must not overlap.

    Raises:
        InputError: not a .tflite file, or a stripe would lie wholly in padding.
    """
    tree, notes = ModelTree(model), []
    for stripes in sorted(plan, key=lambda chosen: -chosen.segment.first):  # from the back, so that positions stay true
        writer = _Writer(tree, stripes)
        operators = [writer.operator(step) for step in stripe_steps(stripes)]
        tree.operators[stripes.segment.first:stripes.segment.last + 1] = operators
        heights = "+".join(str(rows.count) for rows in stripes.ranges)
        notes.append(f"operators {stripes.segment.first} to {stripes.segment.last} run in {len(stripes.ranges)} stripes "
                     f"of {heights} output rows")
    # TFLM miscounts lifetimes where tensors are left that no operator touches, so they go at once.
    return PassResult(drop_dead_parts(tree.bytes()).model, tuple(notes[::-1])) if plan else PassResult(model, ())


class _Writer:
    """Turns the steps of one segment into operators; remembers which tensor holds which piece."""

    def __init__(self, tree: ModelTree, stripes: Stripes) -> None:
        self.tree, self.segment = tree, stripes.segment
        self.tensors: dict[Piece, int] = {}
        self.originals = {layer.operator: tree.operators[layer.operator] for layer in self.segment.layers}

    def operator(self, step: Step) -> Any:
        sources, target = tuple(self._tensor(piece) for piece in step.inputs), self._tensor(step.output)
        if step.kind == "RUN":
            return self._copy(step, sources, target)
        if step.kind == "SLICE":
            return self._slice(step, sources[0], target)
        if step.kind == "PAD":
            padding = step.padding
            amounts = np.array([[0, 0], [padding.top, padding.bottom], [padding.left, padding.right], [0, 0]], np.int32)
            inputs = (sources[0], self.tree.add_constant(amounts))
            return self.tree.new_operator("PAD", INT8_VERSION, inputs, target, schema.PadOptionsT())
        return self.tree.new_operator("CONCATENATION", INT8_VERSION, sources, target, schema.ConcatenationOptionsT(axis=ROWS))

    def _copy(self, step: Step, sources: tuple[int, ...], target: int) -> Any:
        operator = copy.copy(self.originals[step.operator])
        inputs = np.array(operator.inputs, np.int32)
        inputs[:len(sources)] = sources
        operator.inputs, operator.outputs = inputs, np.array([target], np.int32)
        if hasattr(operator.builtinOptions, "padding") and not step.keeps_padding:
            operator.builtinOptions = copy.copy(operator.builtinOptions)
            operator.builtinOptions.padding = schema.Padding.VALID
        return operator

    def _slice(self, step: Step, source: int, target: int) -> Any:
        begin = np.array([0, step.output.rows.first - step.inputs[0].rows.first, 0, 0], np.int32)
        size = np.array(self.tree.shape(target), np.int32)
        inputs = (source, self.tree.add_constant(begin), self.tree.add_constant(size))
        return self.tree.new_operator("SLICE", INT8_VERSION, inputs, target, schema.SliceOptionsT())

    def _tensor(self, piece: Piece) -> int:
        if piece.stripe == WHOLE:
            return piece.tensor
        if piece not in self.tensors:
            image, padding = self.segment.images[piece.tensor], piece.padded
            shape = (1, piece.rows.count + padding.top + padding.bottom,
                     image.columns + padding.left + padding.right, image.channels)
            self.tensors[piece] = self.tree.add_tensor(piece.tensor, shape)
        return self.tensors[piece]

