"""Memory as a file's own plan lays it out: tensors in one place count once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tinysieve.quantize.passes.offline_plan import offsets_in_file
from tinysieve.quantize.tflite.graph import Graph
from tinysieve.quantize.tflite.model_tree import ModelTree
from tinysieve.quantize.tflm.memory_plan import Lifetime, lifetimes, live_bytes


def stored_offsets(model: bytes, tensors: int) -> dict[int, int] | None:
    """Offset in bytes of each tensor that the file's plan places, or None where the file brings no plan of its own.

    Raises:
        InputError: not a .tflite file, or a damaged one.
    """
    values = offsets_in_file(ModelTree(model))
    if values is None or len(values) != tensors:
        return None
    return {tensor: offset for tensor, offset in enumerate(values.tolist()) if offset >= 0}


def occupied_bytes(buffers: Sequence[Lifetime], offsets: Mapping[int, int], operators: int) -> tuple[int, ...]:
    """Bytes of the arena in use during each operator; a tensor without an offset lies by itself.

    >>> part, whole = Lifetime(0, 50, 0, 1), Lifetime(1, 100, 1, 1)
    >>> occupied_bytes([part, whole], {0: 50, 1: 0}, 2)
    (50, 100)
    """
    occupied = []
    for step in range(operators):
        alive = [life for life in buffers if life.first <= step <= life.last]
        placed = ((offsets[life.tensor], life.size_bytes) for life in alive if life.tensor in offsets)
        occupied.append(_union(placed) + sum(life.size_bytes for life in alive if life.tensor not in offsets))
    return tuple(occupied)


def _union(places: Iterable[tuple[int, int]]) -> int:
    total, reached = 0, 0
    for start, size in sorted(places):
        total += max(0, start + size - max(reached, start))
        reached = max(reached, start + size)
    return total


def bytes_in_use(model: bytes, graph: Graph) -> tuple[int, ...]:
    """Bytes in use during each operator: by the file's own plan if it brings one, else of all tensors alive."""
    buffers, count = lifetimes(graph), len(graph.operators)
    offsets = stored_offsets(model, len(graph.tensors))
    return live_bytes(buffers, count) if offsets is None else occupied_bytes(buffers, offsets, count)
