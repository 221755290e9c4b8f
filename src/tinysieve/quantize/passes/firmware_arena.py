"""The arena that a firmware needs with the kernels it links: measured without their scratch memory, planned with it.

The TFLM that measures has reference kernels. What a library asks for on top is known from its own formulas, so the plan is
computed anew with these buffers in it, around the offsets that the file's own plan gives. Checked against arenas measured
on x86-64 with Espressif's Prepare code and ESP-NN 1.2.3's sizes: equal to the byte for convolutional networks, 32 B above
where a dense layer ends them (Espressif's copy of TFLM describes one in fewer bytes). A 32-bit chip needs a little less.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tinysieve.quantize.passes.stored_plan import stored_offsets
from tinysieve.quantize.tflite.graph import read_graph
from tinysieve.quantize.tflm.arena import Arena
from tinysieve.quantize.tflm.kernel_libraries import KernelLibrary, library_scratch
from tinysieve.quantize.tflm.memory_plan import TFLM_ALIGNMENT, Lifetime, greedy_plan, lifetimes, tflm_scratch
from tinysieve.quantize.tflm.windows import Window, windows_of

# The interpreter that measures records its allocations and holds a table of resource variables; a firmware does neither.
RECORDING_BYTES = 256
# TFLM keeps a pointer to each scratch buffer.
HANDLE_BYTES = 8


@dataclass(frozen=True)
class FirmwareArena:
    """Bytes of the arena with one library's kernels; ``scratch_bytes`` is the most that one operator asks for."""

    kernels: str
    total_bytes: int
    activations_bytes: int
    persistent_bytes: int
    scratch_bytes: int


@dataclass(frozen=True)
class ArenaPlanner:
    """One model, read once, asked for its arena with one library after another."""

    measured: Arena
    windows: tuple[Window, ...]
    buffers: tuple[Lifetime, ...]
    fixed: Mapping[int, int]

    def activations_bytes(self, library: KernelLibrary) -> int:
        """Bytes of all tensors and scratch buffers as TFLM places them: the file's plan first, the rest in the gaps."""
        return self._planned(library_scratch(self.windows, library))

    def arena(self, library: KernelLibrary) -> FirmwareArena:
        """The arena of a firmware with this library."""
        scratch = library_scratch(self.windows, library)
        # What the plan does not know, such as buffers of other kernels, stays as it was measured.
        activations = self._planned(scratch) + self.measured.activations_bytes - self._planned(())
        persistent = self.measured.persistent_bytes - RECORDING_BYTES + HANDLE_BYTES * len(scratch)
        total = -(-(activations + persistent) // TFLM_ALIGNMENT) * TFLM_ALIGNMENT
        by_operator: dict[int, int] = {}
        for life in scratch:
            by_operator[life.first] = by_operator.get(life.first, 0) + life.size_bytes
        return FirmwareArena(library.name, total, activations, total - activations, max(by_operator.values(), default=0))

    def _planned(self, scratch: tuple[Lifetime, ...]) -> int:
        return greedy_plan((*self.buffers, *scratch), fixed=self.fixed).bytes


def arena_planner(model: bytes, measured: Arena) -> ArenaPlanner:
    """Reads the model; ``measured`` is its arena with reference kernels.

    Raises:
        InputError: not a .tflite file, or a damaged one.
    """
    graph = read_graph(model)
    return ArenaPlanner(measured, windows_of(model), (*lifetimes(graph), *tflm_scratch(graph)),
                        stored_offsets(model, len(graph.tensors)) or {})


def firmware_arena(model: bytes, measured: Arena, library: KernelLibrary) -> FirmwareArena:
    """The arena of a firmware with this library, from the arena measured with reference kernels.

    Raises:
        InputError: not a .tflite file, or a damaged one.
    """
    return arena_planner(model, measured).arena(library)
