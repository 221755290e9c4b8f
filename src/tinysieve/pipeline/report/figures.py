"""Charts of the report: inline SVG whose colours follow the page, light or dark, the same bytes every time."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tinysieve.pipeline.engine.words import count, percent
from tinysieve.quantize.verdict.verdict import Accuracy, SliceAccuracy, Verdict
from tinysieve.training.checkpoint import EpochRecord

# matplotlib wants real colours; each is replaced by the page's own, so that dark mode and print work.
INK, LINE, BASELINE, MENDED, BAD = "#010101", "#020202", "#030303", "#040404", "#050505"
_PAGE_COLOURS = {INK: "var(--muted)", LINE: "var(--line)", BASELINE: "var(--baseline)", MENDED: "var(--mended)",
                 BAD: "var(--bad)"}
_STYLE: Any = {
    "svg.hashsalt": "tinysieve", "svg.fonttype": "none", "font.family": "DejaVu Sans", "font.size": 9.5,
    "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": LINE, "xtick.color": INK, "ytick.color": INK,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": LINE, "grid.linewidth": 0.6,
    "axes.axisbelow": True, "xtick.major.size": 0, "ytick.major.size": 0, "legend.frameon": False,
    "axes.titlesize": 10, "axes.titlelocation": "left", "axes.titleweight": "bold", "legend.fontsize": 9.5,
    # Names of slices are data: a dollar sign in one is a dollar sign.
    "text.parse_math": False,
}
WIDTH_INCHES = 5.2


@dataclass(frozen=True)
class Chart:
    """An SVG with the words that stand for it where it cannot be seen."""

    svg: Markup
    alt: str


def draw(name: str, alt: str, height_inches: float, paint: Callable[[Axes], None]) -> Chart:
    """Paint on one pair of axes and give the chart; `name` keeps ids of several charts on a page apart.

    A name may be a user's own, such as a class's: in an id every sign but a letter, a digit and "-" stands as its code.
    """
    name = re.sub(r"[^A-Za-z0-9-]", lambda sign: f"_{ord(sign[0]):x}", name)
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(WIDTH_INCHES, height_inches), layout="constrained")
        paint(figure.add_subplot())
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return Chart(_inline(buffer.getvalue(), name, alt), alt)


def _inline(text: str, name: str, alt: str) -> Markup:
    """The bare <svg>: no prolog, metadata, links or size; ids and colours made the page's own."""
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", text[text.index("<svg"):], flags=re.DOTALL)
    box = re.search(r'viewBox="([\d. ]+)"', text)
    assert box, "matplotlib always writes a viewBox"
    body = text[text.index(">") + 1:]
    body = re.sub(r'\bid="', f'id="{name}-', body)
    body = re.sub(r'(?:xlink:)?href="#', f'href="#{name}-', body)
    body = body.replace("url(#", f"url(#{name}-")
    for colour, variable in _PAGE_COLOURS.items():
        body = body.replace(colour, variable)
    return Markup(f'<svg viewBox="{box[1]}" role="img" aria-label="{escape(alt)}">{body.strip()}')


def accuracy_chart(verdict: Verdict) -> Chart:
    """Accuracies with their intervals."""
    models = (("baseline int8", verdict.baseline_int8, BASELINE), ("mended int8", verdict.int8, MENDED),
              ("mended float", verdict.float32, MENDED))
    rows = [(name, accuracy, colour, 0.0) for name, accuracy, colour in models if accuracy]
    alt = "Test accuracy: " + ", ".join(f"{name} {percent(accuracy.value)}" for name, accuracy, *_ in rows)

    def paint(axes: Axes) -> None:
        _dots(axes, rows)
        axes.set_xlabel("test accuracy, %, with 95 % interval")

    return draw("accuracy", alt, 1.7, paint)


def slice_chart(slices: Sequence[SliceAccuracy]) -> Chart | None:
    """Baseline and mended accuracy in each slice; None where there are no slices."""
    if not slices:
        return None
    alt = "Accuracy by slice: " + ", ".join(f"{part.name} {percent(part.int8.value)}" for part in slices)

    def paint(axes: Axes) -> None:
        names = [f"{part.name.replace('_', ' ')} ({count(part.images)})" for part in slices]
        baselines, mended = [part.baseline_int8 for part in slices], [part.int8 for part in slices]
        for accuracies, colour, shift in ((baselines, BASELINE, -0.14), (mended, MENDED, 0.14)):
            _dots(axes, [(name, accuracy, colour, shift) for name, accuracy in zip(names, accuracies, strict=True) if accuracy])
        axes.set_xlabel("accuracy, %, with 95 % interval (images in the slice)")

    return draw("slices", alt, 0.9 + 0.42 * len(slices), paint)


def _dots(axes: Axes, rows: Sequence[tuple[str, Accuracy, str, float]]) -> None:
    for place, (_, accuracy, colour, shift) in enumerate(rows):
        low, high = 100 * accuracy.interval.low, 100 * accuracy.interval.high
        axes.plot([low, high], [place + shift] * 2, color=colour, linewidth=2.2, solid_capstyle="round")
        axes.plot(100 * accuracy.value, place + shift, "o", color=colour, markersize=6)
    axes.set_yticks(range(len(rows)), [name for name, *_ in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)


def curve_charts(baseline: Sequence[EpochRecord], mended: Sequence[EpochRecord]) -> tuple[Chart, Chart]:
    """Accuracy and loss by epoch, validation solid, training dashed."""
    charts = []
    for what, unit, scale in (("accuracy", "%", 100), ("loss", "nats", 1)):
        last = getattr(mended[-1], f"validation_{what}")
        shown = percent(last) if what == "accuracy" else f"{last:.3f}"
        alt = f"{what} by epoch, baseline and mended model; mended validation {what} ends at {shown}"

        def paint(axes: Axes, what: str = what, unit: str = unit, scale: int = scale) -> None:
            for records, colour, who in ((baseline, BASELINE, "baseline"), (mended, MENDED, "mended")):
                epochs = [record.epoch for record in records]
                for part, style in (("validation", "-"), ("train", "--")):
                    values = [scale * getattr(record, f"{part}_{what}") for record in records]
                    axes.plot(epochs, values, style, color=colour, marker="o", markersize=3, linewidth=1.6,
                              alpha=1 if part == "validation" else 0.55, label=f"{who}, {part}")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
            axes.set(xlim=(0.5, max(len(baseline), len(mended)) + 0.5), xlabel="epoch", title=f"{what}, {unit}")
            axes.legend(ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.2), handlelength=2)

        charts.append(draw(f"curve-{what}", alt, 3.2, paint))
    return charts[0], charts[1]


def waterfall_chart(name: str, steps: Sequence[tuple[str, int]]) -> Chart:
    """How one class's training images went from version 0 (first step) to now, change by change.

    Args:
        name: of the class.
        steps: words and signed count; the first is where it starts, the sum is where it ends.
    """
    total = sum(change for _, change in steps)
    alt = f"Training images labelled {name}: " + ", ".join(f"{words} {change:+,}" for words, change in steps[1:])
    alt = f"{alt.replace('-', '−')}; from {count(steps[0][1])} to {count(total)}"

    def paint(axes: Axes) -> None:
        axes.set_title(f"{name}, training images")
        _bars(axes, steps, total)

    return draw(f"waterfall-{name}", alt, 2.6, paint)


def _bars(axes: Axes, steps: Sequence[tuple[str, int]], total: int) -> None:
    """One bar a step, floating where the sum stands, between the whole bars of start and end."""
    after = list(itertools.accumulate(change for _, change in steps))
    most, least = max(after), min(after)
    room = max(most - least, 1)
    edge = max(least - room, 0) if most > least else 0
    for place, ((_, change), high) in enumerate(zip([*steps, ("now", 0)], [*after, total], strict=True)):
        whole = place in (0, len(steps))
        left, right = (edge, high) if whole else sorted((high - change, high))
        colour = INK if whole else MENDED if change > 0 else BAD
        axes.barh(place, right - left, left=left, height=0.62, color=colour)
        words = f"{high:,}" if whole else f"{change:+,}".replace("-", "−")
        axes.annotate(words, (right, place), (4, 0), textcoords="offset points", va="center")
    axes.set_yticks(range(len(steps) + 1), [*(words for words, _ in steps), "now"])
    axes.set_xlim(edge, most + room * 0.35 + 0.5)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.locator_params(axis="x", nbins=4)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    if edge > 0:
        axes.set_xlabel("the axis does not begin at 0")


def size_chart(name: str, parts: Sequence[tuple[str, int]], limit: int) -> Chart:
    """Bytes that add up, against a limit, in KiB."""
    total = sum(number for _, number in parts)
    alt = f"{name}: " + " + ".join(f"{words} {number / 1024:,.1f}" for words, number in parts) + (
        f" = {total / 1024:,.1f} KiB against a limit of {limit / 1024:,.1f} KiB")

    def paint(axes: Axes) -> None:
        left = 0.0
        for (words, number), shade in zip(parts, (1.0, 0.55, 0.35), strict=False):
            axes.barh(0, number / 1024, left=left, color=MENDED if total <= limit else BAD, alpha=shade, height=0.6,
                      label=f"{words} {number / 1024:,.1f} KiB")
            left += number / 1024
        axes.axvline(limit / 1024, color=INK, linewidth=1.6, linestyle="--", label=f"limit {limit / 1024:,.0f} KiB")
        axes.set(yticks=[], xlim=(0, 1.08 * max(total, limit) / 1024), title=f"{name}, KiB")
        axes.legend(ncols=2, loc="upper left", bbox_to_anchor=(-0.02, -0.3), handlelength=1.2)

    return draw(f"size-{name}", alt, 1.9, paint)
