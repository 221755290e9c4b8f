"""How little RAM the challenge's MCUNet needs for how many multiply-accumulates: stock TFLM, and generated C.

    python benchmarks/frontier.py [MODEL.tflite]

Stripes cost multiply-accumulates and save RAM. Of the plans that the search finds worth measuring, up to MOST_EXTRA more of
them, MOST_PLANS are measured, spread evenly: under TFLM the arena of a run, for C the arena of the generated program. Kept
is what no other beats in both. `bound` is what no plan of these rows can go under: for TFLM the bytes of tensors alive at
once (those that may lie over each other counted once) and what it keeps, for C the rows alive at once (those not read yet
and those written), with the kernels' scratch memory. What TFLM keeps is taken from its own recording allocator. Outputs of
the smallest are compared with the original's, bit for bit. Results go to benchmarks/results/frontier.json. Minutes on two cores.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from tinysieve.ground.atomic_files import write_text
from tinysieve.ground.errors import MissingRequirement
from tinysieve.ground.progress import silent
from tinysieve.quantize.firmware.c_arena import plan_arena as plan_c_arena
from tinysieve.quantize.firmware.kernel_sets import kernel_set
from tinysieve.quantize.firmware.lowering import lower
from tinysieve.quantize.firmware.sharing import least_bytes
from tinysieve.quantize.passes.constant_shapes import constant_shapes
from tinysieve.quantize.passes.copied_tensors import MemoryBlock, blocks_of
from tinysieve.quantize.passes.dead_parts import drop_dead_parts
from tinysieve.quantize.passes.equality import require_equal
from tinysieve.quantize.passes.fold_padding import fold_padding
from tinysieve.quantize.passes.offline_plan import plan_arena
from tinysieve.quantize.passes.offsets import lowest
from tinysieve.quantize.passes.squeeze import squeeze
from tinysieve.quantize.passes.stripes.planner import PaperPlan, paper_plans
from tinysieve.quantize.passes.stripes.stripe_cost import C_MACHINE, TFLM_MACHINE, Machine
from tinysieve.quantize.passes.stripes.striping import stripe
from tinysieve.quantize.tflite.graph import read_graph
from tinysieve.quantize.tflite.model_tree import ModelTree
from tinysieve.quantize.tflm.arena import recorded_allocations
from tinysieve.quantize.tflm.interpreter_child import arena_total_apart
from tinysieve.quantize.tflm.memory_plan import lifetimes, tflm_scratch

SHARED = Path(os.environ.get("TINYSIEVE_SHARED", Path(__file__).parents[2] / "shared"))
MODEL = SHARED / "models" / "reference" / "seed_submission.tflite"
RESULT = Path(__file__).parent / "results" / "frontier.json"
MOST_EXTRA, MOST_PLANS, SEED, C_KERNELS = 0.12, 8, 0, "dsp"


@dataclass(frozen=True)
class Point:
    """One plan: RAM in bytes, what no plan of its rows can go under, and multiply-accumulates added, as a share."""

    route: str
    extra_macs: float
    ram_bytes: int
    bound_bytes: int
    persistent_bytes: int
    stripes: int


def prepared(model: bytes) -> bytes:
    """The passes before stripes, as `fit` makes them."""
    for one_pass in (constant_shapes, fold_padding, squeeze, drop_dead_parts):
        model = one_pass(model).model
    return model


def thinned(found: Sequence[PaperPlan]) -> list[PaperPlan]:
    """At most MOST_PLANS of them, the first and the last among them."""
    places = np.unique(np.linspace(0, len(found) - 1, MOST_PLANS).round().astype(int))
    return [found[place] for place in places]


def plans(model: bytes, machine: Machine, macs: int) -> list[PaperPlan]:
    """No stripes, and what is worth measuring, the fewest multiply-accumulates first."""
    striped_ones = [plan for plan in paper_plans(model, machine, silent) if plan.rooms and plan.extra_macs <= macs * MOST_EXTRA]
    return [PaperPlan((), 0, 0, 0), *thinned(striped_ones)]


def striped(model: bytes, plan: PaperPlan) -> bytes:
    """The model with the stripes of a plan."""
    return stripe(model, [room.stripes for room in plan.rooms]).model if plan.rooms else model


def in_tflm(model: bytes, plan: PaperPlan, macs: int) -> tuple[Point, bytes]:
    """One plan under TFLM, with a memory plan in the file."""
    planned = plan_arena(striped(model, plan), np.random.default_rng(SEED)).model
    graph, kept, total = read_graph(planned), recorded_allocations(planned)["tail"], arena_total_apart(planned)
    scratch = (MemoryBlock(((0, life),)) for life in tflm_scratch(graph))
    bound = lowest((*blocks_of(ModelTree(planned), lifetimes(graph)), *scratch))
    return Point("TFLM", plan.extra_macs / macs, total, bound + kept, kept, len(plan.rooms)), planned


def in_c(model: bytes, plan: PaperPlan, macs: int) -> tuple[Point, bytes]:
    """One plan as generated C."""
    made = striped(model, plan)
    lowered, scratch = lower(made), kernel_set(C_KERNELS).scratch_bytes
    arena = plan_c_arena(lowered, scratch).bytes
    return Point("C", plan.extra_macs / macs, arena, least_bytes(lowered, scratch), 0, len(plan.rooms)), made


def not_beaten(points: Iterable[tuple[Point, bytes]]) -> list[tuple[Point, bytes]]:
    """Those with less RAM than all that add no more multiply-accumulates."""
    kept: list[tuple[Point, bytes]] = []
    for point, model in sorted(points, key=lambda pair: (pair[0].extra_macs, pair[0].ram_bytes)):
        if not kept or point.ram_bytes < kept[-1][0].ram_bytes:
            kept.append((point, model))
    return kept


def frontier(original: bytes, pool: Executor) -> tuple[list[Point], dict[str, dict[str, int]]]:
    """All points of both routes, and what TFLM keeps for the model as published, prepared and at its least arena."""
    ready, macs = prepared(original), read_graph(original).macs
    points, kept = [], {"as published": recorded_allocations(original), "folded and squeezed": recorded_allocations(ready)}
    started = [(measure, pool.submit(plans, ready, machine, macs)) for machine, measure in
               ((TFLM_MACHINE, in_tflm), (C_MACHINE, in_c))]
    running = [(measure, [pool.submit(measure, ready, plan, macs) for plan in found.result()])
               for measure, found in started]
    for measure, jobs in running:
        best = not_beaten([shown(job.result()) for job in jobs])
        if measure is in_tflm:
            kept["least arena"] = recorded_allocations(best[-1][1])
        require_equal(original, best[-1][1], np.random.default_rng(SEED))
        points += [point for point, _ in best]
    return points, kept


def shown(measured: tuple[Point, bytes]) -> tuple[Point, bytes]:
    """What was measured, printed."""
    print(line(measured[0]), flush=True)
    return measured


def line(point: Point) -> str:
    """A row of what is printed."""
    return (f"{point.route:<6}{point.extra_macs:>8.2%}{point.ram_bytes:>10,} B  bound {point.bound_bytes:>9,} B"
            f"  kept {point.persistent_bytes:>8,} B  {point.stripes} segments in stripes")


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write; 0 also where there is no model to measure."""
    path = Path(arguments[0]) if arguments else MODEL
    if not path.is_file():
        print(f"skipped: no model at {path}")
        return 0
    try:
        with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
            points, kept = frontier(path.read_bytes(), pool)
    except MissingRequirement as error:
        print(f"skipped: {error.what}")
        return 0
    print("\nnot beaten")
    for point in points:
        print(line(point))
    result = {"model": path.name, "most_extra_macs": MOST_EXTRA, "points": [asdict(point) for point in points], "kept": kept}
    write_text(RESULT, json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
