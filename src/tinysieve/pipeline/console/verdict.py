"""The verdict as commands print it: accuracies, what differs, budgets, notes."""

from __future__ import annotations

from collections.abc import Sequence

import typer
from rich.console import Console
from rich.table import Table

from tinysieve.pipeline.stages.quantize import FitFacts
from tinysieve.pipeline.stages.verify import VerifyFacts
from tinysieve.quantize.tflm.arena import arena_words
from tinysieve.quantize.verdict.verdict import Budget


def show_verdict(verdict: VerifyFacts) -> None:
    """Accuracies with their intervals, and each budget."""
    for title, accuracy in (("baseline int8", verdict.baseline_int8), ("mended int8", verdict.int8),
                            ("mended float", verdict.float32)):
        if accuracy is not None:
            typer.echo(f"{title:<14} accuracy {accuracy.value:.4f} on {accuracy.images:,} test images "
                       f"(95 % interval {accuracy.interval.low:.4f} to {accuracy.interval.high:.4f})")
    _show_difference(verdict)
    _show_budgets(verdict.budgets)
    if verdict.fit is not None:
        typer.echo(fit_line(verdict.fit))
    for note in verdict.notes:
        typer.echo(f"note: {note}")
    typer.echo(verdict.challenge_line)


def _show_difference(verdict: VerifyFacts) -> None:
    comparison, baseline = verdict.comparison, verdict.baseline_confusion
    if comparison is not None and baseline is not None:
        typer.echo(f"{'difference':<14} {comparison.difference:+.4f} ({comparison.interval.low:+.4f} to "
                   f"{comparison.interval.high:+.4f}), McNemar p {comparison.mcnemar.p_value:.3g}")
        balanced = comparison.balanced_interval
        typer.echo(f"{'balanced':<14} accuracy {baseline.balanced_accuracy:.4f} -> "
                   f"{verdict.confusion.balanced_accuracy:.4f}, difference "
                   f"{comparison.balanced_difference:+.4f} ({balanced.low:+.4f} to {balanced.high:+.4f})")
    typer.echo(f"{'constant':<14} always the more frequent class: accuracy {verdict.confusion.constant_accuracy:.4f}")


def _show_budgets(budgets: Sequence[Budget]) -> None:
    table = Table(title="budgets")
    for column in ("gate", "limit", "measured", "verdict"):
        table.add_column(column, justify="left" if column == "gate" else "right")
    for gate in budgets:
        judged = {True: "met", False: "MISSED", None: "not measured"}[gate.met]
        measured = "" if gate.measured is None else amount(gate.measured, gate.unit)
        table.add_row(gate.name, amount(gate.limit, gate.unit), measured, judged)
    terminal().print(table)


def amount(value: float, unit: str) -> str:
    """A measured value with its unit: whole numbers in full, others with four digits behind the point.

    >>> amount(1048576, "B"), amount(-0.0, "share"), amount(0.411765, "share")
    ('1,048,576 B', '0 share', '0.4118 share')
    """
    return f"{int(value):,} {unit}" if float(value).is_integer() else f"{value:,.4f} {unit}"


def fit_line(fit: FitFacts) -> str:
    """What fitting made of the mended model."""
    arenas = [arena_words(size.arena, size.planned_bytes) for size in (fit.before, fit.after)]
    return (f"fitted, same outputs: file {fit.before.file_bytes:,} B -> {fit.after.file_bytes:,} B, arena "
            f"{' -> '.join(arenas)}, {fit.extra_macs:+.2%} multiply-accumulates")


def terminal() -> Console:
    """Where tables go: as wide as the terminal, 150 characters where there is none."""
    return Console(width=None if Console().is_terminal else 150)
