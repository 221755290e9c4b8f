"""What the commands print: tables for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa
import typer
from rich.console import Console
from rich.table import Table

from dataset.version_store import LogEntry
from filtering.opinions.vote_table import FilterRow
from pipeline.stages import Outlook, Run

_SHOWN_DIFFERENCES = 20


def announce(outlook: Outlook) -> None:
    """One line a stage, as it is reached."""
    verb = "run " if outlook.runs else "skip"
    typer.echo(f"{verb} {outlook.stage}: {outlook.reasons[0]}", err=True)


def show_outlooks(outlooks: Sequence[Outlook], explain: bool, as_json: bool) -> None:
    """What would run and, if asked, why."""
    if as_json:
        _json([asdict(one) for one in outlooks])
        return
    for one in outlooks:
        why = ": " + "; ".join(one.reasons) if explain else ""
        typer.echo(f"{'would run' if one.runs else 'up to date'}  {one.stage}{why if one.runs else ''}")


def show_log(entries: Sequence[LogEntry], as_json: bool) -> None:
    """Versions, newest first, the current one marked."""
    if as_json:
        _json([asdict(entry) for entry in entries])
        return
    for entry in entries:
        mark = "*" if entry.current else " "
        typer.echo(f"{mark} {entry.id}  {entry.at}  {entry.changes:>8,} changes  {entry.note}")


def show_diff(table: pa.Table, as_json: bool) -> None:
    """Counts of each change and the first rows."""
    if as_json:
        _json(table.to_pylist())
        return
    counts = table.group_by(["split", "old_label", "new_label"]).aggregate([("sample_id", "count")])
    for row in counts.sort_by([("split", "ascending"), ("old_label", "ascending")]).to_pylist():
        change = f"{row['old_label'] or 'none'} -> {row['new_label'] or 'none'}"
        typer.echo(f"{row['sample_id_count']:>8,}  {row['split']:<11} {change}")
    for row in table.slice(0, _SHOWN_DIFFERENCES).to_pylist():
        typer.echo(f"  {row['sample_id'][:12]}  {row['filepath']}  {row['old_label']} -> {row['new_label']}")
    if table.num_rows > _SHOWN_DIFFERENCES:
        typer.echo(f"  and {table.num_rows - _SHOWN_DIFFERENCES:,} more (--json for all)")


def show_filters(rows: Sequence[FilterRow]) -> None:
    """The table of filters before the policy."""
    table = Table(title="filters, over the samples that may change")
    for name in ("filter", "signal", "coverage", "overlap", "conflict", "-> person", "-> background",
                 "new person", "new background"):
        table.add_column(name, justify="left" if name in ("filter", "signal") else "right")
    for row in rows:
        shares = (f"{value:.1%}" for value in (row.coverage, row.overlap, row.conflict))
        counts = (f"{value:,}" for value in (row.to_person, row.to_background, row.new_person, row.new_background))
        table.add_row(row.filter, row.signal, *shares, *counts)
    _console().print(table)


def show_result(run: Run, last: str, as_json: bool) -> None:
    """Where the results of the last stage lie."""
    folder = run.at(last)
    summary = folder / f"{last}.json"
    if as_json and summary.exists():
        typer.echo(summary.read_text(), nl=False)
        return
    typer.echo(f"done: {folder}")


def _console() -> Console:
    return Console(width=None if Console().is_terminal else 130)


def _json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=1))
