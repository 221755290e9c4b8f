"""Plots of the sweeps, with the published curves beside ours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tinysieve.ground.atomic_files import replacing
from tinysieve.pipeline.experiments.problem import Problem
from tinysieve.pipeline.experiments.sweeps import PUBLISHED_NOISE, PUBLISHED_PRUNE, NoisePoint, PrunePoint

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#2a6f97", "#e07a1f", "#8a8a8a"


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
    accuracy.plot(noise, [point.cleaned_accuracy for point in points], "o-", color=BLUE, label="label issues pruned")
    accuracy.plot(noise, [point.baseline_accuracy for point in points], "o-", color=ORANGE, label="noisy labels")
    if published:
        levels = [100 * level for level in PUBLISHED_NOISE]
        for index, label in ((1, "published, pruned"), (0, "published, noisy")):
            curve = [pair[index] for pair in PUBLISHED_NOISE.values()]
            accuracy.plot(levels, curve, "--" if index else ":", color=GREY, label=label)
    _finish(accuracy, problem.planted_words, "test accuracy", f"{problem.name}, {learner}")
    counts.plot(noise, [point.pruned for point in points], "o-", color=BLUE, label="pruned")
    counts.plot(noise, [point.planted for point in points], "o-", color=ORANGE, label="planted")
    counts.plot(noise, [point.pruned_wrong for point in points], "o--", color=GREY, label="pruned and planted")
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
    accuracy.plot(shares, [point.accuracy for point in points], "o-", color=BLUE, label="ours" if published else None)
    if published:
        published_shares = [100 * share for share in PUBLISHED_PRUNE]
        accuracy.plot(published_shares, list(PUBLISHED_PRUNE.values()), "--", color=GREY, label="published")
    _finish(accuracy, "share of the issues pruned, rest relabelled, %", "test accuracy", title)
    wrong.plot(shares, [point.wrong_left / point.kept for point in points], "o-", color=BLUE)
    _finish(wrong, "share of the issues pruned, rest relabelled, %", "share of the kept labels", "wrong labels left")
    _save(figure, path)


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
