"""Section "Training": recipe, curves and best epochs of both models."""

from __future__ import annotations

from dataclasses import dataclass

from tinysieve.pipeline.report.figures import Chart, curve_charts
from tinysieve.pipeline.report.section import Section, template
from tinysieve.pipeline.report.source import ReportSource
from tinysieve.pipeline.stages.train import BASELINE, HISTORY, MENDED, TrainFacts
from tinysieve.training.recipe import Recipe


@dataclass(frozen=True)
class TrainingShown:
    """How both models were trained: the shared recipe and seed, each model's figures, accuracy and loss by epoch."""

    recipe: Recipe
    seed: int
    models: dict[str, TrainFacts]
    curves: tuple[Chart, ...]


def gather(source: ReportSource) -> TrainingShown:
    """Read facts and curves."""
    curves = curve_charts(HISTORY[BASELINE].of(source.run), HISTORY[MENDED].of(source.run))
    return TrainingShown(source.recipe, source.config.seed, source.models, curves)


SECTION = Section("training", "Training", "Training", gather, template("training_curves.html.j2"))
