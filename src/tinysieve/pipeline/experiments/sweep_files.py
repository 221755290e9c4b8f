"""Runs the sweeps for the command: CSV, JSON, plot and a table on the way."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, fields
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import typer

from tinysieve.filtering.label_errors.issue_filters import FILTERS
from tinysieve.ground.atomic_files import check_folder, write_text
from tinysieve.ground.csv_text import csv_lines
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.experiments.learners import check_learner, learner_called
from tinysieve.pipeline.experiments.problem import FoldedRidge, Problem
from tinysieve.pipeline.experiments.sweep_plots import plot_noise_sweep, plot_prune_sweep
from tinysieve.pipeline.experiments.sweeps import (
    PRUNE_SHARES,
    PUBLISHED_NOISE,
    PUBLISHED_PRUNE,
    NoisePoint,
    PrunePoint,
    noise_sweep,
    prune_sweep,
)

PUBLISHED_SET = "Fashion-MNIST"
NOISE_SWEEP, PRUNE_SWEEP = "noise_sweep", "prune_sweep"
Point = TypeVar("Point", NoisePoint, PrunePoint)


def parse_levels(text: str) -> tuple[float, ...]:
    """Noise levels in per cent, with commas between, as shares.

    >>> parse_levels("0, 12.5,45")
    (0.0, 0.125, 0.45)
    """
    try:
        levels = tuple(float(part) / 100 for part in text.split(","))
    except ValueError as error:
        raise InputError(f"noise levels '{text}'", fix="percentages separated by commas, such as 0,10,20") from error
    if not all(0 <= level < 1 for level in levels):
        raise InputError(f"noise levels '{text}' are not all in 0 to 99 %")
    return levels


def check_choices(learner: str, filter_by: str, out: Path, stem: str) -> None:
    """Refuse unknown names, and a folder that cannot be written into, before anything slow happens.

    Args:
        learner, filter_by: names.
        out: folder of the results.
        stem: NOISE_SWEEP or PRUNE_SWEEP.

    Raises:
        InputError: there is no such learner or filter, or see `check_folder`.
    """
    check_folder(out, (f"{stem}.csv", f"{stem}.json", f"{stem}.png"))
    check_learner(learner)
    if filter_by not in FILTERS:
        raise InputError(f"no filter '{filter_by}'", fix="one of " + ", ".join(FILTERS))


def run_noise_sweep(
    problem: Problem, levels: Sequence[float], learner: str, filter_by: str, folds: int, seeds: Sequence[int], out: Path,
    as_json: bool,
) -> None:
    """The noise sweep with each seed into `out`: noise_sweep.csv, .json, .png."""

    def swept(seed: int) -> Iterator[NoisePoint]:
        ridge = FoldedRidge(problem, folds, np.random.default_rng(seed))
        with progress("noise sweep", "levels") as report:
            yield from noise_sweep(ridge, levels, learner_called(learner, ridge), filter_by, seed, report)

    points = list(_told(chain.from_iterable(map(swept, seeds)), as_json))
    published = {f"{level:.2f}": pair for level, pair in PUBLISHED_NOISE.items()} if problem.name == PUBLISHED_SET else {}
    about = _about(problem, learner, filter_by, folds, seeds) | {"published": published}
    plot_noise_sweep(points, problem, learner, bool(published), out / f"{NOISE_SWEEP}.png")
    _store(points, about, out / NOISE_SWEEP, as_json)


def run_prune_sweep(
    problem: Problem, noise: float, learner: str, filter_by: str, folds: int, seeds: Sequence[int], out: Path, as_json: bool
) -> None:
    """The prune sweep with each seed into `out`: prune_sweep.csv, .json, .png."""

    def swept(seed: int) -> Iterator[PrunePoint]:
        ridge = FoldedRidge(problem, folds, np.random.default_rng(seed))
        with progress("prune sweep", "shares") as report:
            yield from prune_sweep(ridge, noise, PRUNE_SHARES, learner_called(learner, ridge), filter_by, seed, report)

    points = list(_told(chain.from_iterable(map(swept, seeds)), as_json))
    comparable = problem.name == PUBLISHED_SET and round(noise, 3) == 0.45
    published = {f"{share:.1f}": accuracy for share, accuracy in PUBLISHED_PRUNE.items()} if comparable else {}
    about = _about(problem, learner, filter_by, folds, seeds) | {"noise": noise, "published": published}
    plot_prune_sweep(points, noise, problem, learner, comparable, out / f"{PRUNE_SWEEP}.png")
    _store(points, about, out / PRUNE_SWEEP, as_json)


def _about(problem: Problem, learner: str, filter_by: str, folds: int, seeds: Sequence[int]) -> dict[str, Any]:
    return {"data": problem.name, "train": len(problem.train_labels), "test": len(problem.test_labels),
            "classes": problem.classes, "labels_known": problem.labels_known,
            "learner": learner, "filter": filter_by, "folds": folds, "seeds": list(seeds)}


def _told(points: Iterable[Point], quiet: bool) -> Iterator[Point]:
    """Pass the points on and print each as it comes."""
    for index, point in enumerate(points):
        row = {name: _figure(value) for name, value in asdict(point).items()}
        if not quiet:
            if not index:
                typer.echo("  ".join(f"{name:>{max(9, len(name))}}" for name in row))
            typer.echo("  ".join(f"{value:>{max(9, len(name))}}" for name, value in row.items()))
        yield point


def _figure(value: float | None) -> str:
    return "" if value is None else format(value, ".4f" if isinstance(value, float) else ",")


def _store(points: Sequence[Point], about: dict[str, Any], stem: Path, as_json: bool) -> None:
    table = csv_lines([[field.name for field in fields(points[0])], *(list(asdict(point).values()) for point in points)])
    write_text(stem.with_suffix(".csv"), table)
    whole = json.dumps(about | {"points": [asdict(point) for point in points]}, indent=1)
    write_text(stem.with_suffix(".json"), whole + "\n")
    typer.echo(whole if as_json else f"{stem}.csv, .json, .png")
