"""Stripes for the C route: judged by the arena of the generated program, where slices and joints are pointers.

TFLM pays for stripes with copied descriptions of operators and, in part, with copied rows; generated C pays with
multiply-accumulates only. So it may stripe where TFLM must not, and seldom needs to, because its tensors may overlap.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tinysieve.ground.progress import part
from tinysieve.quantize.firmware.c_arena import plan_arena
from tinysieve.quantize.firmware.kernel_sets import KernelSet
from tinysieve.quantize.firmware.lowering import lower
from tinysieve.quantize.passes.constant_shapes import constant_shapes
from tinysieve.quantize.passes.dead_parts import drop_dead_parts
from tinysieve.quantize.passes.fold_padding import fold_padding
from tinysieve.quantize.passes.stripes.planner import ON_PAPER, paper_plans
from tinysieve.quantize.passes.stripes.stripe_cost import C_MACHINE
from tinysieve.quantize.passes.stripes.striping import stripe


@dataclass(frozen=True)
class CStripes:
    """The model that the C program is made of, its arena, and what its stripes cost; ``met``: within the target."""

    model: bytes
    arena_bytes: int
    extra_macs: int
    notes: tuple[str, ...]
    met: bool


def stripe_for_c(
    model: bytes, kernels: KernelSet, arena_bytes: int, max_extra_macs: float, progress: Callable[[int, int], None]
) -> CStripes:
    """The fewest extra multiply-accumulates with which the C program's arena is at most ``arena_bytes``.

    Where no plan gets there, the smallest arena that was found. ``max_extra_macs`` is a share of the model's own. A
    model that already fits comes back as it is.

    Raises:
        InputError: operators without a kernel, each named.
    """
    best = _judged(model, 0, (), kernels, arena_bytes)
    if best.met:
        return best
    folded = model
    for one_pass in (constant_shapes, fold_padding, drop_dead_parts):
        folded = one_pass(folded).model
    macs = sum(step.macs for step in lower(model).steps)
    plans = [plan for plan in paper_plans(folded, C_MACHINE, part(progress, 0, ON_PAPER))
             if plan.rooms and plan.extra_macs <= macs * max_extra_macs]
    for done, plan in enumerate(plans):
        part(progress, ON_PAPER, 1)(done, len(plans))
        striped = stripe(folded, [room.stripes for room in plan.rooms])
        judged = _judged(striped.model, plan.extra_macs, striped.notes, kernels, arena_bytes)
        if judged.arena_bytes < best.arena_bytes:
            best = judged
        if best.met:
            break
    return best


def _judged(model: bytes, extra_macs: int, notes: tuple[str, ...], kernels: KernelSet, arena_bytes: int) -> CStripes:
    needed = plan_arena(lower(model), kernels.scratch_bytes).bytes
    return CStripes(model, needed, extra_macs, notes, needed <= arena_bytes)
