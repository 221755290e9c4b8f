"""The plot of the CIFAR experiment: accuracies by epoch, and how far the temperatures of corrupt and clean labels part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tinysieve.ground.atomic_files import replacing
from tinysieve.pipeline.experiments.cifar_noise import CifarNoiseOutcome
from tinysieve.pipeline.pictures.triage import COLOURS


def draw_curves(outcome: CifarNoiseOutcome, title: str, path: Path) -> None:
    """Write a PNG."""
    figure = Figure(figsize=(11, 4.2), dpi=110, layout="constrained")
    left, right = figure.subplots(1, 2)
    epochs = np.arange(1, len(outcome.without.test_accuracy) + 1)
    trainings = (("without", outcome.without, "#8a8a8a"), ("with data parameters", outcome.with_temperatures, "#2a6f97"),
                 ("most suspect dropped, trained again", outcome.retrained, "#e07a1f"))
    for name, training, colour in trainings:
        if training is not None:
            left.plot(epochs, training.test_accuracy, "o-", color=colour, markersize=3, label=name)
    left.set(xlabel="epoch", ylabel="test accuracy, true labels", title=title)
    sigma = np.asarray(outcome.with_temperatures.trajectories, np.float32)
    for name, rows, colour in (("corrupt labels", outcome.corrupt, COLOURS[1]), ("clean labels", ~outcome.corrupt, COLOURS[0])):
        low, middle, high = np.quantile(sigma[rows], (0.25, 0.5, 0.75), axis=0)
        right.plot(epochs, middle, color=colour, label=f"{name}, median and quartiles")
        right.fill_between(epochs, low, high, color=colour, alpha=0.2, linewidth=0)
    right.axvline(outcome.epoch + 1, color="#444444", linestyle="--", linewidth=1, label=f"read after epoch {outcome.epoch + 1}")
    right.set(xlabel="epoch", ylabel="temperature", title="temperatures")
    for axes in (left, right):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.grid(alpha=0.25)
        axes.legend(frameon=False)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})
