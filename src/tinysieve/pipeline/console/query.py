"""Rows of a run's samples as a table on the terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import typer

from tinysieve.ground.errors import InputError
from tinysieve.ground.escaping import one_line

# Of these, what is there.
_USUAL = ("filename", "filepath", "split", "given", "label", "label_quality", "is_label_issue", "predicted_labels", "reason")


def show_rows(table: pa.Table, columns: Sequence[str], limit: int, as_json: bool) -> None:
    """Print the first rows; a cell is one line whatever it holds.

    Raises:
        InputError: no such column.
    """
    absent = [name for name in columns if name not in table.column_names]
    if absent:
        raise InputError(f"no column '{absent[0]}'", where="--columns", fix="one of " + ", ".join(table.column_names))
    names = list(columns) or [name for name in _USUAL if name in table.column_names]
    shown = table.select(names)
    shown = shown.slice(0, limit) if limit else shown
    if as_json:
        typer.echo(json.dumps({"rows": table.num_rows, "shown": shown.to_pylist()}, indent=1, default=str))
        return
    cells = [names, *([_cell(value) for value in row.values()] for row in shown.to_pylist())]
    widths = [max(len(row[place]) for row in cells) for place in range(len(names))]
    for row in cells:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    rest = table.num_rows - shown.num_rows
    typer.echo(f"{table.num_rows:,} samples" + (f", {rest:,} not shown: --limit 0, or --csv FILE" if rest else ""))


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else one_line(str(value))
