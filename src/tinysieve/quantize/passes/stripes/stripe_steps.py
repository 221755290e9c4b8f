"""A segment cut into stripes, worked out on paper: which pieces of which tensors, by which operators, in which order.

Cut the output rows, walk back to the input rows behind each cut, slice them, pad with the zero point at true borders
only. A planner weighs thousands of cuts as steps before one is written into a model.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from tinysieve.ground.errors import InputError
from tinysieve.quantize.passes.stripes.segments import Layer, Segment
from tinysieve.quantize.passes.stripes.stripe_rows import Rows, needed_rows

WHOLE = -1  # the stripe number of what exists once, and the operator number of steps that the original has not


@dataclass(frozen=True)
class Padding:
    """Rows and columns of zero point around a piece."""

    top: int = 0
    bottom: int = 0
    left: int = 0
    right: int = 0

    def __bool__(self) -> bool:
        return self.top + self.bottom + self.left + self.right > 0


NONE = Padding()


@dataclass(frozen=True)
class Piece:
    """Some rows of a tensor of the original graph, as one stripe has them; ``padded`` with zero point around."""

    tensor: int
    rows: Rows
    stripe: int = WHOLE
    padded: Padding = NONE


@dataclass(frozen=True)
class Step:
    """One operator of the striped graph: ``RUN`` (a copy of ``operator``), ``SLICE``, ``PAD`` or ``CONCATENATION``.

    ``keeps_padding`` says that a copy pads as the original does, since it sees the whole image; otherwise it is VALID.
    """

    kind: str
    inputs: tuple[Piece, ...]
    output: Piece
    operator: int = WHOLE
    padding: Padding = NONE
    keeps_padding: bool = False


@dataclass(frozen=True)
class Stripes:
    """A segment with the output rows at which it is cut."""

    segment: Segment
    cuts: tuple[int, ...]

    @property
    def ranges(self) -> tuple[Rows, ...]:
        """Output rows of each stripe, from the top."""
        return tuple(Rows(first, last) for first, last in pairwise((0, *self.cuts, self.segment.height)))


def stripe_steps(stripes: Stripes) -> tuple[Step, ...]:
    """All steps of a striped segment in the order in which they run: slices of the inputs, then stripe after stripe.

    With the slices taken first, the input's rows die one stripe after the other where slices are views of it.

    Raises:
        InputError: a stripe would lie wholly in padding.
    """
    segment = stripes.segment
    steps = [step for number, rows in enumerate(stripes.ranges) for step in one_stripe(segment, number, rows)]
    steps.sort(key=lambda step: not takes_input(step))
    parts = tuple(Piece(segment.output, rows, number) for number, rows in enumerate(stripes.ranges))
    return (*steps, Step("CONCATENATION", parts, Piece(segment.output, Rows(0, segment.height))))


def takes_input(step: Step) -> bool:
    """Whether a step slices a whole input of the segment."""
    return step.kind == "SLICE" and step.inputs[0].stripe == WHOLE


def rows_behind(segment: Segment, wanted: Rows) -> dict[int, Rows]:
    """Rows of every tensor of the segment that ``wanted`` rows of its output need.

    Raises:
        InputError: a stripe would lie wholly in padding.
    """
    needed = {segment.output: wanted}
    for layer in reversed(segment.layers):
        for tensor in layer.inputs:
            rows, _, _ = needed_rows(layer.window, needed[layer.output], segment.images[tensor].rows)
            if not rows.count:
                raise InputError(f"a stripe of operator {layer.operator} would see nothing but padding",
                                 why="it cannot be cut there", fix="use fewer stripes")
            needed[tensor] = needed[tensor].union(rows) if tensor in needed else rows
    return needed


def one_stripe(segment: Segment, number: int, wanted: Rows) -> tuple[Step, ...]:
    """The steps that make ``wanted`` rows of the segment's output from its whole inputs.

    Raises:
        InputError: the stripe would lie wholly in padding.
    """
    stripe = _Stripe(segment, number, rows_behind(segment, wanted))
    for layer in segment.layers:
        stripe.run(layer)
    return tuple(stripe.steps)


class _Stripe:
    def __init__(self, segment: Segment, number: int, needed: dict[int, Rows]) -> None:
        self.segment, self.number, self.needed = segment, number, needed
        self.pieces = {t: Piece(t, Rows(0, segment.images[t].rows)) for t in segment.inputs}
        self.slices: dict[tuple[int, Rows], Piece] = {}
        self.steps: list[Step] = []

    def run(self, layer: Layer) -> None:
        rows = self.needed[layer.output]
        output = Piece(layer.output, rows, self.number)
        sources = [self._take(layer, tensor, rows) for tensor in layer.inputs]
        _, top, bottom = needed_rows(layer.window, rows, self.segment.images[layer.inputs[0]].rows)
        padding = Padding(top, bottom, *layer.columns)
        whole = rows.count == self.segment.images[layer.output].rows \
            and sources[0].rows.count == self.segment.images[layer.inputs[0]].rows
        if layer.pads:
            self.steps.append(Step("PAD", tuple(sources), output, padding=padding))
        else:
            if padding and not whole:
                padded = Piece(sources[0].tensor, sources[0].rows, self.number, padding)
                self.steps.append(Step("PAD", (sources[0],), padded, padding=padding))
                sources[0] = padded
            self.steps.append(Step("RUN", tuple(sources), output, layer.operator, keeps_padding=whole))
        self.pieces[layer.output] = output

    def _take(self, layer: Layer, tensor: int, rows: Rows) -> Piece:
        """The rows that a layer reads, sliced off what there is where that is more."""
        height = self.segment.images[tensor].rows
        wanted, _, _ = needed_rows(layer.window, rows, height)
        source = self.pieces[tensor]
        # Trailing rows that no window reads may stay: cutting them off would cost a copy.
        if source.rows == wanted or (rows.count == self.segment.images[layer.output].rows and source.rows.count == height):
            return source
        if (tensor, wanted) not in self.slices:
            self.slices[tensor, wanted] = Piece(tensor, wanted, self.number)
            self.steps.append(Step("SLICE", (source,), self.slices[tensor, wanted]))
        return self.slices[tensor, wanted]
