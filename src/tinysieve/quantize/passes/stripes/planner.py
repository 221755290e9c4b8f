"""Chooses which segments to stripe and how finely: the fewest extra multiply-accumulates that meet a RAM target.

Each copy of an operator keeps persistent bytes again, so finer stripes are not always better. The search weighs
segments on paper: for a limit on the bytes alive at once it finds, by dynamic programming over the operators, the plans
that no other beats in both multiply-accumulates and persistent bytes. What the paper promises, a judge then measures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tinysieve.ground.progress import Progress, part
from tinysieve.quantize.passes.offline_plan import plan_arena, planned_bytes
from tinysieve.quantize.passes.stripes.segments import Segment, layers_of, segment_of
from tinysieve.quantize.passes.stripes.stripe_cost import Machine, aligned
from tinysieve.quantize.passes.stripes.stripe_room import Room, SegmentRoom
from tinysieve.quantize.passes.stripes.striping import stripe
from tinysieve.quantize.tflite.graph import read_graph
from tinysieve.quantize.tflite.model_tree import ModelTree
from tinysieve.quantize.tflm.kernel_libraries import REFERENCE, KernelLibrary
from tinysieve.quantize.tflm.memory_plan import lifetimes, live_bytes, tflm_scratch

LONGEST_SEGMENT = 12
MOST_STRIPES = 8
LIMITS_TRIED = 60
# How far paper may be above the truth: persistent bytes are estimated.
PAPER_ERROR = 0.01
TRIED_AT_LEAST = 3
# Where the first two parts of the search end, as shares of it: about what they take.
WITHOUT_STRIPES, ON_PAPER = 0.1, 0.35



@dataclass(frozen=True)
class PaperPlan:
    """Stripes by segment with what they are computed to cost over the model as it is."""

    rooms: tuple[Room, ...]
    peak_bytes: int
    extra_persistent_bytes: int
    extra_macs: int

    @property
    def bytes(self) -> int:
        """Peak and added persistent bytes: what plans are compared by."""
        return self.peak_bytes + self.extra_persistent_bytes


def paper_plans(model: bytes, machine: Machine, progress: Progress) -> tuple[PaperPlan, ...]:
    """Plans worth measuring, the fewest extra multiply-accumulates first; among them the one without stripes, if it is.

    No plan in the list has both more multiply-accumulates and more bytes than another.

    Raises:
        InputError: not a .tflite file.
    """
    alive = _alive(model)
    options = _options(model, machine, alive, progress)
    whole = PaperPlan((), max(alive, default=0), 0, 0)
    plans = [whole]
    for limit in _limits(alive, options):
        plans.extend(_within(limit, alive, options))
    return _not_beaten(plans)


def _alive(model: bytes) -> tuple[int, ...]:
    graph = read_graph(model)
    buffers = [*lifetimes(graph), *tflm_scratch(graph)]
    rounded = [type(life)(life.tensor, aligned(life.size_bytes), life.first, life.last) for life in buffers]
    return live_bytes(rounded, len(graph.operators))


def _segments(model: bytes, alive: Sequence[int]) -> Iterator[tuple[Segment, int]]:
    """Segments that hold an operator worth striping, each with the bytes alive around it."""
    tree, graph = ModelTree(model), read_graph(model)
    if tree.refusal():
        return
    layers, lives = layers_of(tree), lifetimes(graph)
    floor = max((size for size, layer in zip(alive, layers, strict=True) if layer is None), default=0)
    for first in range(len(layers)):
        for last in range(first, min(first + LONGEST_SEGMENT, len(layers))):
            if layers[last] is None:
                break
            if max(alive[first:last + 1]) <= floor:
                continue
            segment = segment_of(tree, layers, first, last)
            if segment is not None and segment.height > 1:
                around = sum(aligned(life.size_bytes) for life in lives if life.tensor not in segment.images
                             and life.first <= last and life.last >= first)
                yield segment, around


def _options(
    model: bytes, machine: Machine, alive: Sequence[int], progress: Progress
) -> dict[int, list[list[Room]]]:
    """By first operator: for each segment that starts there, its rooms by falling peak."""
    options: dict[int, list[list[Room]]] = {}
    segments = list(_segments(model, alive))
    for done, (segment, around) in enumerate(segments):
        weighing, rooms, peak = SegmentRoom(segment, around, machine), [], max(alive[segment.first:segment.last + 1])
        for count in range(2, min(MOST_STRIPES, segment.height) + 1):
            room = weighing.best(count)
            if room is not None and room.peak_bytes < peak:
                rooms.append(room)
                peak = room.peak_bytes
        if rooms:
            options.setdefault(segment.first, []).append(rooms)
        progress(done + 1, len(segments))
    return options


def _limits(alive: Sequence[int], options: dict[int, list[list[Room]]]) -> list[int]:
    """Peaks that some plan could have, thinned out evenly."""
    of_segments = {room.peak_bytes for segments in options.values() for rooms in segments for room in rooms}
    peaks = sorted(peak for peak in of_segments | set(alive) if peak < max(alive, default=0))
    step = max(1, len(peaks) // LIMITS_TRIED)
    return peaks[::step]


def _within(limit: int, alive: Sequence[int], options: dict[int, list[list[Room]]]) -> list[PaperPlan]:
    """Plans whose every operator stays within ``limit`` bytes alive, none beaten by another."""
    best: list[list[PaperPlan]] = [[] for _ in range(len(alive) + 1)]
    best[0] = [PaperPlan((), 0, 0, 0)]
    for at, size in enumerate(alive):
        here = best[at] = list(_not_beaten(best[at]))
        if not here:
            continue
        if size <= limit:
            best[at + 1] += [PaperPlan(begun.rooms, max(begun.peak_bytes, size), begun.extra_persistent_bytes, begun.extra_macs)
                             for begun in here]
        for rooms in options.get(at, []):
            fitting = next((room for room in rooms if room.peak_bytes <= limit), None)
            if fitting is not None:
                best[fitting.stripes.segment.last + 1] += [_with(begun, fitting) for begun in here]
    return list(_not_beaten(best[-1]))


def _with(plan: PaperPlan, room: Room) -> PaperPlan:
    return PaperPlan((*plan.rooms, room), max(plan.peak_bytes, room.peak_bytes),
                     plan.extra_persistent_bytes + room.extra_persistent_bytes, plan.extra_macs + room.extra_macs)


def _not_beaten(plans: Iterable[PaperPlan]) -> tuple[PaperPlan, ...]:
    kept: list[PaperPlan] = []
    for plan in sorted(plans, key=lambda candidate: (candidate.extra_macs, candidate.bytes, len(candidate.rooms))):
        if not kept or plan.bytes < kept[-1].bytes:
            kept.append(plan)
    return tuple(kept)


@dataclass(frozen=True)
class Choice:
    """The plan that was chosen: the model with it, its measured bytes, and whether they meet the target."""

    model: bytes
    plan: PaperPlan
    measured_bytes: int
    met: bool
    notes: tuple[str, ...]


def choose_stripes(
    model: bytes, ram_bytes: int, max_extra_macs: int, measure: Callable[[bytes], int], machine: Machine,
    seed: int, progress: Progress, library: KernelLibrary = REFERENCE,
) -> Choice:
    """Stripe the model with the fewest extra multiply-accumulates that make it measure at most ``ram_bytes``.

    Plans are tried in the order of what they cost; one that cannot meet the target even on paper is not measured. Where
    none meets it, the smallest that was measured is chosen.

    Args:
        model: a model without stripes of its own; folded and squeezed before.
        ram_bytes: the target, by ``measure``.
        max_extra_macs: multiply-accumulates that may be added.
        measure: bytes of RAM that a model takes, activations and whatever persists.
        machine: what operators keep, for the search on paper.
        seed: of the search for offsets.
        progress: in thousandths of the search: the plan without stripes, the weighing on paper, the plans that are measured.
        library: whose scratch memory the plans leave room for.
    """
    best = _measured(model, PaperPlan((), 0, 0, 0), ram_bytes, measure, seed, library, part(progress, 0, WITHOUT_STRIPES))
    if best.met:
        return best
    kept = best.measured_bytes - planned_bytes(best.model)
    plans = [plan for plan in paper_plans(model, machine, part(progress, WITHOUT_STRIPES, ON_PAPER))
             if plan.rooms and plan.extra_macs <= max_extra_macs]
    within = [plan for plan in plans if plan.bytes + kept <= ram_bytes * (1 + PAPER_ERROR)]
    tried = within or plans[-TRIED_AT_LEAST:]
    rest = part(progress, ON_PAPER, 1)
    for done, plan in enumerate(tried):
        of_plan = part(rest, done / len(tried), (done + 1) / len(tried))
        measured = _measured(model, plan, ram_bytes, measure, seed, library, of_plan)
        best = measured if measured.met or measured.measured_bytes < best.measured_bytes else best
        if best.met:
            break
    return best


def _measured(
    model: bytes, plan: PaperPlan, ram_bytes: int, measure: Callable[[bytes], int], seed: int, library: KernelLibrary,
    progress: Progress
) -> Choice:
    striped = stripe(model, [room.stripes for room in plan.rooms])
    planned = plan_arena(striped.model, np.random.default_rng(seed), library=library, progress=progress)
    room = measure(planned.model)
    return Choice(planned.model, plan, room, room <= ram_bytes, (*striped.notes, *planned.notes))
