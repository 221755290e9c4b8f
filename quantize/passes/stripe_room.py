"""What stripes cost, computed from their steps: bytes alive at once, bytes that persist, multiply-accumulates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from dataset.errors import InputError
from quantize.memory_plan import TFLM_ALIGNMENT
from quantize.passes.segments import Segment
from quantize.passes.stripe_rows import Rows, even_cuts
from quantize.passes.stripe_steps import Piece, Step, Stripes, one_stripe, takes_input
from quantize.passes.views import VIEW_ALIGNMENT

IMPOSSIBLE = 2**62


@dataclass(frozen=True)
class Machine:
    """What an operator keeps for good beside its tensors, in bytes.

    ``operator_bytes`` by kind (the key ``""`` for any other), ``tensor_bytes`` a tensor that is computed,
    ``multiplier_bytes`` an output channel of a convolution.
    """

    operator_bytes: Mapping[str, int]
    tensor_bytes: int
    multiplier_bytes: int


# Fitted on striped models under the x86-64 build, which is 0.4 % to 6.6 % above a 32-bit one.
TFLM_MACHINE = Machine({"CONV_2D": 240, "DEPTHWISE_CONV_2D": 240, "": 128}, 24, 8)
# Generated C keeps multipliers in flash and has no operators to describe.
C_MACHINE = Machine({"": 0}, 0, 0)


@dataclass(frozen=True)
class StripeCost:
    """One stripe on its own.

    ``alive_bytes`` is the most of its own pieces alive at once, among them its rows of the inputs; ``first_rows`` says
    for each input at which rows its slices begin (row 0 where it reads all of it), ``sliced_bytes`` what they hold.
    """

    alive_bytes: int
    output_bytes: int
    first_rows: Mapping[int, tuple[int, ...]]
    sliced_bytes: Mapping[int, int]
    macs: int
    persistent_bytes: int


@dataclass(frozen=True)
class Room:
    """A striped segment: the most bytes alive within it, what it adds in persistent bytes and multiply-accumulates."""

    stripes: Stripes
    peak_bytes: int
    extra_persistent_bytes: int
    extra_macs: int


def aligned(size: int) -> int:
    """Bytes rounded up to TFLM's alignment."""
    return -(-size // TFLM_ALIGNMENT) * TFLM_ALIGNMENT


class SegmentRoom:
    """Weighs ways to cut one segment; remembers each stripe, since cuts share most of them.

    Slices of the inputs and the concatenation of the output count as views: see :mod:`quantize.passes.arena_plan`.
    """

    def __init__(self, segment: Segment, outside_bytes: int, machine: Machine) -> None:
        """``outside_bytes`` are alive all the time that the segment runs and are none of its tensors."""
        self.segment, self.outside_bytes, self.machine = segment, outside_bytes, machine
        self._layers = {layer.operator: layer for layer in segment.layers}
        self._stripes: dict[tuple[int, int], StripeCost | None] = {}

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
                found = self._peak(moved)
                if found < peak:
                    peak, cuts, improved = found, moved, True
        return None if peak == IMPOSSIBLE else self._room(cuts, peak)

    def _room(self, cuts: tuple[int, ...], peak: int) -> Room:
        stripes = Stripes(self.segment, cuts)
        costs = [cost for cost in (self._stripe(rows.first, rows.last) for rows in stripes.ranges) if cost is not None]
        macs = sum(layer.macs_per_row * self.segment.images[layer.output].rows for layer in self.segment.layers)
        kinds = ["PAD" if layer.pads else layer.name for layer in self.segment.layers]
        whole = sum(map(self._kept, kinds, (layer.multipliers for layer in self.segment.layers)))
        persistent = sum(cost.persistent_bytes for cost in costs) + self._kept("CONCATENATION", 0) - whole
        return Room(stripes, peak, persistent, sum(cost.macs for cost in costs) - macs)

    def _kept(self, kind: str, multipliers: int) -> int:
        machine = self.machine
        return machine.operator_bytes.get(kind, machine.operator_bytes[""]) + machine.tensor_bytes \
            + machine.multiplier_bytes * multipliers

    def _peak(self, cuts: tuple[int, ...]) -> int:
        costs = []
        for first, last in pairwise((0, *cuts, self.segment.height)):
            cost = self._stripe(first, last)
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

    def _stripe(self, first: int, last: int) -> StripeCost | None:
        """Cost of these output rows on their own; None where they cannot be a stripe."""
        if (first, last) not in self._stripes:
            try:
                found = self._weigh(one_stripe(self.segment, 0, Rows(first, last))) if last > first else None
            except InputError:
                found = None
            self._stripes[first, last] = found
        return self._stripes[first, last]

    def _weigh(self, steps: Sequence[Step]) -> StripeCost:
        macs = persistent = 0
        first_rows: dict[int, tuple[int, ...]] = dict.fromkeys(self.segment.inputs, ())
        sliced_bytes = dict.fromkeys(self.segment.inputs, 0)
        for step in steps:
            layer = self._layers.get(step.operator)
            persistent += self._kept(layer.name, layer.multipliers) if layer else self._kept(step.kind, 0)
            macs += layer.macs_per_row * step.output.rows.count if layer else 0
            if takes_input(step):
                first_rows[step.output.tensor] += (step.output.rows.first,)
                sliced_bytes[step.output.tensor] += self._bytes(step.output)
            else:
                first_rows |= {piece.tensor: (0,) for piece in step.inputs if piece.stripe < 0}
        return StripeCost(self._alive(steps), self._bytes(steps[-1].output), first_rows, sliced_bytes, macs, persistent)

    def _bytes(self, piece: Piece) -> int:
        image, padding = self.segment.images[piece.tensor], piece.padded
        rows = piece.rows.count + padding.top + padding.bottom
        return aligned(rows * (image.columns + padding.left + padding.right) * image.channels)

    def _alive(self, steps: Sequence[Step]) -> int:
        """Most bytes of pieces alive during one step; slices of the inputs wait from the start, other slices are views."""
        # Pieces by identity: each step's output is one object that later steps refer to, and hashing them takes longest.
        root: dict[int, int] = {}
        sizes: dict[int, int] = {}
        waiting = []
        for step in steps:
            if step.kind == "SLICE" and step.inputs[0].stripe >= 0:
                root[id(step.output)] = root[id(step.inputs[0])]
                continue
            whole = [piece for piece in step.inputs if piece.stripe < 0 and step.kind != "SLICE"]
            waiting += [*whole, step.output] if takes_input(step) else whole
            for piece in (*whole, step.output):
                root[id(piece)] = id(piece)
                sizes[id(piece)] = self._bytes(piece)
        last = {root[id(piece)]: at for at, step in enumerate(steps) for piece in step.inputs if id(piece) in root}
        alive = {id(piece) for piece in waiting}
        total = peak = sum(sizes[one] for one in alive)
        for at, step in enumerate(steps):
            made = id(step.output)
            if root[made] == made and made not in alive:
                alive.add(made)
                total += sizes[made]
            peak = max(peak, total)
            for one in {root[id(piece)] for piece in step.inputs if id(piece) in root}:
                if last[one] == at:
                    alive.discard(one)
                    total -= sizes[one]
        return peak


def _neighbours(cuts: tuple[int, ...], height: int) -> list[tuple[int, ...]]:
    """Cuts with one border moved by up to two rows, or all borders from one on moved together."""
    found = []
    for index in range(len(cuts)):
        for step in (-2, -1, 1, 2):
            found.append((*cuts[:index], cuts[index] + step, *cuts[index + 1:]))
            found.append((*cuts[:index], *(cut + step for cut in cuts[index:])))
    return [one for one in found if list(one) == sorted(set(one)) and one[0] > 0 and one[-1] < height]
