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
    lambda life: (-life.size_bytes, -life.first, life.tensor),
    lambda life: (-life.first, -life.size_bytes, life.tensor),
    lambda life: (life.first - life.last, -life.size_bytes, life.tensor),
    lambda life: ((life.first - life.last - 1) * life.size_bytes, -life.first, life.tensor),
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
    calm = crowded.improved(sorted(lives, key=lambda life: -best[life.tensor]))
    offsets = calm if puzzle.span(calm) <= puzzle.span(best) else best
    return ArenaPlan(offsets, puzzle.span(offsets), frozenset(_overlapping(offsets, lives, distances)))


def _where_crowded(
    distances: dict[tuple[int, int], int], lives: Sequence[Lifetime], arena_bytes: int
) -> dict[tuple[int, int], int]:
    """Pairs that meet in a step during which more bytes are alive than the arena holds."""
    by_tensor = {life.tensor: life for life in lives}
    alive = live_bytes(lives, max(life.last for life in lives) + 1)

    def crowded(life: Lifetime, other: Lifetime) -> bool:
        return max(alive[max(life.first, other.first):min(life.last, other.last) + 1]) > arena_bytes

    return {pair: lead for pair, lead in distances.items() if crowded(by_tensor[pair[0]], by_tensor[pair[1]])}


class _Puzzle:
    """Buffers to place; ``distances`` of those that may overlap by (eaten, grown) tensor."""

    def __init__(self, lives: Sequence[Lifetime], distances: dict[tuple[int, int], int]) -> None:
        self._lives, self._distances = lives, distances
        self._rivals = {life.tensor: [other for other in lives if other is not life
                                     and other.first <= life.last and life.first <= other.last] for life in lives}

    def span(self, offsets: dict[int, int]) -> int:
        """Bytes from 0 to the end of the topmost buffer."""
        return -(-max(offsets[life.tensor] + life.size_bytes for life in self._lives) // ALIGNMENT) * ALIGNMENT

    def placed(self, order: Sequence[Lifetime]) -> dict[int, int]:
        """First fit in the order given."""
        offsets: dict[int, int] = {}
        for life in order:
            barred = sorted(self._barred(life, other, offsets[other.tensor])
                            for other in self._rivals[life.tensor] if other.tensor in offsets)
            offsets[life.tensor] = _lowest(barred)
        return offsets

    def improved(self, order: list[Lifetime]) -> dict[int, int]:
        """Steepest descent that never visits an order twice: the topmost buffer moves before one of its rivals."""
        best, seen = self.placed(order), set[tuple[int, ...]]()
        for _ in range(_MOVES):
            offsets = self.placed(order)
            best = min(best, offsets, key=self.span)
            top = max(order, key=lambda life: offsets[life.tensor] + life.size_bytes)
            orders = [moved for rival in self._rivals[top.tensor]
                      if (moved := _moved(order, top, rival)) is not None and _key(moved) not in seen]
            if not orders:
                break
            order = min(orders, key=lambda candidate: self._cost(self.placed(candidate)))
            seen.add(_key(order))
        return best

    def _cost(self, offsets: dict[int, int]) -> tuple[int, int]:
        return self.span(offsets), sum(offsets.values())

    def _barred(self, life: Lifetime, other: Lifetime, at: int) -> tuple[int, int]:
        """Offsets strictly between these would let ``one`` destroy ``other``, which lies ``at``, or be destroyed by it."""
        low, high = at - life.size_bytes, at + other.size_bytes
        if (lead := self._distances.get((life.tensor, other.tensor))) is not None:
            high = min(high, at + lead)
        if (lead := self._distances.get((other.tensor, life.tensor))) is not None:
            low = max(low, at - lead)
        return low, high


def _moved(order: list[Lifetime], life: Lifetime, before: Lifetime) -> list[Lifetime] | None:
    """``one`` just before ``before``; None where it already is."""
    if order.index(life) < order.index(before):
        return None
    rest = [other for other in order if other is not life]
    position = rest.index(before)
    return [*rest[:position], life, *rest[position:]]


def _key(order: Sequence[Lifetime]) -> tuple[int, ...]:
    return tuple(life.tensor for life in order)


def _lifetimes(lowered: Lowered) -> tuple[Lifetime, ...]:
    """Tensors with memory of their own, by step; the input lives from before the first, the outputs past the last."""
    source, end = lowered.source, len(lowered.steps) - 1
    first, last = {lowered.place(source.inputs[0]).root: 0}, {lowered.place(source.inputs[0]).root: 0}
    for index, step in enumerate(lowered.steps):
        for tensor in (*step.inputs, step.output):
            root = lowered.place(tensor).root
            first.setdefault(root, index)
            last[root] = index
    for answer in {lowered.place(tensor).root for tensor in source.outputs}:
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
    size = {life.tensor: life.size_bytes for life in lives}
    for eaten, grown in pairs:
        if offsets[eaten] < offsets[grown] + size[grown] and offsets[grown] < offsets[eaten] + size[eaten]:
            yield eaten, grown
