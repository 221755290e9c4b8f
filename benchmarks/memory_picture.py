"""The picture of docs/memory.md: where every tensor of a model lies in the arena and how long, before and after `fit`.

    python benchmarks/memory_picture.py MODEL.tflite FITTED.tflite [PICTURE.svg]

Each rectangle is one tensor: its width the operators during which it lives, its height its bytes, its place the offset
that TFLM's plan (or the file's own) gives it. What TFLM keeps for ever lies on top.
"""

from __future__ import annotations

import io
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from tinysieve.ground.atomic_files import write_text
from tinysieve.quantize.passes.stored_plan import stored_offsets
from tinysieve.quantize.tflite.graph import Graph, read_graph
from tinysieve.quantize.tflm.arena import Arena
from tinysieve.quantize.tflm.arena_process import measure_arena
from tinysieve.quantize.tflm.memory_plan import greedy_plan, lifetimes, tflm_scratch

KIB, LIMIT_BYTES = 1024, 320 * 1024
PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "memory.svg"
TENSOR, EDGE, PERSISTENT, LIMIT = "#7fb7a5", "#23695a", "#c9b27c", "#b3372c"
STYLE: Any = {"svg.hashsalt": "tinysieve", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9.5,
              "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False}


@dataclass(frozen=True)
class Layout:
    """One model's arena."""

    title: str
    graph: Graph
    offsets: dict[int, int]
    arena: Arena


def layout(title: str, model: bytes) -> Layout:
    """Offsets by the file's own plan, else by TFLM's greedy one, and the measured arena."""
    graph = read_graph(model)
    own = stored_offsets(model, len(graph.tensors))
    offsets = greedy_plan((*lifetimes(graph), *tflm_scratch(graph))).offsets if own is None else own
    return Layout(title, graph, offsets, measure_arena(model))


def paint(axes: Axes, one: Layout, top: float) -> None:
    """The arena over the operators."""
    count, head = len(one.graph.operators), one.arena.activations_bytes / KIB
    for buffer in lifetimes(one.graph):
        offset = one.offsets.get(buffer.tensor)
        if offset is not None:
            axes.add_patch(Rectangle((buffer.first, offset / KIB), buffer.last + 1 - buffer.first, buffer.size_bytes / KIB,
                                     facecolor=TENSOR, edgecolor=EDGE, linewidth=0.5, alpha=0.75))
    axes.add_patch(Rectangle((0, head), count, one.arena.persistent_bytes / KIB, facecolor=PERSISTENT, linewidth=0))
    axes.text(count / 2, head + one.arena.persistent_bytes / KIB / 2, ha="center", va="center",
              s=f"persistent, {one.arena.persistent_bytes / KIB:,.0f} KiB")
    axes.axhline(LIMIT_BYTES / KIB, color=LIMIT, linewidth=1.4, linestyle="--")
    axes.text(count, LIMIT_BYTES / KIB, "320 KiB", color=LIMIT, ha="right", va="center",
              bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5})
    axes.set(xlim=(0, count), ylim=(0, top), xlabel="operator",
             title=f"{one.title}: arena {one.arena.total_bytes / KIB:,.0f} KiB")


def picture(layouts: tuple[Layout, ...]) -> str:
    """The SVG, the same bytes every time, on a white ground."""
    top = 1.08 * max(one.arena.total_bytes for one in layouts) / KIB
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.2, 3.9), layout="constrained", facecolor="white")
        for axes, one in zip(figure.subplots(1, len(layouts), sharey=True), layouts, strict=True):
            paint(axes, one, top)
        figure.axes[0].set_ylabel("place in the arena, KiB")
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return re.sub(r"<metadata>.*?</metadata>", "", buffer.getvalue(), flags=re.DOTALL)


def main(arguments: list[str]) -> str:
    """Draw, or say how."""
    if len(arguments) < 2:
        return "skipped: give a model and the same model after 'tinysieve fit'"
    before, after = (Path(path).read_bytes() for path in arguments[:2])
    target = Path(arguments[2]) if len(arguments) > 2 else PICTURE
    write_text(target, picture((layout("as published", before), layout("after fit", after))))
    return f"{target}: {target.stat().st_size:,} B"


if __name__ == "__main__":
    print(main(sys.argv[1:]))
