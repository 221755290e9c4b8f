"""Which tensors may lie over each other, and how far apart: read from what each row of each step reads and writes.

Kernels walk down an image. While ``grown`` is written from its top, ``eaten`` is read from its top, and what is above
the first row that anybody still reads of ``eaten`` is free. So ``grown`` may start a lead before ``eaten``, in one
memory ("diagonal" sharing). TFLM's greedy plan cannot know this, because it does not know the kernels; here a depthwise
convolution needs little more than one of its two images.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from tinysieve.quantize.firmware.lowering import Lowered
from tinysieve.quantize.firmware.steps import Step
from tinysieve.quantize.tflm.memory_plan import Lifetime

_ROWS = 1 << 20  # more than any image has: a moment is step * _ROWS + row
_NEVER = 1 << 60


@dataclass
class Traffic:
    """When one tensor with memory of its own is touched, in bytes from its start; moments rise within each list."""

    reads: list[tuple[int, int]] = field(default_factory=list)  # moment, first byte
    writes: list[tuple[int, int, int]] = field(default_factory=list)  # moment, first byte, byte behind the last
    beside: dict[int, list[tuple[int, int]]] = field(default_factory=dict)  # by step: (root, first byte) read in place


def leads(lowered: Lowered, lives: Iterable[Lifetime]) -> dict[tuple[int, int], int]:
    """Bytes that ``eaten`` must start behind ``grown``, by (eaten, grown), where that is less than all of ``grown``."""
    tensors = [entry for entry in lives if entry.tensor >= 0]
    traffic = _traffic(lowered)
    first_needed = {root: _FirstNeeded(entry.reads) for root, entry in traffic.items()}
    distances = {}
    for eaten in tensors:
        for grown in tensors:
            if eaten is grown or eaten.last < grown.first or grown.last < eaten.first:
                continue
            lead = _lead(traffic[eaten.tensor], first_needed[eaten.tensor], eaten.tensor, traffic[grown.tensor])
            if lead < grown.size_bytes:
                distances[eaten.tensor, grown.tensor] = lead
    return distances


def least_bytes(lowered: Lowered, scratch_bytes: Callable[[Step], int]) -> int:
    """Bytes that no arena of these steps can go under: at every row, of each tensor the bytes from the first that is still
    read to the last that is written, and the kernel's scratch memory."""
    traffic, least = _traffic(lowered), 0
    needed = {root: _FirstNeeded(entry.reads) for root, entry in traffic.items()}
    writes = {root: list(entry.writes) for root, entry in traffic.items()}
    ends = dict.fromkeys(traffic, 0)
    for moment in sorted({entry[0] for one in traffic.values() for entry in (*one.reads, *one.writes)}):
        for root, upcoming in writes.items():
            while upcoming and upcoming[0][0] <= moment:
                ends[root] = max(ends[root], upcoming.pop(0)[2])
        alive = {root: max(0, ends[root] - needed[root].at(moment)) for root in traffic}
        step = moment // _ROWS
        scratch = scratch_bytes(lowered.steps[step]) if 0 <= step < len(lowered.steps) else 0
        least = max(least, sum(alive.values()) + scratch - _in_place_bytes(traffic, needed, alive, moment))
    return least


def _in_place_bytes(
    traffic: dict[int, Traffic], needed: dict[int, _FirstNeeded], alive: dict[int, int], moment: int
) -> int:
    """Bytes counted twice where a step writes element by element over an input that nobody reads afterwards."""
    shared = 0
    for grown, entry in traffic.items():
        dying = [alive[root] for root, _ in entry.beside.get(moment, ()) if needed[root].at(moment + 1) == _NEVER]
        shared += min(alive[grown], max(dying, default=0))
    return shared


class _FirstNeeded:
    """The first byte that is still read at a moment or later."""

    def __init__(self, reads: list[tuple[int, int]]) -> None:
        self._moments = [moment for moment, _ in reads]
        self._lowest = [first for _, first in reads]
        for at in range(len(reads) - 2, -1, -1):
            self._lowest[at] = min(self._lowest[at], self._lowest[at + 1])

    def at(self, moment: int) -> int:
        index = bisect_left(self._moments, moment)
        return self._lowest[index] if index < len(self._lowest) else _NEVER


def _lead(eaten: Traffic, needed: _FirstNeeded, tensor: int, grown: Traffic) -> int:
    """Least distance at which no write to either destroys what the other still holds."""
    born, lead = eaten.writes[0][0], -_NEVER
    for moment, first, end in grown.writes:
        if moment < born:
            continue
        beside = [start for root, start in grown.beside.get(moment, ()) if root == tensor]
        # In place, element i is read just before element i is written; what comes later must still be clear of it.
        lead = max(lead, end - needed.at(moment + bool(beside)), *(first - start for start in beside))
    done = 0
    written = iter(grown.writes)
    upcoming = next(written, None)
    for moment, first, _ in eaten.writes:
        while upcoming is not None and upcoming[0] < moment:
            done, upcoming = max(done, upcoming[2]), next(written, None)
        if done:
            lead = max(lead, done - first)
    return lead


def _traffic(lowered: Lowered) -> dict[int, Traffic]:
    source, by_root = lowered.source, dict[int, Traffic]()
    entry = lowered.place(source.inputs[0]).root
    by_root[entry] = Traffic(writes=[(-1, 0, source.size_bytes(entry))])
    for index, step in enumerate(lowered.steps):
        for tensor in step.inputs:
            view = lowered.place(tensor)
            traffic = by_root.setdefault(view.root, Traffic())
            traffic.reads.extend((moment, view.offset_bytes + first) for moment, first in _rows_read(index, step))
        view = lowered.place(step.output)
        traffic = by_root.setdefault(view.root, Traffic())
        size = source.size_bytes(step.output)
        traffic.writes.extend((moment, view.offset_bytes + first, view.offset_bytes + end)
                          for moment, first, end in _rows_written(index, step, size))
        if step.in_place:
            places = [lowered.place(tensor) for tensor in step.inputs]
            traffic.beside[index * _ROWS] = [(place.root, place.offset_bytes) for place in places]
    for answer in map(lowered.place, source.outputs):
        by_root[answer.root].reads.append((len(lowered.steps) * _ROWS, answer.offset_bytes))
    return by_root


def _rows_read(index: int, step: Step) -> Iterator[tuple[int, int]]:
    if step.raster is None:
        yield index * _ROWS, 0
        return
    for row in range(step.raster.rows):
        yield index * _ROWS + row, step.raster.first_needed(row)


def _rows_written(index: int, step: Step, size: int) -> Iterator[tuple[int, int, int]]:
    if step.raster is None:
        yield index * _ROWS, 0, size
        return
    length = step.raster.output_row_bytes
    for row in range(step.raster.rows):
        yield index * _ROWS + row, row * length, (row + 1) * length
