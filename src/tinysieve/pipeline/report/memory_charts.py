"""The report's picture of memory over time: what lies in the arena while each operator runs, before and after `fit`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from tinysieve.pipeline.report.figures import BAD, INK, MENDED, Chart, draw
from tinysieve.quantize.passes.stored_plan import bytes_in_use
from tinysieve.quantize.tflite.graph import read_graph
from tinysieve.quantize.tflm.arena import Arena

KIB = 1024


@dataclass(frozen=True)
class MeasuredModel:
    """A .tflite file and its arena, None where that was not measured."""

    data: bytes
    arena: Arena | None


@dataclass(frozen=True)
class LiveMemory:
    """Bytes in use during each operator of one model, its peak, and what of the limit is left for them.

    ``room_bytes`` is the arena's limit less the persistent part, where that was measured; None without a limit.
    """

    title: str
    live_bytes: tuple[int, ...]
    peak_operator: str
    room_bytes: int | None
    room_words: str


def live_memories(model: MeasuredModel, unfitted: MeasuredModel | None, limit: int | None) -> tuple[LiveMemory, ...]:
    """The model before `fit`, if that changed it, and as it is used.

    Args:
        model: as it is used.
        unfitted: before `fit`; None where it was not fitted.
        limit: of the arena, in bytes; None without one.
    """
    if unfitted is None or unfitted.data == model.data:
        return (_live_memory("the model", model, limit),)
    return _live_memory("before fit", unfitted, limit), _live_memory("after fit", model, limit)


def _live_memory(title: str, measured: MeasuredModel, limit: int | None) -> LiveMemory:
    model, persistent = measured.data, measured.arena.persistent_bytes if measured.arena else 0
    graph = read_graph(model)
    used = bytes_in_use(model, graph)
    peak = used.index(max(used)) if used else 0
    words = "limit less the persistent part" if persistent else "limit of the whole arena"
    return LiveMemory(title, used, f"{graph.operators[peak].name} #{peak}" if used else "",
                      None if limit is None else limit - persistent, words)


def live_memory_charts(models: Sequence[LiveMemory]) -> tuple[Chart, ...]:
    """One chart a model, all to one scale, in KiB."""
    highest = max((max(model.live_bytes, default=0) for model in models), default=0)
    rooms = [model.room_bytes for model in models if model.room_bytes is not None]
    top = 1.12 * max([highest, *rooms, 1]) / KIB
    return tuple(_charts(models, top))


def _charts(models: Sequence[LiveMemory], top: float) -> Iterator[Chart]:
    for number, model in enumerate(models):
        def paint(axes: Axes, model: LiveMemory = model) -> None:
            _paint(axes, model, top)

        yield draw(f"live-memory-{number}", _alt(model), 2.7, paint)


def _alt(model: LiveMemory) -> str:
    most = max(model.live_bytes, default=0)
    text = (f"{model.title}, memory in use over {len(model.live_bytes)} operators: at most {most / KIB:,.1f} KiB, "
            f"at {model.peak_operator}")
    return text if model.room_bytes is None else f"{text}; {model.room_words}: {model.room_bytes / KIB:,.1f} KiB"


def _paint(axes: Axes, model: LiveMemory, top: float) -> None:
    values = [value / KIB for value in model.live_bytes]
    edges = [place - 0.5 for place in range(len(values) + 1)]
    over = model.room_bytes is not None and max(model.live_bytes, default=0) > model.room_bytes
    axes.stairs(values, edges, fill=True, color=BAD if over else MENDED, alpha=0.35)
    axes.stairs(values, edges, color=BAD if over else MENDED, linewidth=1.2)
    if model.room_bytes is not None:
        axes.axhline(model.room_bytes / KIB, color=INK, linewidth=1.4, linestyle="--",
                     label=f"{model.room_words}, {model.room_bytes / KIB:,.1f} KiB")
        axes.legend(loc="upper left", bbox_to_anchor=(-0.02, -0.22), handlelength=1.6)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set(xlim=(-0.5, max(len(values), 1) - 0.5), ylim=(0, top), xlabel="operator", ylabel="KiB",
             title=f"{model.title}: at most {max(values, default=0):,.1f} KiB, at {model.peak_operator}")
