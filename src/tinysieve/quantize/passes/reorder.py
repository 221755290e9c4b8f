"""Runs operators in another order where less is alive at once: branches can often wait, or finish first."""

from __future__ import annotations

from tinysieve.quantize.tflite.graph import read_graph
from tinysieve.quantize.tflite.model_tree import ModelTree, PassResult
from tinysieve.quantize.tflm.memory_plan import Lifetime, lifetimes, lower_bound

MOST_OPERATORS = 400


def reorder(model: bytes) -> PassResult:
    """The same operators in the order with the lowest peak found; unchanged where none is lower.

    Runs, of the operators that are ready, the one after which the fewest bytes are alive (the earlier one of equals),
    then moves single operators while that lowers the peak.

    Raises:
        InputError: not a .tflite file.
    """
    tree = ModelTree(model)
    count = len(tree.operators)
    if tree.refusal() or count > MOST_OPERATORS:
        return PassResult(model, (f"order left alone: {tree.refusal() or f'{count} operators are too many to try'}",))
    work = _Work(tree, model)
    given = list(range(count))
    if all(len(work.ready_after(given[:at])) <= 1 for at in range(count)):
        return PassResult(model, ())  # a chain has one order
    before, (after, order) = work.peak(given), work.improved(min((given, work.greedy()), key=work.peak))
    if after >= before:
        return PassResult(model, ())
    tree.graph.operators = [tree.operators[at] for at in order]
    return PassResult(tree.bytes(), (f"operators reordered: {after:,} B alive at the peak instead of {before:,} B",))


class _Work:
    """Which operators wait for which, and how much is alive in a given order."""

    def __init__(self, tree: ModelTree, model: bytes) -> None:
        self.inputs = [set(tree.activations(operator)) for operator in tree.operators]
        self.outputs = [set(tree.outputs(operator)) for operator in tree.operators]
        self.sizes = {life.tensor: life.size_bytes for life in lifetimes(read_graph(model))}
        self.given, self.results = {int(n) for n in tree.graph.inputs}, {int(n) for n in tree.graph.outputs}
        maker = {tensor: at for at, made in enumerate(self.outputs) for tensor in made}
        self.waits = [{maker[t] for t in read if t in maker} for read in self.inputs]

    def ready_after(self, done: list[int]) -> list[int]:
        """Operators that could run next."""
        finished = set(done)
        return [at for at, waits in enumerate(self.waits) if at not in finished and waits <= finished]

    def greedy(self) -> list[int]:
        order: list[int] = []
        while len(order) < len(self.waits):
            order.append(min(self.ready_after(order), key=lambda at: (self._growth(at, order), at)))
        return order

    def _growth(self, at: int, done: list[int]) -> int:
        """Bytes alive after the operator minus before."""
        later = [n for n in range(len(self.waits)) if n not in done and n != at]
        dying = [t for t in self.inputs[at] if t not in self.results and not any(t in self.inputs[n] for n in later)]
        return sum(self.sizes.get(t, 0) for t in self.outputs[at]) - sum(self.sizes.get(t, 0) for t in dying)

    def peak(self, order: list[int]) -> int:
        """Most bytes alive at once."""
        lives: dict[int, list[int]] = {t: [0, 0] for t in self.given}
        for place, at in enumerate(order):
            for tensor in self.inputs[at] | self.outputs[at]:
                lives.setdefault(tensor, [place, place])[1] = place
        for tensor in self.results & set(lives):
            lives[tensor][1] = len(order) - 1
        intervals = [Lifetime(t, self.sizes.get(t, 0), first, last) for t, (first, last) in lives.items()]
        return lower_bound(intervals, len(order)).bytes

    def improved(self, order: list[int]) -> tuple[int, list[int]]:
        """Move single operators to other places they may have, while the peak falls."""
        best = self.peak(order)
        better = True
        while better:
            better = False
            for moved in self._moves(order):
                peak = self.peak(moved)
                if peak < best:
                    best, order, better = peak, moved, True
                    break
        return best, order

    def _moves(self, order: list[int]) -> list[list[int]]:
        moves = []
        for place, at in enumerate(order):
            earliest = 1 + max((order.index(n) for n in self.waits[at]), default=-1)
            for target in range(earliest, place):
                moves.append([*order[:target], at, *order[target:place], *order[place + 1:]])
        return moves
