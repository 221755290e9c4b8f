"""Shapes that a model computes from an open batch, made constant: a microcontroller runs one image at a time.

Converters leave SHAPE, STRIDED_SLICE and PACK in front of a RESHAPE where the batch is open; each costs an operator and
kernel code, to compute what the file says already.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinysieve.quantize.tflite.model_tree import ModelTree, PassResult

SHAPE_ARITHMETIC = ("SHAPE", "STRIDED_SLICE", "PACK")


def constant_shapes(model: bytes) -> PassResult:
    """Give every RESHAPE its stored output shape as a constant, close open batches at the stored size.

    The operators that computed the shapes stay until :func:`drop_dead_parts` finds that nobody reads them. RESHAPEs that
    get their shape from elsewhere, or whose stored sizes do not match, stay as they are.

    Raises:
        InputError: not a .tflite file.
    """
    tree = ModelTree(model)
    if tree.refusal():
        return PassResult(model, (f"shapes left alone: {tree.refusal()}",))
    opened = [tensor for tensor in tree.graph.tensors if tensor.shapeSignature is not None]
    images = {int(n) for n in tree.graph.inputs}
    if any(_open_beyond_batch(tree.graph.tensors[index]) for index in images):
        return PassResult(model, ("shapes left alone: an axis other than the batch is open",))
    notes = []
    made = sum(_fix(tree, operator) for operator in tree.operators if tree.name(operator) == "RESHAPE")
    if made:
        notes.append(f"{made} RESHAPE with a computed shape or none in its options: constant now")
    closed = sum(-1 in np.asarray(tensor.shapeSignature) for tensor in opened)
    for tensor in opened:
        tensor.shapeSignature = None
    if closed:
        notes.append(f"the open batch of {closed} tensors is the stored one now")
    return PassResult(tree.bytes(), tuple(notes)) if notes else PassResult(model, ())


def _open_beyond_batch(tensor: Any) -> bool:
    return tensor.shapeSignature is not None and (np.asarray(tensor.shapeSignature)[1:] == -1).any()


def _fix(tree: ModelTree, operator: Any) -> bool:
    source, (output,) = tree.inputs(operator)[0], tree.outputs(operator)
    shape = tree.shape(output)
    if np.prod(shape, dtype=np.int64) != np.prod(tree.shape(source), dtype=np.int64):
        return False
    given = tree.inputs(operator)[1:]
    computed = bool(given) and given[0] >= 0 and not tree.is_constant(given[0])
    if computed and not _is_shape_arithmetic(tree, given[0]):
        return False
    has_options = operator.builtinOptions is not None and operator.builtinOptions.newShape is not None
    if not computed and has_options:
        return False
    wanted = np.array(shape, np.int32)
    operator.inputs = np.array([source, tree.add_constant(wanted)], np.int32)
    operator.builtinOptionsType = schema.BuiltinOptions.ReshapeOptions
    operator.builtinOptions = schema.ReshapeOptionsT(newShape=wanted)
    return True


def _is_shape_arithmetic(tree: ModelTree, tensor: int) -> bool:
    """Whether the tensor depends on nothing but shapes and constants."""
    if tree.is_constant(tensor):
        return True
    for operator in tree.operators:
        if tensor in tree.outputs(operator):
            name = tree.name(operator)
            if name == "SHAPE":
                return True
            return name in SHAPE_ARITHMETIC and all(_is_shape_arithmetic(tree, source) for source in tree.inputs(operator))
    return False
