"""`inspect` for a person: one screen of what a model is made of and what it needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from tinysieve.ground.escaping import one_line
from tinysieve.quantize.firmware.placement import INTERNAL
from tinysieve.quantize.inspection import Inspection, LiveRow
from tinysieve.quantize.tflite.graph import TensorInfo

SHOWN_ROWS = 12
SHOWN_TENSORS = 4
SHOWN_CLASSES = 12
WIDTH = 118


def inspection_text(inspection: Inspection) -> str:
    """The whole page as plain text."""
    blocks = (_file(inspection), _graph(inspection), _memory(inspection), _flash(inspection), _boards(inspection),
              _live(inspection.live), _notes(inspection))
    return "\n\n".join("\n".join(block) for lines in blocks if (block := list(lines))) + "\n"


def _file(inspection: Inspection) -> Iterator[str]:
    yield f"file             {inspection.file_bytes:>12,} B"
    for name, size in asdict(inspection.parts).items():
        yield f"  {name.replace('_', ' '):<15}{size:>12,} B {size / inspection.file_bytes:>7.1%}"


def _graph(inspection: Inspection) -> Iterator[str]:
    yield f"MACs             {inspection.macs:>12,}"
    yield f"operators        {sum(inspection.operators.values()):>12,}"
    line = " "
    for name, count in inspection.operators.items():
        item = f" {count} {name}"
        if len(line) + len(item) > WIDTH:
            yield line
            line = " "
        line += item + ","
    yield line.rstrip(",")
    for role, tensors in (("input", inspection.inputs), ("output", inspection.outputs)):
        for tensor in tensors:
            yield f"{role:<7} {_tensor(tensor)}"
    yield f"class order  {_classes(inspection.class_order) if inspection.class_order else 'not stated in the file'}"


def _classes(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN_CLASSES:,} more" if len(names) > SHOWN_CLASSES else ""
    return ", ".join(map(one_line, names[:SHOWN_CLASSES])) + more


def _tensor(tensor: TensorInfo) -> str:
    words = [tensor.name, tensor.dtype, str(list(tensor.shape))]
    if tensor.layout != "other":
        words.append(tensor.layout)
    if tensor.scale is not None:
        words.append(f"scale {tensor.scale:.6g} zero point {tensor.zero_point}")
    if tensor.dynamic_axes:
        words.append(f"open axes {list(tensor.dynamic_axes)}")
    return "  ".join(words)


def _memory(inspection: Inspection) -> Iterator[str]:
    peak = inspection.peak_operator
    yield f"live, at most    {inspection.lower_bound_bytes:>12,} B" + (f"  at {peak.name} #{peak.index}" if peak else "")
    yield f"greedy plan      {inspection.plan_bytes:>12,} B"
    if inspection.stored_plan_bytes is not None:
        yield f"plan in the file {inspection.stored_plan_bytes:>12,} B  (TFLM uses it)"
    if inspection.arena_bytes is None:
        yield f"arena              computed, not measured: {inspection.arena_missing}"
        return
    yield f"arena            {inspection.arena_bytes:>12,} B  the smallest that works, measured with {inspection.arena_basis}"
    yield f"  activations    {inspection.activation_bytes:>12,} B"
    yield f"  persistent     {inspection.persistent_bytes:>12,} B"


def _flash(inspection: Inspection) -> Iterator[str]:
    for need in inspection.flash:
        yield f"flash            {need.flash_bytes:>12,} B  file + {need.code_bytes:,} B code"
        yield f"                                 {need.basis}"


def _boards(inspection: Inspection) -> Iterator[str]:
    """Each board by its fastest kernels that fit, else by those that lack least."""
    if inspection.boards:
        yield f"{'board':<20} {'fits':<6} {'arena, B':>10} {'of, B':>10}  kernels"
    for way in inspection.boards:
        lacks = "yes" if way.fits else "no" if not way.fits_ram else "flash"
        place = "" if way.place == INTERNAL else f", arena in {way.place}"
        yield f"{way.board:<20} {lacks:<6} {way.arena_bytes:>10,} {way.room_bytes:>10,}  {way.kernels}{place}"


def _live(rows: Sequence[LiveRow]) -> Iterator[str]:
    if not rows:
        return
    shown = sorted(rows, key=lambda row: (-row.live_bytes, row.operator.index))[:SHOWN_ROWS]
    yield f"live memory, {len(shown)} of {len(rows)} operators with the most (--json for all)"
    yield f"{'live, B':>12}  {'operator':<26} {'output':<20} tensors alive (number: bytes)"
    for row in shown:
        tensors = [f"{index}: {size:,}" for index, size in row.tensors[:SHOWN_TENSORS]]
        more = row.live_tensors - len(tensors)
        yield (f"{row.live_bytes:>12,}  {f'#{row.operator.index} {row.operator.name}':<26} {list(row.output_shape)!s:<20} "
               + "; ".join(tensors) + (f"; {more} more" if more else ""))


def _notes(inspection: Inspection) -> Iterator[str]:
    yield from (f"note: {note}" for note in inspection.notes)
