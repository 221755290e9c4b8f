"""Label errors: `label-issues` on plain arrays, `clean-view` on a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinysieve.pipeline.commands.command_group import LABELS
from tinysieve.pipeline.commands.options import DEFAULT_CONFIG, ConfigOption, Json, Overrides, open_run

commands = typer.Typer()

Method = Annotated[str, typer.Option(help="Ranking: adjusted_margin, self_confidence, margin or entropy.")]
FilterBy = Annotated[str, typer.Option("--filter", help="Labels that count as issues: prune_by_noise_rate, prune_by_class, both, "
                                       "confident_learning, predicted_neq_given, low_self_confidence, low_margin.")]


@commands.command("label-issues", rich_help_panel=LABELS)
def label_issues(
    probabilities: Annotated[Path, typer.Option(help="Out-of-fold probabilities [N, K]: .npy or .npz.")],
    out: Annotated[Path, typer.Option(help="Parquet file to write: every row, worst label first.")],
    labels: Annotated[Path | None, typer.Option(help="Given labels: .npz, .npy, .csv, .parquet or .txt; "
                                                "default: the same .npz.")] = None,
    method: Method = "adjusted_margin", filter_by: FilterBy = "prune_by_noise_rate",
    probabilities_key: Annotated[str, typer.Option(help="Array in the .npz.")] = "pred_probs",
    labels_key: Annotated[str, typer.Option(help="Array in the .npz, or column of the table.")] = "given",
    classes: Annotated[str, typer.Option(help="Class names in the order of the columns, separated by commas, for labels that are "
                                         "names. Default: alphabetical order.")] = "",
    json: Json = False,
) -> None:
    """Find label errors from out-of-fold probabilities. Needs no images: only probabilities and labels."""
    from tinysieve.ground.atomic_files import check_file
    from tinysieve.ground.errors import InputError
    from tinysieve.pipeline.console import label_issues as view
    from tinysieve.pipeline.label_issues.arrays import read_labels, read_probabilities

    check_file(out, reads=(probabilities, labels or probabilities))
    if labels is None and probabilities.suffix == ".npy":
        raise InputError("no labels given", where=str(probabilities), why="an .npy file holds only the probabilities",
                         fix="use --labels FILE, or an .npz with both arrays")
    pred_probs = read_probabilities(probabilities, probabilities_key)
    names = [name.strip() for name in classes.split(",") if name.strip()]
    given = read_labels(labels or probabilities, pred_probs, labels_key, names, lambda note: typer.echo(note, err=True))
    view.find_and_show(pred_probs, given, filter_by, method, out, json)


@commands.command("clean-view", rich_help_panel=LABELS)
def clean_view(
    config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, method: Method = "adjusted_margin",
    filter_by: FilterBy = "prune_by_noise_rate",
    prune_fraction: Annotated[float, typer.Option(help="Share of the issues to drop, worst first; the rest is "
                                                  "relabelled.")] = 1.0,
    max_change: Annotated[float, typer.Option(help="Largest share of a class's train photos that may change.")] = 0.5,
    second_pass: Annotated[bool, typer.Option("--second-pass", help="Predict again by classifiers that no issue has taught; "
                                              "issues whose label these confirm stay.")] = False,
    out: Annotated[Path | None, typer.Option(help="Parquet file to write: every judged sample, worst first.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be taken out, and stop.")] = False,
    json: Json = False,
) -> None:
    """Create a version without the label issues. No image is copied and no detector asked; 'tinysieve undo' reverts it."""
    from tinysieve.filtering.filter import OUT_OF_FOLD
    from tinysieve.ground.atomic_files import check_file
    from tinysieve.pipeline.console import label_issues as view
    from tinysieve.pipeline.console import run_tables as console
    from tinysieve.pipeline.engine.stages import run_stages
    from tinysieve.pipeline.label_issues import clean_view as views
    from tinysieve.pipeline.stages.filters import evidence_stages
    from tinysieve.pipeline.stages.ingest import INGEST

    if out:
        check_file(out, reads=(config,))
    run, cut = open_run(config, o), views.Cut(filter_by, method, prune_fraction, max_change, second_pass)
    run_stages(run, (INGEST, *evidence_stages(run.config, OUT_OF_FOLD)), console.announce)
    view.show_clean_view(views.clean_view(run, cut, view.announce_cut, not dry_run), out, json, dry_run)
