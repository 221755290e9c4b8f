"""The challenge's MCUNet under 200,000 B on stock TFLM: two files that take turns in one arena.

    python benchmarks/two_files.py [MODEL.tflite]

TFLM keeps 8 bytes for every output channel of every convolution, and what describes operators and tensors, for the whole
model and for good. The layers with the large images have few channels, those with many channels have small images. So the
model is cut where one tensor crosses, early: an interpreter for each half, made anew in the same arena before each half runs,
keeps only its half. The tensor that crosses waits outside the arena. The arithmetic is the same; what it costs is to prepare
both halves at every inference. The first half gets as many stripes as the target asks for. Outputs of both halves in turn are
compared with the original's under TFLM, bit for bit. Results go to benchmarks/results/two_files.json.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tinysieve.ground.atomic_files import write_text
from tinysieve.ground.errors import MissingRequirement
from tinysieve.ground.progress import silent
from tinysieve.quantize.passes.constant_shapes import constant_shapes
from tinysieve.quantize.passes.dead_parts import drop_dead_parts
from tinysieve.quantize.passes.equality import check_inputs
from tinysieve.quantize.passes.fold_padding import fold_padding
from tinysieve.quantize.passes.squeeze import squeeze
from tinysieve.quantize.passes.stripes.planner import choose_stripes
from tinysieve.quantize.passes.stripes.stripe_cost import TFLM_MACHINE
from tinysieve.quantize.tflite.graph import read_graph
from tinysieve.quantize.tflite.model_tree import ModelTree
from tinysieve.quantize.tflm.arena import Arena
from tinysieve.quantize.tflm.arena_process import measure_arena
from tinysieve.quantize.tflm.interpreter_child import TFLM, arena_total_apart, outputs_apart
from tinysieve.quantize.tflm.memory_plan import lifetimes, live_bytes

SHARED = Path(os.environ.get("TINYSIEVE_SHARED", Path(__file__).parents[2] / "shared"))
MODEL = SHARED / "models" / "reference" / "seed_submission.tflite"
RESULT = Path(__file__).parent / "results" / "two_files.json"
TARGET_BYTES, MOST_EXTRA, SEED, INPUTS = 200_000, 0.12, 0, 16
# The second half must not be what decides: of the target, this much at most.
SECOND_SHARE = 0.75
# What crosses takes RAM beside the arena: a narrow place is looked for.
MOST_CROSSING_BYTES = 8_000
CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


@dataclass(frozen=True)
class Halves:
    """The result; all in bytes but shares and counts. ``ram_bytes``: the larger arena and the tensor that crosses."""

    cut_after: int
    crossing_bytes: int
    arenas: tuple[Arena, Arena]
    ram_bytes: int
    extra_macs: float
    file_bytes: tuple[int, int]
    equal_inputs: int
    inputs: int


def crossings(tree: ModelTree) -> Iterator[tuple[int, int]]:
    """Positions of operators behind which only one computed tensor is still needed, with that tensor."""
    readers, ends = tree.consumers(), {int(n) for n in tree.graph.outputs}
    alive: set[int] = set()
    for position, operator in enumerate(tree.operators[:-1]):
        alive |= set(tree.outputs(operator))
        alive = {tensor for tensor in alive if tensor in ends or any(reader > position for reader in readers[tensor])}
        if len(alive) == 1:
            yield position, next(iter(alive))


def cut(model: bytes, position: int, tensor: int) -> tuple[bytes, bytes]:
    """Everything up to an operator, and the rest, each a model of its own."""
    first, second = ModelTree(model), ModelTree(model)
    first.graph.operators = first.operators[:position + 1]
    first.graph.outputs = np.array([tensor], np.int32)
    second.graph.operators = second.operators[position + 1:]
    second.graph.inputs = np.array([tensor], np.int32)
    for tree in (first, second):
        tree.tree.signatureDefs = None
    return drop_dead_parts(first.bytes()).model, drop_dead_parts(second.bytes()).model


def estimated_bytes(model: bytes) -> int:
    """Tensors alive at once and what TFLM keeps, on paper."""
    tree, graph = ModelTree(model), read_graph(model)
    kept = sum(TFLM_MACHINE.kept_bytes(tree.name(operator), tree.shape(tree.outputs(operator)[0])[-1]
               if tree.name(operator) in CONVOLUTIONS else 0) for operator in tree.operators)
    return max(live_bytes(lifetimes(graph), len(graph.operators))) + kept


def earliest_cut(model: bytes) -> tuple[int, int, tuple[bytes, bytes]]:
    """The first place where little crosses and behind which the rest needs little."""
    tree = ModelTree(model)
    for position, tensor in crossings(tree):
        if tree.bytes_of(tensor) > MOST_CROSSING_BYTES:
            continue
        halves = cut(model, position, tensor)
        if estimated_bytes(halves[1]) <= SECOND_SHARE * TARGET_BYTES:
            return position, tensor, halves
    raise AssertionError("no place to cut")


def measure(original: bytes) -> Halves:
    """Cut, stripe, measure, compare."""
    model = original
    for one_pass in (constant_shapes, fold_padding, squeeze, drop_dead_parts):
        model = one_pass(model).model
    position, tensor, halves = earliest_cut(model)
    crossing, macs = ModelTree(model).bytes_of(tensor), read_graph(original).macs
    fitted = [choose_stripes(half, TARGET_BYTES - crossing, int(macs * MOST_EXTRA), arena_total_apart, TFLM_MACHINE, SEED, silent)
              for half in halves]
    first, second = (choice.model for choice in fitted)
    inputs = check_inputs(read_graph(original).inputs[0], np.random.default_rng(SEED))[:INPUTS]
    answers = outputs_apart(TFLM, second, outputs_apart(TFLM, first, [inputs]))[0]
    equal = int((answers == outputs_apart(TFLM, original, [inputs])[0]).reshape(INPUTS, -1).all(1).sum())
    arenas = measure_arena(first), measure_arena(second)
    return Halves(position, crossing, arenas, max(arena.total_bytes for arena in arenas) + crossing,
                  sum(choice.plan.extra_macs for choice in fitted) / macs, (len(first), len(second)), equal, INPUTS)


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write; 0 also where there is no model to measure, 1 where an output differs."""
    path = Path(arguments[0]) if arguments else MODEL
    if not path.is_file():
        print(f"skipped: no model at {path}")
        return 0
    try:
        found = measure(path.read_bytes())
    except MissingRequirement as error:
        print(f"skipped: {error.what}")
        return 0
    for name, arena, size in zip(("first", "second"), found.arenas, found.file_bytes, strict=True):
        print(f"{name:<8}arena {arena.total_bytes:>9,} B: activations {arena.activations_bytes:,}, "
              f"persistent {arena.persistent_bytes:,}; file {size:,} B")
    print(f"RAM {found.ram_bytes:,} B with the {found.crossing_bytes:,} B that cross behind operator {found.cut_after}; "
          f"{found.extra_macs:.2%} more multiply-accumulates; {found.equal_inputs} of {found.inputs} inputs equal")
    write_text(RESULT, json.dumps({"model": path.name, "target_bytes": TARGET_BYTES, **asdict(found)}, indent=1) + "\n")
    return int(found.equal_inputs != found.inputs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
