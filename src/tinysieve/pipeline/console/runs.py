"""The table of `tinysieve runs`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import typer
from rich.table import Table

from tinysieve.pipeline.compare.run_list import ListedRun, RunFigures
from tinysieve.pipeline.console.verdict import terminal

_COLUMNS = ("run", "recipe", "labels", "images", "before", "after", "RAM, B", "flash, B", "gates", "test")


def show_runs(folder: Path, runs: Sequence[ListedRun]) -> None:
    """Finished runs as a table, then the others, then what may be compared."""
    table = Table(title=f"runs in {folder}", caption="* beyond chance. Accuracies may be compared where `test` is the same.")
    for column in _COLUMNS:
        table.add_column(column, justify="left" if column in _COLUMNS[:3] else "right", no_wrap=column != "run")
    for run in runs:
        if run.figures is not None:
            table.add_row(_name(folder, run), *_cells(run.figures))
    if table.row_count:
        terminal().print(table)
    for run in runs:
        if run.figures is None:
            typer.echo(f"unfinished: {_name(folder, run)}: {run.unfinished}")
    tests = Counter(run.figures.test for run in runs if run.figures is not None)
    same = [test for test, number in tests.items() if number > 1]
    if same:
        a, b = [run for run in runs if run.figures is not None and run.figures.test == same[0]][:2]
        typer.echo(f"whether two of them differ: tinysieve compare {a.folder} {b.folder}")


def _name(folder: Path, run: ListedRun) -> str:
    return str(run.folder.relative_to(folder)) if run.folder != folder else run.folder.name


def _cells(figures: RunFigures) -> tuple[str, ...]:
    missed = len(figures.gates_missed)
    return (figures.recipe, figures.labels[:8], f"{figures.train_images:,}",
            "" if figures.baseline is None else f"{figures.baseline:.1%}",
            f"{figures.accuracy:.1%}" + ("*" if figures.beyond_chance else ""),
            "not measured" if figures.arena_bytes is None else f"{figures.arena_bytes:,}", f"{figures.flash_bytes:,}",
            f"{missed} missed" if missed else "met", f"{figures.test} ({figures.test_images:,})")
