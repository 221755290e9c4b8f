"""`runs`: every run below a folder in one table, and which of them were measured on the same test images."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from tinysieve.ground.errors import InputError
from tinysieve.pipeline.engine.records import RECORD
from tinysieve.pipeline.stages.recorded_run import RecordedRun, open_recorded

# A run lies at most so many folders below the one that is listed.
DEPTH = 4
FIRST_STAGE = "ingest"


@dataclass(frozen=True)
class RunFigures:
    """What a finished run measured; accuracies in [0, 1], of int8 models.

    Args:
        recipe: its name.
        labels: version that the mended model was trained on.
        train_images: of the mended model.
        test: digest of the test images and their labels: accuracies with the same one may be compared.
        baseline, accuracy: before and after; `baseline` is None where there is none.
        beyond_chance: whether they differ significantly.
        arena_bytes: None where nothing measured it.
        flash_bytes: of the model.
        gates_missed: their names.
    """

    recipe: str
    labels: str
    train_images: int
    test: str
    test_images: int
    baseline: float | None
    accuracy: float
    beyond_chance: bool
    arena_bytes: int | None
    flash_bytes: int
    gates_missed: tuple[str, ...]


@dataclass(frozen=True)
class ListedRun:
    """One run: its figures, or why there are none yet."""

    folder: Path
    figures: RunFigures | None
    unfinished: str


def runs_below(folder: Path) -> tuple[ListedRun, ...]:
    """All runs, in the order of their names.

    Raises:
        InputError: no such folder, or no run in it.
    """
    if not folder.is_dir():
        raise InputError("there is no such folder", where=str(folder), fix="give the folder that holds the runs, such as runs")
    runs = tuple(_listed(place) for place in sorted(_run_folders(folder, DEPTH)))
    if not runs:
        raise InputError("no run in this folder", where=str(folder), why="a run has a folder 'ingest' with a record",
                         fix="'tinysieve run' makes one")
    return runs


def _run_folders(folder: Path, depth: int) -> Iterator[Path]:
    if (folder / FIRST_STAGE / RECORD).is_file():
        yield folder
    elif depth:
        for inner in folder.iterdir():
            if inner.is_dir() and not inner.is_symlink():
                yield from _run_folders(inner, depth - 1)


def _listed(folder: Path) -> ListedRun:
    try:
        return ListedRun(folder, _figures(open_recorded(folder)), "")
    except InputError as error:
        return ListedRun(folder, None, error.what)


def _figures(run: RecordedRun) -> RunFigures:
    verdict, trained = run.verdict, run.trained
    compared = verdict.comparison
    return RunFigures(
        recipe=trained.recipe.name, labels=trained.version, train_images=trained.train_images, test=_test_digest(run),
        test_images=verdict.int8.images, baseline=verdict.baseline_int8.value if verdict.baseline_int8 else None,
        accuracy=verdict.int8.value, beyond_chance=compared is not None and (compared.better or compared.worse),
        arena_bytes=verdict.arena.total_bytes if verdict.arena else None, flash_bytes=verdict.flash_bytes,
        gates_missed=tuple(gate.name for gate in verdict.budgets if gate.met is False))


def _test_digest(run: RecordedRun) -> str:
    """Of ids and labels of the test images that were scored, whatever their order."""
    rows, _ = run.answers()
    ids, labels = run.samples.sample_ids.take(pa.array(rows)).to_pylist(), run.trained_version.labels[rows]
    lines = sorted(f"{name} {label}" for name, label in zip(ids, labels, strict=True))
    return hashlib.blake2b("\n".join(lines).encode(), digest_size=4).hexdigest()
