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


def show_ingest(counts: dict[str, Any]) -> None:
    """What became samples and what did not, with the files that name it."""
    typer.echo(f"{counts['samples']:,} samples, version {counts['version']}")
    for name, file in (("quarantined", "quarantine.csv"), ("skipped", "skipped.csv"), ("leaked", "leaks.csv")):
        if counts[name]:
            typer.echo(f"{counts[name]:,} {name}: see ingest/{file}")


def show_policy(summary: dict[str, Any]) -> None:
    """The filters, then what the policy did."""
    show_filters([FilterRow(**row) for row in summary["filters"]])
    show_pairs(f"policy '{summary['policy']}': {summary['parent']} -> {summary['version']}",
               {**summary["changes"], "for a person to review": summary["review"]})


def show_pairs(title: str, pairs: dict[str, int]) -> None:
    """A small table of counts."""
    table = Table(title=title, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, count in pairs.items():
        table.add_row(name, f"{count:,}")
    _console().print(table)


def show_verdict(verdict: dict[str, Any]) -> None:
    """Accuracies with their intervals, and each budget."""
    for name, title in (("baseline_int8", "baseline int8"), ("int8", "mended int8"), ("float32", "mended float")):
        accuracy = verdict[name]
        interval = accuracy["interval"]
        typer.echo(f"{title:<14} accuracy {accuracy['value']:.4f} on {accuracy['images']:,} test images "
                   f"(95 % interval {interval['low']:.4f} to {interval['high']:.4f})")
    comparison = verdict["comparison"]
    typer.echo(f"{'difference':<14} {comparison['difference']:+.4f} ({comparison['interval']['low']:+.4f} to "
               f"{comparison['interval']['high']:+.4f}), McNemar p {comparison['mcnemar']['p_value']:.3g}")
    table = Table(title="budgets")
    for column in ("gate", "limit", "measured", "verdict"):
        table.add_column(column, justify="left" if column == "gate" else "right")
    for one in verdict["budgets"]:
        judged = {True: "met", False: "MISSED", None: "not measured"}[one["met"]]
        measured = "" if one["measured"] is None else f"{one['measured']:,.6g} {one['unit']}"
        table.add_row(one["name"], f"{one['limit']:,.6g} {one['unit']}", measured, judged)
    _console().print(table)
    typer.echo(verdict["challenge_line"])


_SHOW = {"ingest": show_ingest, "policy": show_policy, "verify": show_verdict}


def show_result(run: Run, last: str, as_json: bool) -> None:
    """What the last stage found, and where it lies."""
    folder = run.at(last)
    summary = folder / f"{last}.json"
    if as_json:
        typer.echo(summary.read_text() if summary.exists() else json.dumps({"folder": str(folder)}), nl=False)
        return
    if last == "policy":
        show_ingest(json.loads((run.at("ingest") / "ingest.json").read_text()))
    if last in _SHOW:
        _SHOW[last](json.loads(summary.read_text()))
    typer.echo(f"done: {folder / 'report.html' if last == 'report' else folder}")


def _console() -> Console:
    return Console(width=None if Console().is_terminal else 130)


def _json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=1))
