"""`review`: doubtful samples to a person, and the decisions back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.options import DEFAULT_CONFIG, ConfigOption, Overrides, open_run, run_until

commands = typer.Typer()
review = typer.Typer(no_args_is_help=True, help="Give doubtful samples to a person and take the decisions back.")
commands.add_typer(review, name="review")


@review.command("queue")
def review_queue(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None) -> None:
    """Write the samples that a person should look at, and say where."""
    from pipeline.filter_stages import REVIEW_QUEUE

    run = open_run(config, o)
    run_until(config, o, "policy", False, False, False)
    typer.echo(f"review queue: {run.at('policy') / REVIEW_QUEUE}\n"
               "fill the column 'decision' with person, background, drop or skip, then: tinysieve review import FILE")


@review.command("import")
def review_import(file: Path, config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None,
                  reviewer: Annotated[str, typer.Option(help="Who decided.")] = "human") -> None:
    """Apply a person's decisions as a new version on top of the current one; all of the file or nothing."""
    from pipeline.review import import_decisions

    version = import_decisions(open_run(config, o), file, reviewer)
    typer.echo(f"current version: {version.id} ({version.ledger.num_rows} changes)")
