"""`audit`: ask about a random few, and learn how good the policy's changes are."""

from __future__ import annotations

import json as json_text
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tinysieve.pipeline.commands.options import DEFAULT_CONFIG, ConfigOption, Json, Overrides, open_run

commands = typer.Typer()
audit = typer.Typer(no_args_is_help=True, help="Measure the policy by a random sample that a person judges.")
commands.add_typer(audit, name="audit")


@audit.command("sample")
def audit_sample(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None,
                 looks: Annotated[int, typer.Option(min=1, help="Samples to ask about.")] = 200, json: Json = False) -> None:
    """Draw samples at random from what was flipped, dropped, labelled and kept, into audit.csv."""
    from tinysieve.filtering.decisions.answers import decision_words
    from tinysieve.pipeline.console import run_tables as console
    from tinysieve.pipeline.engine.stages import run_stages
    from tinysieve.pipeline.main_job import stages_until
    from tinysieve.pipeline.review.audit_sample import write_audit

    run = open_run(config, o)
    run_stages(run, stages_until("policy"), console.announce)
    path = write_audit(run, looks)
    words = ", ".join(decision_words(run.config.task.classes))
    told = (f"audit: {path}\nfill the column 'decision' with {words}, then: "
            f"tinysieve audit score {path} -c {config}")
    typer.echo(json_text.dumps({"audit": str(path)}) if json else told)


@audit.command("score")
def audit_score(file: Path, config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, json: Json = False) -> None:
    """Precision and recall of the policy's changes, with 95 % intervals, from a filled audit.csv."""
    from tinysieve.pipeline.review.audit_sample import audit_result

    found = audit_result(open_run(config, o), file)
    if json:
        typer.echo(json_text.dumps({name: None if share is None else asdict(share) for name, share in found.items()}, indent=1))
        return
    for name, share in found.items():
        told = "nothing to tell" if share is None else f"{share.value:.1%} ({share.low:.1%} to {share.high:.1%})"
        typer.echo(f"{name.replace('_', ' '):<22} {told}")
