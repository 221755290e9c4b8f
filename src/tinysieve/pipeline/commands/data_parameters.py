"""`data-parameters`: a learnt temperature per sample, and what it says about the labels."""

from __future__ import annotations

import typer

from tinysieve.pipeline.commands.command_group import LABELS
from tinysieve.pipeline.commands.options import DEFAULT_CONFIG, ConfigOption, DryRun, Explain, Json, Overrides, open_run

commands = typer.Typer()


@commands.command("data-parameters", rich_help_panel=LABELS)
def data_parameters(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, dry_run: DryRun = False,
                    explain: Explain = False, json: Json = False) -> None:
    """Learn a temperature per sample to find suspect labels. Samples are sorted into easy, hard and need review."""
    from tinysieve.pipeline.console import run_tables as console
    from tinysieve.pipeline.console.data_parameters import show_triage
    from tinysieve.pipeline.engine.stages import plan, run_stages
    from tinysieve.pipeline.stages.data_parameters import DATA_PARAMETERS
    from tinysieve.pipeline.stages.embed import EMBED
    from tinysieve.pipeline.stages.ingest import INGEST

    run, stages = open_run(config, o), (INGEST, EMBED, DATA_PARAMETERS)
    if dry_run or explain:
        console.show_plan(plan(run, stages), explain, json)
        return
    run_stages(run, stages, console.announce)
    show_triage(run.at(DATA_PARAMETERS.name), json)
