"""What `data-parameters` prints."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import typer
from rich.console import Console
from rich.table import Table

from tinysieve.filtering.data_parameters.triage import TRIAGE_NAMES
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
    counts = Table(title="triage")
    for name in ("label", *TRIAGE_NAMES):
        counts.add_column(name, justify="left" if name == "label" else "right")
    for label, row in summary["triage"].items():
        counts.add_row(label, *(f"{row[name]:,}" for name in TRIAGE_NAMES))
    console.print(counts)
    typer.echo(f"hard samples: {summary['hard']['wrong']:,} look wrong, {summary['hard']['rare']:,} only rare")
    worst = Table(title="most suspect labels")
    for name in ("filepath", "label", "triage", "hard_because", "temperature", "final"):
        worst.add_column(name, justify="right" if name in ("temperature", "final") else "left")
    for row in pq.read_table(folder / TRIAGE_FILE).slice(0, _SHOWN).to_pylist():
        worst.add_row(row["filepath"], row["label"], row["triage"], row["hard_because"] or "",
                      f"{row['temperature']:.2f}", f"{row['final']:.2f}")
    console.print(worst)
    typer.echo(f"all samples: {folder / TRIAGE_FILE}\npictures:    {folder / 'pictures'}")
