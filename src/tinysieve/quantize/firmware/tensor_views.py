"""Tensors that are a piece of another one: in C a slice, a concatenation or a reshape is a pointer, not a copy."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tinysieve.quantize.firmware.steps import Step
from tinysieve.quantize.firmware.unsupported import Unsupported
from tinysieve.quantize.tflite.source_model import SourceModel, SourceOperator

RESHAPES = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")


@dataclass(frozen=True)
class View:
    """``tensor`` lies ``offset_bytes`` into ``root``."""

    root: int
    offset_bytes: int


class Views:
    """Which tensors are pieces of which, decided operator by operator; see ``resolve``."""

    def __init__(self) -> None:
        self._parents: dict[int, View] = {}

    def add(self, tensor: int, root: int, offset_bytes: int) -> None:
        """``tensor`` lies inside ``root`` from now on."""
        self._parents[tensor] = View(root, offset_bytes)

    def free(self, tensor: int) -> bool:
        """True where ``tensor`` is not yet a piece of another one."""
        return tensor not in self._parents

    def resolve(self, tensor: int) -> View:
        """The tensor that has memory of its own, and where in it ``tensor`` starts."""
        offset = 0
        while tensor in self._parents:
            parent = self._parents[tensor]
            tensor, offset = parent.root, offset + parent.offset_bytes
        return View(tensor, offset)


def reshape(source: SourceModel, operator: SourceOperator, views: Views) -> list[Step]:
    """The same bytes under another shape."""
    read, written = operator.inputs[0], operator.outputs[0]
    if source.size_bytes(read) != source.size_bytes(written) or source.dtype(read) != source.dtype(written):
        raise Unsupported(f"{list(source.shape(read))} to {list(source.shape(written))}")
    if source.constant(read) is not None:
        raise Unsupported("a constant")
    views.add(written, read, 0)
    return []


def slice_rows(source: SourceModel, operator: SourceOperator, views: Views) -> list[Step]:
    """SLICE along the first axis that is longer than 1: a pointer into the input; any other is a copy."""
    read, written = operator.inputs[0], operator.outputs[0]
    begin = source.constant(operator.inputs[1])
    whole, part = source.shape(read), source.shape(written)
    if begin is None or len(begin.reshape(-1)) != len(whole) or source.constant(read) is not None:
        raise Unsupported("bounds that are not constant, or a constant input")
    first = [int(n) for n in begin.reshape(-1)]
    if any(start < 0 or start + length > full for start, length, full in zip(first, part, whole, strict=True)):
        raise Unsupported(f"{first} + {list(part)} outside {list(whole)}")
    cut = [axis for axis, (length, full) in enumerate(zip(part, whole, strict=True)) if length != full]
    axis = cut[0] if cut else 0
    element = source.size_bytes(read) // max(1, math.prod(whole))
    inner = math.prod(whole[axis + 1:]) * element
    if len(cut) > 1:
        raise Unsupported(f"a cut along {len(cut)} axes")
    if math.prod(whole[:axis]) == 1:
        views.add(written, read, first[axis] * inner)
        return []
    return [Step(operator.index, operator.name, "copy", (read,), written, {
        "blocks": math.prod(whole[:axis]), "bytes": part[axis] * inner, "from_first": first[axis] * inner,
        "from_step": whole[axis] * inner, "to_first": 0, "to_step": part[axis] * inner})]


def concatenate(source: SourceModel, operator: SourceOperator, views: Views) -> list[Step]:
    """Pieces that are contiguous in the output are written there to begin with; the others are copied."""
    written, shape = operator.outputs[0], source.shape(operator.outputs[0])
    if getattr(operator.options, "fusedActivationFunction", 0):
        raise Unsupported("a fused activation")
    axis = int(operator.options.axis) % len(shape)
    element = source.size_bytes(written) // max(1, math.prod(shape))
    inner, outer, done = math.prod(shape[axis + 1:]) * element, math.prod(shape[:axis]), 0
    steps = []
    others = [(*source.shape(part)[:axis], *source.shape(part)[axis + 1:]) for part in operator.inputs]
    if (any(lengths != (*shape[:axis], *shape[axis + 1:]) for lengths in others)
            or sum(source.shape(part)[axis] for part in operator.inputs) != shape[axis]):
        raise Unsupported("parts that do not add up to the whole")
    for part in operator.inputs:
        if not source.same_quantization(part, written) or source.constant(part) is not None:
            raise Unsupported("parts of another scale than the whole, or constant parts")
        size = source.shape(part)[axis] * inner
        if outer == 1 and _may_move(source, part, views) and operator.inputs.count(part) == 1:
            views.add(part, written, done)
        else:
            steps.append(Step(operator.index, operator.name, "copy", (part,), written, {
                "blocks": outer, "bytes": size, "from_first": 0, "from_step": size, "to_first": done,
                "to_step": shape[axis] * inner}))
        done += size
    return steps


def _may_move(source: SourceModel, tensor: int, views: Views) -> bool:
    """A tensor may lie inside another one unless it is the model's own input or already a piece of something."""
    return views.free(tensor) and tensor not in source.inputs
