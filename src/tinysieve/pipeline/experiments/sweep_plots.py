"""Plots of the sweeps, with the published curves beside ours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tinysieve.ground.atomic_files import replacing
from tinysieve.pipeline.experiments.problem import Problem
from tinysieve.pipeline.experiments.sweeps import PUBLISHED_NOISE, PUBLISHED_PRUNE, NoisePoint, PrunePoint

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY, GREEN = "#2a6f97", "#e07a1f", "#8a8a8a", "#4a8f4a"


def plot_noise_sweep(points: Sequence[NoisePoint], problem: Problem, learner: str, published: bool, path: Path) -> None:
    """Accuracy and counts against noise, as PNG.

    Args:
        points: of the sweep, by noise.
        problem: its name, and whether its labels are known to be right.
        learner: of the classifier.
        published: draw the published Fashion-MNIST curve too.
        path: receives the picture.
    """
    figure = _figure()
    accuracy, counts = figure.subplots(1, 2)
    noise = [100 * point.noise for point in points]
    _curve(accuracy, noise, [point.cleaned_accuracy for point in points], "o-", BLUE, "label issues pruned")
    _curve(accuracy, noise, [point.baseline_accuracy for point in points], "o-", ORANGE, "noisy labels")
    truth = [point.truth_accuracy for point in points if point.truth_accuracy is not None]
    if len(truth) == len(points):
        _curve(accuracy, noise, truth, ".-", GREEN, "all planted errors pruned, nothing else")
    if published:
        levels = [100 * level for level in PUBLISHED_NOISE]
        for index, label in ((1, "published, pruned"), (0, "published, noisy")):
            curve = [pair[index] for pair in PUBLISHED_NOISE.values()]
            accuracy.plot(levels, curve, "--" if index else ":", color=GREY, label=label)
    _finish(accuracy, problem.planted_words, "test accuracy", f"{problem.name}, {learner}")
    _curve(counts, noise, [point.pruned for point in points], "o-", BLUE, "pruned")
    _curve(counts, noise, [point.planted for point in points], "o-", ORANGE, "planted")
    _curve(counts, noise, [point.pruned_wrong for point in points], "o--", GREY, "pruned and planted")
    _finish(counts, problem.planted_words, "labels", "pruned vs. planted")
    counts.yaxis.set_major_formatter("{x:,.0f}")
    _save(figure, path)


def plot_prune_sweep(points: Sequence[PrunePoint], noise: float, problem: Problem, learner: str, published: bool,
                     path: Path) -> None:
    """Accuracy and wrong labels left against the share of the issues that is pruned, as PNG."""
    figure = _figure()
    accuracy, wrong = figure.subplots(1, 2)
    shares = [100 * point.prune_share for point in points]
    title = f"{problem.name}, {learner}, {100 * noise:.0f} % {problem.noise_words}"
    _curve(accuracy, shares, [point.accuracy for point in points], "o-", BLUE, "ours" if published else None)
    if published:
        published_shares = [100 * share for share in PUBLISHED_PRUNE]
        accuracy.plot(published_shares, list(PUBLISHED_PRUNE.values()), "--", color=GREY, label="published")
    _finish(accuracy, "share of the issues pruned, rest relabelled, %", "test accuracy", title)
    _curve(wrong, shares, [point.wrong_left / point.kept for point in points], "o-", BLUE, None)
    _finish(wrong, "share of the issues pruned, rest relabelled, %", "share of the kept labels", "wrong labels left")
    _save(figure, path)


def band(x: Sequence[float], y: Sequence[float]) -> tuple[list[float], list[float], list[float], list[float]]:
    """Each x once, in order, with the mean, the least and the greatest y that stand at it.

    >>> band([0, 10, 0, 10], [1, 5, 3, 7])
    ([0, 10], [2.0, 6.0], [1, 5], [3, 7])
    """
    places = list(dict.fromkeys(x))
    at = [[value for place, value in zip(x, y, strict=True) if place == wanted] for wanted in places]
    return places, [sum(values) / len(values) for values in at], [min(values) for values in at], [max(values) for values in at]


def _curve(axes: Axes, x: Sequence[float], y: Sequence[float], style: str, colour: str, label: str | None) -> None:
    """The mean over seeds, and the range of them as a band."""
    places, mean, least, greatest = band(x, y)
    axes.plot(places, mean, style, color=colour, label=label)
    if least != greatest:
        axes.fill_between(places, least, greatest, color=colour, alpha=0.2, linewidth=0)


def _figure() -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.2), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _finish(axes: object, x: str, y: str, title: str) -> None:
    axes.set(xlabel=x, ylabel=y, title=title)  # type: ignore[attr-defined]
    axes.grid(alpha=0.25)  # type: ignore[attr-defined]
    if len(axes.lines) > 1:  # type: ignore[attr-defined]
        axes.legend(frameon=False)  # type: ignore[attr-defined]


def _save(figure: Figure, path: Path) -> None:
    with replacing(path) as temporary:
        # Without the software's name and date the same points give the same bytes.
        figure.savefig(temporary, format="png", metadata={"Software": None})
