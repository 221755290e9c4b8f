"""What `data-parameters` prints."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import typer
from rich.console import Console
from rich.table import Table

from tinysieve.filtering.data_parameters.triage import TRIAGE_NAMES
from tinysieve.ground.statistics import wilson_interval
from tinysieve.pipeline.label_issues.stored_trajectories import LeastSuspect
from tinysieve.pipeline.stages.data_parameters import SUMMARY, TRIAGE_FILE

_SHOWN = 10


def show_triage(folder: Path, as_json: bool) -> None:
    """Counts by class, the most suspect labels, and where everything lies."""
    text = (folder / SUMMARY).read_text()
    if as_json:
        typer.echo(text, nl=False)
        return
    summary = json.loads(text)
    console = Console(width=None if Console().is_terminal else 130)
    typer.echo(f"{summary['samples']:,} labelled train samples, {summary['epochs']} epochs, "
               f"read after epoch {summary['read_after_epoch']}, rule {summary['rule']}")
    console.print(_counts(summary["triage"]))
    typer.echo(f"hard samples: {summary['hard']['wrong']:,} look wrong, {summary['hard']['rare']:,} only rare")
    worst = Table(title="most suspect labels")
    for name in ("filepath", "label", "triage", "hard_because", "temperature", "final"):
        worst.add_column(name, justify="right" if name in ("temperature", "final") else "left")
    for row in pq.read_table(folder / TRIAGE_FILE).slice(0, _SHOWN).to_pylist():
        worst.add_row(row["filepath"], row["label"], row["triage"], row["hard_because"] or "",
                      f"{row['temperature']:.2f}", f"{row['final']:.2f}")
    console.print(worst)
    typer.echo(f"all samples: {folder / TRIAGE_FILE}\npictures:    {folder / 'pictures'}")


def show_folder(folder: Path, counts: Mapping[str, Any], as_json: bool) -> None:
    """What was learnt of a folder of classes: counts, and where everything lies."""
    if as_json:
        typer.echo(json.dumps(counts, indent=1))
        return
    typer.echo(f"{counts['samples']:,} pictures, {counts['epochs']} epochs, read after epoch {counts['read_after_epoch']}, "
               f"rule {counts['rule']}" + (f"; {counts['unread']:,} unread: unread.csv" if counts["unread"] else ""))
    Console(width=None if Console().is_terminal else 130).print(_counts(counts["triage"]))
    if "kept" in counts:
        typer.echo(f"kept {counts['kept']:,}: {folder / 'kept.csv'}")
    if "retraining" in counts:
        _tell_retraining(counts["retraining"])
    typer.echo(f"all pictures: {folder / TRIAGE_FILE}\npages:        {folder / 'pictures'}")


def _tell_retraining(made: Mapping[str, Any]) -> None:
    """Test accuracy before and after, each with the interval of so few test pictures."""
    total = made["test_pictures"]
    typer.echo(f"trained from scratch, accuracy on {total:,} test pictures after the last epoch:")
    for words, count, name in (("all", made["taught"], "without"), ("kept", made["kept"], "retrained")):
        accuracy = made["test_accuracy"][name]["last"]
        interval = wilson_interval(accuracy * total, total)
        typer.echo(f"  {words:<4} {count:>7,} pictures: {100 * accuracy:.1f} % "
                   f"(95 %: {100 * interval.low:.1f} to {100 * interval.high:.1f} %)")


def show_kept(kept: LeastSuspect, as_json: bool) -> None:
    """The version that stored trajectories made."""
    if as_json:
        typer.echo(json.dumps(asdict(kept), indent=1))
        return
    typer.echo(f"read after epoch {kept.read_epoch}: {kept.kept:,} of {kept.samples:,} kept, "
               + ", ".join(f"{name} {after:,} of {before:,}" for name, (before, after) in kept.by_class.items()))
    typer.echo(f"{kept.parent} -> {kept.version}; 'tinysieve train' learns on it, 'tinysieve undo' reverts it")


def _counts(triage: Mapping[str, Mapping[str, int]]) -> Table:
    counts = Table(title="triage")
    for name in ("label", *TRIAGE_NAMES):
        counts.add_column(name, justify="left" if name == "label" else "right")
    for label, row in triage.items():
        counts.add_row(label, *(f"{row[name]:,}" for name in TRIAGE_NAMES))
    return counts
