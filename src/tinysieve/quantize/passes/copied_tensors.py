"""Activations that could lie in one place because an operator only copies one into the other.

A SLICE of rows is a stretch of its input, the parts of a CONCATENATION along rows are stretches of the result, a RESHAPE
changes no byte. A plan that puts them at those offsets lets the operator copy bytes onto themselves.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tinysieve.quantize.tflite.model_tree import ModelTree
from tinysieve.quantize.tflm.memory_plan import TFLM_ALIGNMENT, Lifetime

# Some kernels for vector units rely on tensors that begin where TFLM itself would let them begin.
VIEW_ALIGNMENT = TFLM_ALIGNMENT


@dataclass(frozen=True)
class MemoryBlock:
    """Tensors at fixed distances from each other: ``members`` with offsets in bytes from the block's start."""

    members: tuple[tuple[int, Lifetime], ...]

    @cached_property
    def size(self) -> int:
        """Bytes from the first to the last."""
        return max(offset + member.size_bytes for offset, member in self.members)

    @cached_property
    def first(self) -> int:
        """The first operator during which any of it lives."""
        return min(member.first for _, member in self.members)

    @cached_property
    def last(self) -> int:
        """The last operator during which any of it lives."""
        return max(member.last for _, member in self.members)

    @cached_property
    def first_tensor(self) -> int:
        """The lowest tensor index: a stable name."""
        return min(member.tensor for _, member in self.members)


def blocks_of(tree: ModelTree, buffers: Iterable[Lifetime]) -> tuple[MemoryBlock, ...]:
    """Activations that must keep their distance because one is a view of the other; most stand alone."""
    lives = {life.tensor: life for life in buffers}
    home = {tensor: (tensor, 0) for tensor in lives}  # tensor -> (block, offset in it)
    for operator in tree.operators:
        for inner, outer, offset in _views(tree, operator):
            if inner in home and outer in home and offset % VIEW_ALIGNMENT == 0:
                _join(home, inner, outer, offset)
    groups: dict[int, list[tuple[int, Lifetime]]] = {}
    for tensor, (block, offset) in home.items():
        groups.setdefault(block, []).append((offset, lives[tensor]))
    return tuple(MemoryBlock(tuple((offset - min(o for o, _ in members), life) for offset, life in members))
                 for members in groups.values())


def _join(home: dict[int, tuple[int, int]], inner: int, outer: int, offset: int) -> None:
    """Put ``inner`` at ``offset`` bytes inside ``outer``, with all that keeps its distance to it."""
    (old, inside), (new, base) = home[inner], home[outer]
    if old == new:
        return  # bound already; where the distance differs it stays a copy
    for tensor, (block, place) in home.items():
        if block == old:
            home[tensor] = (new, place - inside + base + offset)


def _views(tree: ModelTree, operator: Any) -> list[tuple[int, int, int]]:
    """(inner tensor, outer tensor, offset in bytes) of what an operator would only copy."""
    name, inputs, outputs = tree.name(operator), tree.inputs(operator), tree.outputs(operator)
    if name == "RESHAPE":
        return [(outputs[0], inputs[0], 0)] if tree.bytes_of(outputs[0]) == tree.bytes_of(inputs[0]) else []
    if name == "SLICE":
        begin, shape, part = tree.constant(inputs[1]), tree.shape(inputs[0]), tree.shape(outputs[0])
        if begin is None or not _is_stretch(shape, part):
            return []
        return [(outputs[0], inputs[0], int(np.dot(begin, _strides(shape))) * _item_bytes(tree, inputs[0]))]
    if name != "CONCATENATION" or len(set(inputs)) < len(inputs) or operator.builtinOptions.fusedActivationFunction:
        return []
    shape, views, offset = tree.shape(outputs[0]), [], 0
    for tensor in inputs:
        if not _is_stretch(shape, tree.shape(tensor)):
            return []
        views.append((tensor, outputs[0], offset))
        offset += tree.bytes_of(tensor)
    return views


def _item_bytes(tree: ModelTree, tensor: int) -> int:
    return tree.bytes_of(tensor) // max(1, math.prod(tree.shape(tensor)))


def _strides(shape: Sequence[int]) -> list[int]:
    return [math.prod(shape[axis + 1:]) for axis in range(len(shape))]


def _is_stretch(shape: Sequence[int], part: Sequence[int]) -> bool:
    """Whether a part is one unbroken run of bytes: whole behind the axis that is cut, single before it.

    >>> _is_stretch((1, 9, 9, 4), (1, 3, 9, 4)), _is_stretch((1, 9, 9, 4), (1, 9, 3, 4))
    (True, False)
    """
    if len(shape) != len(part):
        return False
    cut = [axis for axis, (whole, some) in enumerate(zip(shape, part, strict=True)) if whole != some]
    return not cut or (len(cut) == 1 and math.prod(shape[:cut[0]]) == 1)
