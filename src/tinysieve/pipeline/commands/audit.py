"""`audit`: estimate the quality of the policy's changes from a random sample that a person judges."""

from __future__ import annotations

import json as json_text
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tinysieve.pipeline.commands.command_group import LABELS, CommandGroup
from tinysieve.pipeline.commands.options import DEFAULT_CONFIG, ConfigOption, Json, Overrides, open_run

commands = typer.Typer()
audit = typer.Typer(cls=CommandGroup, no_args_is_help=True,
                    help="Estimate the quality of label changes from a random sample.\n\n"
                         "A person judges the sample; precision and recall follow with 95 % intervals.")
commands.add_typer(audit, name="audit", rich_help_panel=LABELS)


@audit.command("sample")
def audit_sample(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None,
                 looks: Annotated[int, typer.Option(min=1, help="Size of the sample.")] = 200, json: Json = False) -> None:
    """Draw a random sample to judge. It holds flipped, dropped, labelled and kept samples; the file is audit.csv."""
    from tinysieve.filtering.decisions.answers import decision_words
    from tinysieve.pipeline.console import run_tables as console
    from tinysieve.pipeline.engine.stages import run_stages
    from tinysieve.pipeline.main_job import stages_until
    from tinysieve.pipeline.review.audit_sample import write_audit

    run = open_run(config, o)
    run_stages(run, stages_until(run.config, "policy"), console.announce)
    path = write_audit(run, looks)
    words = ", ".join(decision_words(run.config.task.classes))
    next_step = (f"audit: {path}\nfill in the column 'decision' with {words}, then: "
                 f"tinysieve audit score {path} -c {config}")
    typer.echo(json_text.dumps({"audit": str(path)}) if json else next_step)


@audit.command("score")
def audit_score(file: Path, config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, json: Json = False) -> None:
    """Compute precision and recall of the label changes from a judged audit.csv. Both come with 95 % intervals."""
    from tinysieve.pipeline.review.audit_sample import audit_result

    shares = audit_result(open_run(config, o), file)
    if json:
        typer.echo(json_text.dumps({name: None if share is None else asdict(share) for name, share in shares.items()}, indent=1))
        return
    for name, share in shares.items():
        text = "n/a" if share is None else f"{share.value:.1%} ({share.low:.1%} to {share.high:.1%})"
        typer.echo(f"{name.replace('_', ' '):<22} {text}")
