"""Makes a model fit: every pass in turn, what each gained, stripes where the RAM target asks for them, all of it checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tinysieve.ground.errors import InputError, MissingRequirement
from tinysieve.ground.progress import Progress, part
from tinysieve.quantize.passes.constant_shapes import constant_shapes
from tinysieve.quantize.passes.dead_parts import drop_dead_parts
from tinysieve.quantize.passes.equality import Equality, require_equal
from tinysieve.quantize.passes.firmware_arena import firmware_arena
from tinysieve.quantize.passes.fold_padding import fold_padding
from tinysieve.quantize.passes.offline_plan import planned_bytes
from tinysieve.quantize.passes.reorder import reorder
from tinysieve.quantize.passes.squeeze import squeeze
from tinysieve.quantize.passes.stripes.planner import choose_stripes
from tinysieve.quantize.passes.stripes.stripe_cost import TFLM_MACHINE
from tinysieve.quantize.runtime_code import TFLM_CODE_BASIS, TFLM_CODE_BYTES
from tinysieve.quantize.tflite.graph import Graph, read_graph
from tinysieve.quantize.tflite.model_tree import PassResult
from tinysieve.quantize.tflm.arena import Arena
from tinysieve.quantize.tflm.arena_process import measure_arena
from tinysieve.quantize.tflm.interpreter_child import arena_total_apart
from tinysieve.quantize.tflm.kernel_libraries import REFERENCE, kernel_library
from tinysieve.quantize.tflm.unsupported_models import compiled_for, why_unsupported

STRIPES = "stripes and memory plan"
# Where the passes and the search for stripes end, as shares of the work; the rest is the proof of equal outputs.
PASSES, SEARCH = 0.1, 0.85
# What odd operators (without an input, with a missing table, with sizes that do not fit) raise inside a pass.
NOT_UNDERSTOOD = (IndexError, KeyError, ValueError, TypeError, AttributeError, ArithmeticError)



@dataclass(frozen=True)
class Target:
    """What the model must meet, in bytes; ``max_extra_macs`` as a share of the model's own.

    ``kernels`` is the library whose scratch memory counts into the arena.
    """

    ram_bytes: int = 320 * 2**10
    flash_bytes: int = 2**20
    max_extra_macs: float = 0.06
    runtime_code_bytes: int = TFLM_CODE_BYTES
    runtime_code_basis: str = TFLM_CODE_BASIS
    kernels: str = REFERENCE.name


@dataclass(frozen=True)
class Size:
    """A model in figures; ``arena`` is None where it could not be measured, ``planned_bytes`` are its activations as computed."""

    file_bytes: int
    macs: int
    operators: int
    arena: Arena | None
    planned_bytes: int


@dataclass(frozen=True)
class PassGain:
    """What one pass did, in words, and how much smaller file and arena became (negative: larger)."""

    name: str
    notes: tuple[str, ...]
    file_bytes_gained: int
    arena_bytes_gained: int | None


@dataclass(frozen=True)
class FitResult:
    """The fitted model, before and after, pass by pass; ``ram_met`` is None where the arena could not be measured.

    ``kernels_arena_bytes`` is the arena with the target's kernel library: what is compared with the target.

    ``arena_missing`` says why there is no arena; ``tflm_refuses`` whether that lies in the model and not in this machine.
    """

    model: bytes
    target: Target
    before: Size
    after: Size
    passes: tuple[PassGain, ...]
    left_alone: tuple[str, ...]
    equality: Equality
    kernels_arena_bytes: int | None
    ram_met: bool | None
    flash_met: bool
    arena_missing: str
    tflm_refuses: bool

    @property
    def extra_macs(self) -> float:
        """Multiply-accumulates added, as a share of the original's."""
        return (self.after.macs - self.before.macs) / max(1, self.before.macs)

    @property
    def met(self) -> bool:
        """Whether flash and RAM are within the target; not where nobody measured the RAM."""
        return self.flash_met and self.ram_met is True

    def to_json(self) -> dict[str, Any]:
        """Everything but the model itself, as plain values."""
        plain = {name: value for name, value in asdict(self).items() if name != "model"}
        return plain | {"extra_macs": self.extra_macs, "met": self.met,
                        "flash_bytes": self.after.file_bytes + self.target.runtime_code_bytes}


def fit_model(
    model: bytes, target: Target, seed: int, progress: Progress, keep_signatures: bool = False,
) -> FitResult:
    """Squeeze and stripe a model until it meets the target; the outputs stay the same, bit for bit.

    Where TFLM is not installed or cannot run the model, the passes that need its measure (stripes and memory plan) are
    left out and said so. A pass that would enlarge the arena is not applied. ``progress`` counts thousandths of the whole.

    Raises:
        InputError: not a .tflite file, or no interpreter runs it.
        DifferentOutputs: the result would not be exact; nothing is returned.
    """
    graph = read_graph(model)
    if target_machine := compiled_for(graph):
        raise InputError(f"the model cannot be fitted: {target_machine}", why="its layers lie inside that operator, out of reach",
                         fix="give the model as it was before it was compiled; for an Ethos-U do not fit it at all")
    arena, why_not, refused = _arena(model, graph)
    before, work = _size(model, arena), _Work(model, None if arena is None else tflm_total(model), [], [])
    passes: dict[str, Callable[[bytes], PassResult]] = {
        "constant shapes": constant_shapes, "padding": fold_padding,
        "squeeze": lambda given: squeeze(given, keep_signatures), "dead parts": drop_dead_parts, "order": reorder}
    for done, (name, one_pass) in enumerate(passes.items()):
        part(progress, 0, PASSES)(done, len(passes))
        work.apply(name, one_pass)
    if arena is None:
        work.left_alone.append(f"{STRIPES} left out: {why_not}")
    else:
        work.apply(STRIPES, lambda given: _stripes(given, target, before.macs, seed, part(progress, PASSES, SEARCH)))
    equality = require_equal(model, work.model, np.random.default_rng(seed), part(progress, SEARCH, 1))
    after = _size(work.model, None if arena is None else measure_arena(work.model))
    needed = None if after.arena is None else _with_kernels(work.model, after.arena, target)
    return FitResult(
        work.model, target, before, after, tuple(work.passes), tuple(work.left_alone), equality,
        needed, None if needed is None else needed <= target.ram_bytes,
        after.file_bytes + target.runtime_code_bytes <= target.flash_bytes, why_not, refused)


def _stripes(model: bytes, target: Target, macs: int, seed: int, progress: Progress) -> PassResult:
    choice = choose_stripes(model, target.ram_bytes, int(macs * target.max_extra_macs), lambda given: _total(given, target),
                            TFLM_MACHINE, seed, progress, kernel_library(target.kernels))
    return PassResult(choice.model, choice.notes)


def _total(model: bytes, target: Target) -> int:
    """The arena with the target's kernels, from one run with reference kernels."""
    total, activations = tflm_total(model), planned_bytes(model)
    return _with_kernels(model, Arena(total, activations, total - activations), target)


def _with_kernels(model: bytes, arena: Arena, target: Target) -> int:
    if target.kernels == REFERENCE.name:
        return arena.total_bytes
    return firmware_arena(model, arena, kernel_library(target.kernels)).total_bytes


def tflm_total(model: bytes) -> int:
    """Bytes of arena that TFLM reports after a run: within some bytes of the measured arena, in one run instead of ten.

    Raises:
        InputError: TFLM cannot run the model.
    """
    return arena_total_apart(model)


@dataclass
class _Work:
    """The model on its way, its arena by TFLM's own total, and the record of what happened to it."""

    model: bytes
    arena_bytes: int | None
    passes: list[PassGain]
    left_alone: list[str]

    def apply(self, name: str, one_pass: Callable[[bytes], PassResult]) -> None:
        try:
            result = one_pass(self.model)
        except NOT_UNDERSTOOD as error:
            self.left_alone.append(f"{name} left out: the model is built in a way that is not understood ({error})")
            return
        if result.model == self.model:
            self.left_alone += result.notes
            return
        # TFLM miscounts lifetimes where tensors are left that no operator touches, so they go before it measures.
        cleaned = result.model if name == STRIPES else drop_dead_parts(result.model).model
        try:
            arena_bytes = None if self.arena_bytes is None else tflm_total(cleaned)
        except InputError as error:
            self.left_alone.append(f"{name} left out: {error.what}")
            return
        gained = None if self.arena_bytes is None or arena_bytes is None else self.arena_bytes - arena_bytes
        if gained is not None and gained < 0:
            self.left_alone.append(f"{name} left out: the arena would be {-gained:,} B larger")
            return
        self.passes.append(PassGain(name, result.notes, len(self.model) - len(cleaned), gained))
        self.model, self.arena_bytes = cleaned, arena_bytes


def _size(model: bytes, arena: Arena | None) -> Size:
    graph = read_graph(model)
    return Size(len(model), graph.macs, len(graph.operators), arena, planned_bytes(model))


def _arena(model: bytes, graph: Graph) -> tuple[Arena | None, str, bool]:
    """The arena, else why there is none and whether that is TFLM's refusal of the model."""
    if reason := why_unsupported(graph):
        return None, reason, True
    try:
        return measure_arena(model), "", False
    except (MissingRequirement, InputError) as error:
        return None, error.what, isinstance(error, InputError)
