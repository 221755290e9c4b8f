"""The way to cut a segment into stripes that needs the least room, by what each stripe costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from tinysieve.quantize.passes.copied_tensors import VIEW_ALIGNMENT
from tinysieve.quantize.passes.stripes.segments import Segment
from tinysieve.quantize.passes.stripes.stripe_cost import Machine, StripeCost, StripeCosts, aligned
from tinysieve.quantize.passes.stripes.stripe_rows import even_cuts
from tinysieve.quantize.passes.stripes.stripe_steps import Stripes

IMPOSSIBLE = 2**62


@dataclass(frozen=True)
class Room:
    """A striped segment: the most bytes alive within it, what it adds in persistent bytes and multiply-accumulates."""

    stripes: Stripes
    peak_bytes: int
    extra_persistent_bytes: int
    extra_macs: int


class SegmentRoom:
    """Weighs ways to cut one segment.

    Slices of the inputs and the concatenation of the output count as views: see :mod:`tinysieve.quantize.passes.offline_plan`.
    """

    def __init__(self, segment: Segment, outside_bytes: int, machine: Machine) -> None:
        """``outside_bytes`` are alive all the time that the segment runs and are none of its tensors."""
        self.segment, self.outside_bytes, self.machine = segment, outside_bytes, machine
        self.costs = StripeCosts(segment, machine)

    def best(self, count: int) -> Room | None:
        """The cuts into ``count`` stripes with the lowest peak found; None where none is possible.

        Starts from equal stripes and moves borders while that lowers the peak.
        """
        cuts = even_cuts(self.segment.height, count)
        peak = self._peak(cuts)
        improved = peak < IMPOSSIBLE
        while improved:
            improved = False
            for moved in _neighbours(cuts, self.segment.height):
                moved_peak = self._peak(moved)
                if moved_peak < peak:
                    peak, cuts, improved = moved_peak, moved, True
        return None if peak == IMPOSSIBLE else self._room(cuts, peak)

    def _room(self, cuts: tuple[int, ...], peak: int) -> Room:
        stripes = Stripes(self.segment, cuts)
        costs = [cost for cost in (self.costs.of(rows.first, rows.last) for rows in stripes.ranges) if cost is not None]
        macs = sum(layer.macs_per_row * self.segment.images[layer.output].rows for layer in self.segment.layers)
        kinds = ["PAD" if layer.pads else layer.name for layer in self.segment.layers]
        whole = sum(map(self.machine.kept_bytes, kinds, (layer.multipliers for layer in self.segment.layers)))
        persistent = sum(cost.persistent_bytes for cost in costs) + self.machine.kept_bytes("CONCATENATION", 0) - whole
        return Room(stripes, peak, persistent, sum(cost.macs for cost in costs) - macs)

    def _peak(self, cuts: tuple[int, ...]) -> int:
        costs = []
        for first, last in pairwise((0, *cuts, self.segment.height)):
            cost = self.costs.of(first, last)
            if cost is None:
                return IMPOSSIBLE
            costs.append(cost)
        copied = [t for t in self.segment.inputs if not self._are_views(t, (n for cost in costs for n in cost.first_rows[t]))]
        peak = self._dying_bytes + sum(cost.sliced_bytes[t] for cost in costs for t in copied)
        parts = 0
        for number, cost in enumerate(costs):
            peak = max(peak, parts + cost.alive_bytes + self._waiting(costs[number + 1:], copied))
            parts += cost.output_bytes
        joined = self._output_bytes if self._are_views(self.segment.output, cuts) else parts + self._output_bytes
        return self.outside_bytes + self._lasting_bytes + max(peak, joined)

    def _are_views(self, tensor: int, first_rows: Iterable[int]) -> bool:
        """Whether stretches that begin at these rows can lie inside the tensor."""
        image = self.segment.images[tensor]
        return all(first * image.columns * image.channels % VIEW_ALIGNMENT == 0 for first in first_rows)

    def _waiting(self, later: Sequence[StripeCost], copied: Sequence[int]) -> int:
        """Bytes of the inputs that later stripes read: rows of the dying ones, and all slices that are copies."""
        total = sum(cost.sliced_bytes[tensor] for cost in later for tensor in copied)
        for tensor in self.segment.dying - set(copied) if later else ():
            image, first = self.segment.images[tensor], min(n for cost in later for n in cost.first_rows[tensor])
            total += (image.rows - first) * image.columns * image.channels
        return total

    @cached_property
    def _dying_bytes(self) -> int:
        return sum(self._tensor_bytes(t) for t in self.segment.dying)

    @cached_property
    def _lasting_bytes(self) -> int:
        return sum(self._tensor_bytes(t) for t in self.segment.inputs if t not in self.segment.dying)

    @cached_property
    def _output_bytes(self) -> int:
        return self._tensor_bytes(self.segment.output)

    def _tensor_bytes(self, tensor: int) -> int:
        image = self.segment.images[tensor]
        return aligned(image.rows * image.columns * image.channels)

def _neighbours(cuts: tuple[int, ...], height: int) -> list[tuple[int, ...]]:
    """Cuts with one border moved by up to two rows, or all borders from one on moved together."""
    neighbours = []
    for index in range(len(cuts)):
        for step in (-2, -1, 1, 2):
            neighbours.append((*cuts[:index], cuts[index] + step, *cuts[index + 1:]))
            neighbours.append((*cuts[:index], *(cut + step for cut in cuts[index:])))
    return [candidate for candidate in neighbours
            if list(candidate) == sorted(set(candidate)) and candidate[0] > 0 and candidate[-1] < height]
