"""What a tracker is told of a finished run: plain names, numbers and files, the same for every tracker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tinysieve.pipeline.engine.stages import Run
from tinysieve.pipeline.report.report_stage import REPORT_PAGE
from tinysieve.pipeline.stages.quantize import INT8_MODEL
from tinysieve.pipeline.stages.train import HISTORY, MENDED, TRAIN_FACTS
from tinysieve.pipeline.stages.verify import VERDICT, VerifyFacts


@dataclass(frozen=True)
class TrackedRun:
    """One run.

    Args:
        name: of the run, its folder's.
        params: settings and recipe by dotted name; text.
        metrics: figures of the verdict by name.
        curves: for each curve of training the value of each epoch, counted from 1.
        files: report, cards, verdict and int8 model.
    """

    name: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    curves: Mapping[str, tuple[float, ...]]
    files: tuple[Path, ...]


def tracked_run(run: Run) -> TrackedRun:
    """Gather a run whose stages up to `report` have finished."""
    trained = TRAIN_FACTS[MENDED].of(run)
    settings = run.config.model_dump(mode="json", exclude={"track", "workers"})
    params = {**dict(flattened(settings, "")), **dict(flattened(trained.recipe.settings, "recipe")),
              "labels.version": trained.version, "train.images": str(trained.train_images)}
    report = REPORT_PAGE.path(run)
    files = (report, *sorted(report.parent.glob("*.md")), VERDICT.path(run), INT8_MODEL[MENDED].path(run))
    return TrackedRun(run.folder.resolve().name, params, metrics_of(VERDICT.of(run)), _curves(run), files)


def flattened(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Nested settings as dotted names and text; lists by position, nothing for None.

    >>> dict(flattened({"a": {"b": 1, "c": None}, "d": [True]}, ""))
    {'a.b': '1', 'd.0': 'True'}
    """
    if isinstance(value, Mapping):
        pairs = value.items()
    elif isinstance(value, list | tuple):
        pairs = {str(place): item for place, item in enumerate(value)}.items()
    else:
        if value is not None:
            yield name, str(value)
        return
    for key, item in pairs:
        yield from flattened(item, f"{name}.{key}" if name else str(key))


def metrics_of(verdict: VerifyFacts) -> dict[str, float]:
    """The verdict's figures that are numbers; what was not measured is left out."""
    figures: dict[str, float | None] = {
        "int8_accuracy": verdict.int8.value,
        "int8_balanced_accuracy": verdict.confusion.balanced_accuracy,
        "float_accuracy": verdict.float32.value if verdict.float32 else None,
        "baseline_int8_accuracy": verdict.baseline_int8.value if verdict.baseline_int8 else None,
        "difference": verdict.comparison.difference if verdict.comparison else None,
        "difference_low": verdict.comparison.interval.low if verdict.comparison else None,
        "difference_high": verdict.comparison.interval.high if verdict.comparison else None,
        "arena_bytes": verdict.arena.total_bytes if verdict.arena else None,
        "flash_bytes": verdict.flash_bytes,
        "macs": verdict.macs,
        "gates_missed": sum(gate.met is False for gate in verdict.budgets),
    }
    return {name: float(value) for name, value in figures.items() if value is not None}


def _curves(run: Run) -> dict[str, tuple[float, ...]]:
    curves = {}
    for which, history in HISTORY.items():
        rows = [asdict(record) for record in history.of(run)]
        for name in (key for key in rows[0] if key != "epoch"):
            curves[f"{which}/{name}"] = tuple(row[name] for row in rows)
    return curves
