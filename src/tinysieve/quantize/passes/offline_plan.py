"""The memory plan that travels in the file: where TFLM shall put every activation, better than its greedy plan.

TFLM reads offsets from the metadata ``OfflineMemoryAllocation`` and obeys them. That serves twice. Its own greedy plan
leaves gaps (a fifth of the arena in striped models) that a longer search closes. And tensors that hold the same bytes
can lie in one place: a SLICE of rows inside its input, the parts of a CONCATENATION inside the result, a RESHAPE on its
input. Those operators then copy bytes onto themselves, and cost no room. Other interpreters ignore the metadata.
"""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinysieve.ground.progress import Progress, silent
from tinysieve.quantize.passes.copied_tensors import MemoryBlock, blocks_of
from tinysieve.quantize.passes.offsets import best_offsets
from tinysieve.quantize.tflite.graph import read_graph
from tinysieve.quantize.tflite.model_tree import PLAN_METADATA, ModelTree, PassResult, metadata_name
from tinysieve.quantize.tflite.packing import pack_model
from tinysieve.quantize.tflm.kernel_libraries import REFERENCE, KernelLibrary, library_scratch
from tinysieve.quantize.tflm.memory_plan import TFLM_ALIGNMENT, greedy_plan, lifetimes, tflm_scratch
from tinysieve.quantize.tflm.windows import windows_of

FORMAT_VERSION, SUBGRAPH, ONLINE = 1, 0, -1
TRIES = 250


def plan_arena(model: bytes, rng: np.random.Generator, tries: int = TRIES, library: KernelLibrary = REFERENCE,
               progress: Progress = silent) -> PassResult:
    """Write a memory plan into the model where one is found that is smaller than TFLM's own.

    The plan leaves room for the scratch memory of ``library``; TFLM finds it in the gaps.

    ``rng`` drives the search of ``tries`` placements for each of a few ceilings; the same state gives the same plan.
    A plan that the file had is replaced. ``progress`` is that of the search.

    Raises:
        InputError: not a .tflite file.
    """
    tree = ModelTree(model)
    if tree.refusal():
        return PassResult(model, (f"no memory plan written: {tree.refusal()}",))
    graph = read_graph(model)
    buffers = lifetimes(graph)
    scratch = (*tflm_scratch(graph), *library_scratch(windows_of(model), library))
    usual = greedy_plan([*buffers, *scratch]).bytes
    if not buffers:
        return PassResult(model, ())
    placement = best_offsets((*blocks_of(tree, buffers), *(MemoryBlock(((0, life),)) for life in scratch)), tries, rng,
                             progress)
    if placement.bytes >= usual:
        return PassResult(model, ())
    offsets = np.full(len(graph.tensors), ONLINE, np.int32)
    for life in buffers:
        offsets[life.tensor] = placement.offsets[life.tensor]
    _write(tree, offsets)
    note = f"memory plan in the file: activations {placement.bytes:,} B instead of {usual:,} B"
    return PassResult(pack_model(tree.tree), (note,))


def planned_bytes(model: bytes) -> int:
    """Bytes of the activations under TFLM: of the plan in the file if it has one, else of TFLM's greedy plan."""
    tree, graph = ModelTree(model), read_graph(model)
    usual = [*lifetimes(graph), *tflm_scratch(graph)]
    offsets = offsets_in_file(tree)
    if offsets is None or len(offsets) != len(graph.tensors):
        return greedy_plan(usual).bytes
    ends = [int(offsets[life.tensor]) + life.size_bytes for life in lifetimes(graph) if offsets[life.tensor] != ONLINE]
    return -(-max(ends, default=0) // TFLM_ALIGNMENT) * TFLM_ALIGNMENT


def offsets_in_file(tree: ModelTree) -> np.ndarray | None:
    """Offset of every tensor by the plan in the file (-1 for none), or None where there is no plan."""
    for item in tree.tree.metadata or []:
        if metadata_name(item) == PLAN_METADATA:
            values = np.frombuffer(np.asarray(tree.tree.buffers[item.buffer].data, np.uint8).tobytes(), "<i4")
            return values[3:] if len(values) >= 3 and values[0] == FORMAT_VERSION else None
    return None


def _write(tree: ModelTree, offsets: np.ndarray) -> None:
    values = np.concatenate([np.array([FORMAT_VERSION, SUBGRAPH, len(offsets)], np.int32), offsets]).astype("<i4")
    tree.forget_plan()
    tree.tree.buffers.append(schema.BufferT(data=np.frombuffer(values.tobytes(), np.uint8)))
    item = schema.MetadataT(name=PLAN_METADATA, buffer=len(tree.tree.buffers) - 1)
    tree.tree.metadata = [*(tree.tree.metadata or []), item]
