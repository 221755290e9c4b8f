"""Where each tensor of the generated program lies: one arena, in which an output may grow over the input that it eats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tinysieve.quantize.firmware.lowering import Lowered
from tinysieve.quantize.firmware.sharing import leads
from tinysieve.quantize.firmware.steps import Step
from tinysieve.quantize.tflm.memory_plan import Lifetime, live_bytes

ALIGNMENT = 4  # the scratch memory of kernels holds int32
_MOVES = 200
# Among equals, what is written later goes first: its input then finds the place a lead behind it.
_ORDERS: tuple[Callable[[Lifetime], tuple[int, ...]], ...] = (
    lambda one: (-one.size_bytes, -one.first, one.tensor),
    lambda one: (-one.first, -one.size_bytes, one.tensor),
    lambda one: (one.first - one.last, -one.size_bytes, one.tensor),
    lambda one: ((one.first - one.last - 1) * one.size_bytes, -one.first, one.tensor),
)


@dataclass(frozen=True)
class ArenaPlan:
    """Offsets by tensor (scratch memory by -1 - step), the bytes that all span, and the pairs that share memory."""

    offsets: dict[int, int]
    bytes: int
    shared: frozenset[tuple[int, int]]


def plan_arena(lowered: Lowered, scratch_bytes: Callable[[Step], int]) -> ArenaPlan:
    """The smallest arena found: first fit in several orders, each improved by moving what ends at the top."""
    lives = (*_lifetimes(lowered), *_scratch(lowered.steps, scratch_bytes))
    distances = leads(lowered, lives)
    puzzle = _Puzzle(lives, distances)
    best = min((puzzle.improved(sorted(lives, key=key)) for key in _ORDERS), key=puzzle.span)
    # Sharing costs time (a call per row): where there is room, a second plan does without.
    crowded = _Puzzle(lives, _where_crowded(distances, lives, puzzle.span(best)))
    calm = crowded.improved(sorted(lives, key=lambda one: -best[one.tensor]))
    offsets = calm if puzzle.span(calm) <= puzzle.span(best) else best
    return ArenaPlan(offsets, puzzle.span(offsets), frozenset(_overlapping(offsets, lives, distances)))


def _where_crowded(
    distances: dict[tuple[int, int], int], lives: Sequence[Lifetime], arena_bytes: int
) -> dict[tuple[int, int], int]:
    """Pairs that meet in a step during which more bytes are alive than the arena holds."""
    by_tensor = {one.tensor: one for one in lives}
    alive = live_bytes(lives, max(one.last for one in lives) + 1)

    def crowded(one: Lifetime, other: Lifetime) -> bool:
        return max(alive[max(one.first, other.first):min(one.last, other.last) + 1]) > arena_bytes

    return {pair: lead for pair, lead in distances.items() if crowded(by_tensor[pair[0]], by_tensor[pair[1]])}


class _Puzzle:
    """Buffers to place; ``distances`` of those that may overlap by (eaten, grown) tensor."""

    def __init__(self, lives: Sequence[Lifetime], distances: dict[tuple[int, int], int]) -> None:
        self._lives, self._distances = lives, distances
        self._rivals = {one.tensor: [other for other in lives if other is not one
                                     and other.first <= one.last and one.first <= other.last] for one in lives}

    def span(self, offsets: dict[int, int]) -> int:
        """Bytes from 0 to the end of the topmost buffer."""
        return -(-max(offsets[one.tensor] + one.size_bytes for one in self._lives) // ALIGNMENT) * ALIGNMENT

    def placed(self, order: Sequence[Lifetime]) -> dict[int, int]:
        """First fit in the order given."""
        offsets: dict[int, int] = {}
        for one in order:
            barred = sorted(self._barred(one, other, offsets[other.tensor])
                            for other in self._rivals[one.tensor] if other.tensor in offsets)
            offsets[one.tensor] = _lowest(barred)
        return offsets

    def improved(self, order: list[Lifetime]) -> dict[int, int]:
        """Steepest descent that never visits an order twice: the topmost buffer moves before one of its rivals."""
        best, seen = self.placed(order), set[tuple[int, ...]]()
        for _ in range(_MOVES):
            offsets = self.placed(order)
            best = min(best, offsets, key=self.span)
            top = max(order, key=lambda one: offsets[one.tensor] + one.size_bytes)
            orders = [moved for rival in self._rivals[top.tensor]
                      if (moved := _moved(order, top, rival)) is not None and _key(moved) not in seen]
            if not orders:
                break
            order = min(orders, key=lambda one: self._cost(self.placed(one)))
            seen.add(_key(order))
        return best

    def _cost(self, offsets: dict[int, int]) -> tuple[int, int]:
        return self.span(offsets), sum(offsets.values())

    def _barred(self, one: Lifetime, other: Lifetime, at: int) -> tuple[int, int]:
        """Offsets strictly between these would let ``one`` destroy ``other``, which lies ``at``, or be destroyed by it."""
        low, high = at - one.size_bytes, at + other.size_bytes
        if (lead := self._distances.get((one.tensor, other.tensor))) is not None:
            high = min(high, at + lead)
        if (lead := self._distances.get((other.tensor, one.tensor))) is not None:
            low = max(low, at - lead)
        return low, high


def _moved(order: list[Lifetime], one: Lifetime, before: Lifetime) -> list[Lifetime] | None:
    """``one`` just before ``before``; None where it already is."""
    if order.index(one) < order.index(before):
        return None
    rest = [other for other in order if other is not one]
    position = rest.index(before)
    return [*rest[:position], one, *rest[position:]]


def _key(order: Sequence[Lifetime]) -> tuple[int, ...]:
    return tuple(one.tensor for one in order)


def _lifetimes(lowered: Lowered) -> tuple[Lifetime, ...]:
    """Tensors with memory of their own, by step; the input lives from before the first, the output past the last."""
    source, end = lowered.source, len(lowered.steps) - 1
    first, last = {lowered.place(source.inputs[0]).root: 0}, {lowered.place(source.inputs[0]).root: 0}
    for index, step in enumerate(lowered.steps):
        for tensor in (*step.inputs, step.output):
            root = lowered.place(tensor).root
            first.setdefault(root, index)
            last[root] = index
    answer = lowered.place(source.outputs[0]).root
    last[answer] = end
    first.setdefault(answer, 0)
    return tuple(Lifetime(root, source.size_bytes(root), first[root], last[root]) for root in sorted(first))


def _scratch(steps: Sequence[Step], scratch_bytes: Callable[[Step], int]) -> Iterable[Lifetime]:
    for index, step in enumerate(steps):
        if size := scratch_bytes(step):
            yield Lifetime(-1 - index, size, index, index)


def _lowest(barred: Iterable[tuple[int, int]]) -> int:
    candidate = 0
    for low, high in barred:
        if low < candidate < high:
            candidate = -(-high // ALIGNMENT) * ALIGNMENT
    return candidate


def _overlapping(
    offsets: dict[int, int], lives: Iterable[Lifetime], pairs: Iterable[tuple[int, int]]
) -> Iterable[tuple[int, int]]:
    size = {one.tensor: one.size_bytes for one in lives}
    for eaten, grown in pairs:
        if offsets[eaten] < offsets[grown] + size[grown] and offsets[grown] < offsets[eaten] + size[eaten]:
            yield eaten, grown
