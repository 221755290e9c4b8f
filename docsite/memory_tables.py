"""Tables of RAM against multiply-accumulates, of what TFLM keeps, and of where instructions go."""

from __future__ import annotations

from typing import Any

from docsite.result_tables import result, table

# TFLM's own names for what its recording allocator counts, and what it is.
KEPT = {"Persistent buffer data": "multiplier and shift of each output channel, 8 B; data of each operator",
        "NodeAndRegistration struct": "descriptions of operators", "TfLiteEvalTensor data": "descriptions of tensors",
        "Persistent TfLiteTensor data": "descriptions of input and output",
        "Persistent TfLiteTensor quantization data": "their quantization"}


def frontier() -> str:
    """Plans that no other beats, by route."""
    return table(("route", "MACs added", "RAM, B", "bound for these rows, B"), [
        (point["route"], f"{100 * point['extra_macs']:.2f} %", f"{point['ram_bytes']:,}", f"{point['bound_bytes']:,}")
        for point in result("frontier")["points"]])


def kept() -> str:
    """What the persistent part of TFLM's arena is made of."""
    states = result("frontier")["kept"]
    rows = [(f"{words} ({name})", *(f"{state.get(name, 0):,}" for state in states.values())) for name, words in KEPT.items()]
    rest = [f"{state['tail'] - sum(state.get(name, 0) for name in KEPT):,}" for state in states.values()]
    whole = [f"{state['tail']:,}" for state in states.values()]
    return table(("persistent, B", *states), [*rows, ("the interpreter itself", *rest), ("all", *whole)])


def instructions() -> str:
    """Instructions by kind of layer, CMSIS-NN's kernels and ours."""
    found = result("instructions")["kernels"]
    first, other = found["cmsis-nn"], found["dsp"]
    names = sorted(first["kinds"], key=lambda name: -first["kinds"][name]["instructions"])
    rows = [(name, f"{first['kinds'][name]['macs']:,}", *_both(first["kinds"][name], other["kinds"][name])) for name in names]
    rows.append(("all", f"{first['macs']:,}", *_both(first, other)))
    return table(("layers", "MACs", "`cmsis-nn`, instructions", "a MAC", "`dsp`, instructions", "a MAC"), rows)


def _both(first: dict[str, Any], other: dict[str, Any]) -> list[str]:
    cells = []
    for one in (first, other):
        each = f"{one['instructions'] / first['macs']:.2f}" if first["macs"] else ""
        cells += [f"{one['instructions']:,}", each]
    return cells
