"""Where each activation lies in one arena, and for how long: TFLM's plan, computed without TFLM.

A plan that is computed takes milliseconds, so that a search can try hundreds of graphs before one is measured.
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from tinysieve.quantize.tflite.graph import Graph, Operator, TensorInfo
from tinysieve.quantize.tflite.tensor_types import values_bytes

TFLM_ALIGNMENT = 16
REDUCTIONS = ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN")


@dataclass(frozen=True)
class Lifetime:
    """One buffer of ``size_bytes`` that is in use from operator ``first`` to operator ``last``, both included."""

    tensor: int
    size_bytes: int
    first: int
    last: int


@dataclass(frozen=True)
class Peak:
    """The most bytes alive at once, and the operator (its index) during which they are."""

    bytes: int
    operator: int


@dataclass(frozen=True)
class MemoryPlan:
    """Offset in bytes of each buffer by its tensor index, and the bytes that all of them span."""

    offsets: dict[int, int]
    bytes: int


def tensor_bytes(tensor: TensorInfo) -> int:
    """Bytes of a tensor's values; 0 for types without a fixed size (strings, resources)."""
    return values_bytes(tensor.shape, tensor.dtype)


def lifetimes(graph: Graph) -> tuple[Lifetime, ...]:
    """When each activation lives, in order of tensor index, as TFLM counts it.

    A graph's inputs live from operator 0, its outputs to the last operator, everything else from the operator that first
    names it (that writes it; or, for memory that a custom operator works in, reads it) to the last that does. Constants and
    variables lie elsewhere; a tensor that no operator touches has no place. (TFLM counts one step before operator 0; that
    differs only for an input that nothing reads.)
    """
    end = max(len(graph.operators) - 1, 0)
    first = {tensor.index: 0 for tensor in graph.inputs}
    last = dict(first)
    for operator in graph.operators:
        for index in (*operator.inputs, *operator.outputs):
            first.setdefault(index, operator.index)
            last[index] = operator.index
    for tensor in graph.outputs:
        first.setdefault(tensor.index, 0)
        last[tensor.index] = end
    return tuple(
        Lifetime(index, tensor_bytes(graph.tensors[index]), first[index], last[index])
        for index in sorted(first)
        if index >= 0 and not graph.tensors[index].constant_bytes and not graph.tensors[index].variable
    )


def tflm_scratch(graph: Graph) -> tuple[Lifetime, ...]:
    """What TFLM's own kernels ask for beside the tensors, each during its operator; numbered on from the tensors.

    Of the operators of image classifiers only reductions do: four bytes for each axis of the input, four for each that is
    reduced and, for MEAN and SUM of integers, four for each output value. (Measured, see the tests.)
    """
    scratch: list[Lifetime] = []
    for operator in graph.operators:
        for size in _scratch_sizes(graph, operator):
            scratch.append(Lifetime(len(graph.tensors) + len(scratch), size, operator.index, operator.index))
    return tuple(scratch)


def _scratch_sizes(graph: Graph, operator: Operator) -> tuple[int, ...]:
    if operator.name not in REDUCTIONS or len(operator.inputs) != 2 or not operator.outputs:
        return ()
    source, axes = (graph.tensors[index] for index in operator.inputs)
    sizes: tuple[int, ...] = (4 * len(source.shape), 4 * math.prod(axes.shape))
    if operator.name in ("MEAN", "SUM") and source.dtype in ("int8", "int16"):
        sizes += (4 * math.prod(graph.tensors[operator.outputs[0]].shape),)
    return sizes


def live_bytes(buffers: Iterable[Lifetime], operators: int) -> tuple[int, ...]:
    """Bytes alive during each of the ``operators`` operators, without alignment.

    >>> live_bytes([Lifetime(0, 100, 0, 0), Lifetime(1, 50, 0, 1), Lifetime(2, 70, 1, 1)], 2)
    (150, 120)
    """
    steps = [0] * (operators + 1)
    for life in buffers:
        steps[life.first] += life.size_bytes
        steps[min(life.last, operators - 1) + 1] -= life.size_bytes
    total, totals = 0, []
    for change in steps[:operators]:
        total += change
        totals.append(total)
    return tuple(totals)


def lower_bound(buffers: Iterable[Lifetime], operators: int) -> Peak:
    """The most bytes alive during one operator: no plan without in-place tricks can be smaller.

    >>> lower_bound([Lifetime(0, 100, 0, 0), Lifetime(1, 50, 0, 1), Lifetime(2, 70, 1, 1)], 2)
    Peak(bytes=150, operator=0)
    """
    live = live_bytes(buffers, operators)
    if not live:
        return Peak(0, 0)
    most = max(live)
    return Peak(most, live.index(most))


def greedy_plan(
    buffers: Sequence[Lifetime], alignment: int = TFLM_ALIGNMENT, fixed: Mapping[int, int] = MappingProxyType({}),
) -> MemoryPlan:
    """TFLM's greedy plan: the largest buffer first, each in the first gap between buffers that live at the same time.

    Sizes are rounded up to ``alignment`` bytes; of equal sizes the higher tensor index goes first. Those that ``fixed``
    names have their offset already, as from a plan in the file. The bytes are those that TFLM reports as "head" when
    ``buffers`` are the ``lifetimes`` of a graph and its ``tflm_scratch``.

    >>> greedy_plan([Lifetime(0, 100, 0, 0), Lifetime(1, 50, 0, 1), Lifetime(2, 70, 1, 1)])
    MemoryPlan(offsets={0: 0, 2: 0, 1: 112}, bytes=176)
    """
    placed: list[tuple[int, int, int, int]] = []
    offsets: dict[int, int] = {}
    end = 0
    sized = [(-(-life.size_bytes // alignment) * alignment, life) for life in buffers]
    for size, life in sorted(sized, key=lambda item: (item[1].tensor not in fixed, -item[0], -item[1].tensor)):
        offset = fixed[life.tensor] if life.tensor in fixed else _first_gap(placed, size, life)
        insort(placed, (offset, offset + size, life.first, life.last))
        offsets[life.tensor] = offset
        end = max(end, offset + size)
    return MemoryPlan(offsets, end)


def _first_gap(placed: Iterable[tuple[int, int, int, int]], size: int, wanted: Lifetime) -> int:
    """Lowest offset with ``size`` free bytes during the life of ``wanted``; ``placed`` is sorted by offset."""
    candidate = 0
    for start, stop, first, last in placed:
        if first > wanted.last or last < wanted.first:
            continue
        if start - candidate >= size:
            break
        candidate = max(candidate, stop)
    return candidate
