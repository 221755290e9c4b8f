"""What one stripe costs, computed from its steps: bytes alive at once, bytes that persist, multiply-accumulates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tinysieve.ground.errors import InputError
from tinysieve.quantize.passes.stripes.segments import Segment
from tinysieve.quantize.passes.stripes.stripe_rows import Rows
from tinysieve.quantize.passes.stripes.stripe_steps import Piece, Step, one_stripe, takes_input
from tinysieve.quantize.tflm.memory_plan import TFLM_ALIGNMENT


@dataclass(frozen=True)
class Machine:
    """What an operator keeps for good beside its tensors, in bytes.

    ``operator_bytes`` by kind (the key ``""`` for any other), ``tensor_bytes`` a tensor that is computed,
    ``multiplier_bytes`` an output channel of a convolution.
    """

    operator_bytes: Mapping[str, int]
    tensor_bytes: int
    multiplier_bytes: int

    def kept_bytes(self, kind: str, multipliers: int) -> int:
        """Bytes that an operator of this kind keeps, its output tensor among them."""
        return self.operator_bytes.get(kind, self.operator_bytes[""]) + self.tensor_bytes + self.multiplier_bytes * multipliers


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


def aligned(size: int) -> int:
    """Bytes rounded up to TFLM's alignment."""
    return -(-size // TFLM_ALIGNMENT) * TFLM_ALIGNMENT


class StripeCosts:
    """Weighs stripes of one segment and remembers each, since ways to cut it share most of them."""

    def __init__(self, segment: Segment, machine: Machine) -> None:
        """Nothing is weighed yet."""
        self.segment, self.machine = segment, machine
        self._layers = {layer.operator: layer for layer in segment.layers}
        self._stripes: dict[tuple[int, int], StripeCost | None] = {}

    def of(self, first: int, last: int) -> StripeCost | None:
        """Cost of these output rows on their own; None where they cannot be a stripe."""
        if (first, last) not in self._stripes:
            try:
                cost = self._weigh(one_stripe(self.segment, 0, Rows(first, last))) if last > first else None
            except InputError:
                cost = None
            self._stripes[first, last] = cost
        return self._stripes[first, last]

    def _weigh(self, steps: Sequence[Step]) -> StripeCost:
        macs = persistent = 0
        first_rows: dict[int, tuple[int, ...]] = dict.fromkeys(self.segment.inputs, ())
        sliced_bytes = dict.fromkeys(self.segment.inputs, 0)
        for step in steps:
            layer = self._layers.get(step.operator)
            persistent += self.machine.kept_bytes(*((layer.name, layer.multipliers) if layer else (step.kind, 0)))
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
        total = peak = sum(sizes[key] for key in alive)
        for at, step in enumerate(steps):
            made = id(step.output)
            if root[made] == made and made not in alive:
                alive.add(made)
                total += sizes[made]
            peak = max(peak, total)
            for key in {root[id(piece)] for piece in step.inputs if id(piece) in root}:
                if last[key] == at:
                    alive.discard(key)
                    total -= sizes[key]
        return peak
