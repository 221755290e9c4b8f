"""Everything that a .tflite file says about itself, and what it needs to run: sizes, memory over time, arena."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from heapq import nsmallest
from typing import Any

from tinysieve.ground.errors import InputError, MissingRequirement
from tinysieve.quantize.firmware.board_files import shipped_boards
from tinysieve.quantize.firmware.placement import Placement, needs_of
from tinysieve.quantize.passes.offline_plan import planned_bytes
from tinysieve.quantize.passes.stored_plan import bytes_in_use
from tinysieve.quantize.runtime_code import RUNTIME_CODES
from tinysieve.quantize.tflite.class_labels import class_labels
from tinysieve.quantize.tflite.file_parts import FileParts, file_parts
from tinysieve.quantize.tflite.graph import Graph, TensorInfo, graph_of, load_model
from tinysieve.quantize.tflite.model_checks import PLAN_NAME
from tinysieve.quantize.tflm.arena import Arena
from tinysieve.quantize.tflm.arena_process import measure_arena
from tinysieve.quantize.tflm.memory_plan import Lifetime, greedy_plan, lifetimes, tflm_scratch
from tinysieve.quantize.tflm.unsupported_models import compiled_for, why_unsupported

LISTED_TENSORS = 64  # of one operator: more are alive in a damaged or hostile file only


@dataclass(frozen=True)
class NamedOperator:
    """An operator by its place in the graph and its name."""

    index: int
    name: str


@dataclass(frozen=True)
class LiveRow:
    """What lies in memory while one operator runs: bytes, how many tensors, and the largest with their bytes."""

    operator: NamedOperator
    output_shape: tuple[int, ...]
    macs: int
    live_bytes: int
    live_tensors: int
    tensors: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Flash:
    """File and runtime code in flash, the code assumed for one kernel library."""

    kernels: str
    flash_bytes: int
    code_bytes: int
    basis: str


@dataclass(frozen=True)
class Inspection:
    """A model, described; sizes in bytes.

    ``lower_bound_bytes`` are the most bytes in use at once, during ``peak_operator``; where the file brings its own memory
    plan, tensors that it puts in one place count once. ``plan_bytes`` are TFLM's greedy plan, ``stored_plan_bytes`` the
    plan that the file brings along, if it does. ``activation_bytes`` is TFLM's head as measured, or the plan where nothing
    could be measured (``arena_missing`` says why); ``persistent_bytes`` and ``arena_bytes`` are measured or None.
    ``boards`` says for each board that comes along by which kernels the model fits; empty where no arena is known.
    """

    file_bytes: int
    parts: FileParts
    macs: int
    operators: dict[str, int]
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    class_order: tuple[str, ...] | None
    lower_bound_bytes: int
    peak_operator: NamedOperator | None
    plan_bytes: int
    stored_plan_bytes: int | None
    activation_bytes: int
    persistent_bytes: int | None
    arena_bytes: int | None
    arena_basis: str
    arena_missing: str
    flash: tuple[Flash, ...]
    boards: tuple[Placement, ...]
    live: tuple[LiveRow, ...]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain lists, dictionaries and numbers."""
        plain = asdict(self)
        for role in ("inputs", "outputs"):
            plain[role] = [asdict(tensor) | {"layout": tensor.layout} for tensor in getattr(self, role)]
        plain["boards"] = [asdict(way) | {"fits": way.fits} for way in self.boards]
        return plain


def inspect_model(model: bytes, measure: Callable[[bytes], Arena] = measure_arena) -> Inspection:
    """Describe a .tflite file: any types, any operators; what TFLM cannot run is described without an arena.

    Args:
        model: the file.
        measure: gives the arena or raises InputError or MissingRequirement.

    Raises:
        InputError: not a .tflite file, or a damaged one.
    """
    tree = load_model(model)
    graph = graph_of(tree, len(model))
    buffers = lifetimes(graph)
    used = bytes_in_use(model, graph)
    peak = max(used, default=0)
    greedy = greedy_plan((*buffers, *tflm_scratch(graph))).bytes
    stored = planned_bytes(model) if any(item.name == PLAN_NAME for item in tree.metadata or ()) else None
    plan = greedy if stored is None else stored
    arena, missing = _arena(model, graph, measure)
    return Inspection(
        file_bytes=len(model), parts=file_parts(tree, len(model)), macs=graph.macs, operators=graph.operator_counts,
        inputs=graph.inputs, outputs=graph.outputs, class_order=_class_order(model, graph),
        lower_bound_bytes=peak, peak_operator=_named(graph, used.index(peak)) if used else None,
        plan_bytes=greedy, stored_plan_bytes=stored, activation_bytes=arena.activations_bytes if arena else plan,
        persistent_bytes=arena.persistent_bytes if arena else None, arena_bytes=arena.total_bytes if arena else None,
        arena_basis=arena.measured_with if arena else "computed, not measured: activations as planned",
        arena_missing=missing, flash=flash_of(len(model)),
        boards=_boards(model, arena), live=live_rows(graph, buffers, used),
        notes=_notes(graph, plan, arena))


def _boards(model: bytes, arena: Arena | None) -> tuple[Placement, ...]:
    if arena is None:
        return ()
    needs = needs_of(model, arena)
    return tuple(needs.best(board) for board in shipped_boards().values())


def flash_of(file_bytes: int) -> tuple[Flash, ...]:
    """Flash of a file of this size with each kernel library whose code size is known."""
    return tuple(Flash(code.kernels, file_bytes + code.code_bytes, code.code_bytes, code.basis) for code in RUNTIME_CODES)


def live_rows(graph: Graph, buffers: tuple[Lifetime, ...], used: tuple[int, ...]) -> tuple[LiveRow, ...]:
    """The live-tensor table, one row an operator; ``used`` are the bytes in use during each."""
    rows = []
    for operator, total in zip(graph.operators, used, strict=True):
        alive = [(life.tensor, life.size_bytes) for life in buffers if life.first <= operator.index <= life.last]
        largest = nsmallest(LISTED_TENSORS, alive, key=lambda item: (-item[1], item[0]))
        shape = graph.tensors[operator.outputs[0]].shape if operator.outputs else ()
        rows.append(LiveRow(_named(graph, operator.index), shape, operator.macs, total, len(alive),
                            tuple(largest)))
    return tuple(rows)


def _named(graph: Graph, index: int) -> NamedOperator:
    return NamedOperator(index, graph.operators[index].name)


def _arena(model: bytes, graph: Graph, measure: Callable[[bytes], Arena]) -> tuple[Arena | None, str]:
    if reason := why_unsupported(graph):
        return None, reason
    try:
        return measure(model), ""
    except (InputError, MissingRequirement) as error:
        return None, error.what


def _class_order(model: bytes, graph: Graph) -> tuple[str, ...] | None:
    if len(graph.outputs) != 1 or not graph.outputs[0].shape:
        return None
    return class_labels(model, math.prod(graph.outputs[0].shape[1:]))


def _notes(graph: Graph, plan_bytes: int, arena: Arena | None) -> tuple[str, ...]:
    notes = [f"{compiled_for(graph)}; it runs on that accelerator only"] if compiled_for(graph) else []
    if graph.subgraphs > 1:
        notes.append(f"the file holds {graph.subgraphs} subgraphs; operators, MACs and plan are those of the first")
    if any(tensor.dynamic_axes for tensor in graph.inputs):
        notes.append("an input axis is left open (-1): sizes are at the stored shape")
    if arena is not None and arena.activations_bytes != plan_bytes:
        notes.append(f"TFLM's activations take {arena.activations_bytes:,} B, the plan {plan_bytes:,} B: a kernel asks for "
                     "scratch memory that the plan does not know, or other subgraphs run as well")
    return tuple(notes)
