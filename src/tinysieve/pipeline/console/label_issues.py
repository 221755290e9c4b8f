"""What `label-issues` and `clean-view` write and print."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import typer

from tinysieve.filtering.label_errors.issue_filters import filters_for
from tinysieve.filtering.label_errors.label_errors import LabelErrors, find_label_errors
from tinysieve.filtering.label_errors.probability_matrix import Labels, Probabilities
from tinysieve.ground.atomic_files import replacing
from tinysieve.pipeline.label_issues.clean_view import CleanView

_SHOWN = 10


def find_and_show(
    pred_probs: Probabilities, labels: Labels, filter_by: str, rank_by: str, out: Path, as_json: bool
) -> None:
    """Find label errors, write the table, print a summary."""
    errors = find_label_errors(pred_probs, labels, filter_by, rank_by)
    table = errors.table(pred_probs, labels)
    write_table(table, out)
    summary = summarise(errors, labels, filter_by, rank_by) | {"out": str(out)}
    if as_json:
        typer.echo(json.dumps(summary, indent=1))
        return
    typer.echo(f"{summary['issues']:,} label issues among {summary['rows']:,} labels of {summary['classes']} classes "
               f"(filter {filter_by}); {summary['estimated_errors']:,} estimated from the confident joint")
    if summary["classes"] == 2:
        typer.echo("filters that differ for two classes: " + ", ".join(filters_for(2)))
    for given, predicted, count in summary["most_frequent"]:
        typer.echo(f"{count:>9,}  labelled {given}, predicted {predicted}")
    _worst(table, f"worst {min(_SHOWN, table.num_rows)} by {rank_by} (label_quality: 0: surely wrong, 1: surely right)")
    typer.echo(f"all rows, worst first: {out}")


def summarise(errors: LabelErrors, labels: Labels, filter_by: str, rank_by: str) -> dict[str, Any]:
    """Counts, thresholds and joint, for people and programs."""
    classes = len(errors.thresholds)
    issues = errors.issues
    pairs = np.bincount(labels[issues].astype(np.int64) * classes + errors.predicted_labels[issues], minlength=classes**2)
    most = [int(pair) for pair in np.argsort(-pairs, kind="stable")[:_SHOWN] if pairs[pair]]
    return {
        "rows": len(errors), "classes": classes, "filter": filter_by, "method": rank_by, "issues": len(issues),
        "estimated_errors": errors.estimated_errors, "thresholds": errors.thresholds.round(6).tolist(),
        "joint": errors.joint.tolist(),
        "most_frequent": [[pair // classes, pair % classes, int(pairs[pair])] for pair in most],
        "worst_rows": errors.issues[:_SHOWN].tolist(),
    }  # fmt: skip


def announce_cut(view: CleanView) -> None:
    """What is about to be taken out, and what of it is expected to be right; on standard error, before it is done."""
    typer.echo(f"clean view: {view.pruned:,} photos to drop, {view.relabelled:,} to relabel, of {view.labels:,}; at least "
               f"{view.right_expected:,.0f} of these {view.issues:,} are expected to be labelled right", err=True)


def show_clean_view(view: CleanView, out: Path | None, as_json: bool, dry_run: bool) -> None:
    """What was taken out, and the way back."""
    if out:
        write_table(view.table, out)
    if as_json:
        typer.echo(json.dumps(view.counts() | {"out": str(out) if out else None, "dry_run": dry_run}, indent=1))
        return
    typer.echo(f"{view.issues:,} label issues among {view.labels:,} labels of the train split; "
               f"{view.estimated_errors:,} estimated from the confident joint")
    _worst(view.table, "worst labels")
    typer.echo(_outcome(view, dry_run))
    if out:
        typer.echo(f"all judged samples, worst first: {out}")


def _outcome(view: CleanView, dry_run: bool) -> str:
    if view.version == view.parent:
        return f"no label issues in {view.parent}"
    if dry_run:
        return f"dry run: {view.parent} stays the current version"
    return (f"clean view: {view.parent} -> {view.version}, {view.pruned:,} pruned, {view.relabelled:,} relabelled; "
            "'tinysieve undo' reverts it")


def write_table(table: pa.Table, path: Path) -> None:
    """Parquet, atomically."""
    with replacing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def _worst(table: pa.Table, title: str) -> None:
    typer.echo(f"{title}:")
    for row in table.slice(0, _SHOWN).to_pylist():
        name = row.get("filepath") or f"row {row['row']:>9,}"
        typer.echo(f"  {name}  labelled {row['given_label']} (p {row['given_probability']:.3f}), "
                   f"predicted {row['predicted_labels']} (p {row['predicted_probability']:.3f}), "
                   f"quality {row['label_quality']:.4f}{', issue' if row['is_label_issue'] else ''}")
