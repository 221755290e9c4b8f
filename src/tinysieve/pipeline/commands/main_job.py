"""The main job: one verb a stage, `run` for all, `status` for none."""

from __future__ import annotations

import typer

from tinysieve.pipeline.commands.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    DryRun,
    Explain,
    Json,
    Overrides,
    open_run,
    run_until,
)

commands = typer.Typer()


@commands.command()
def ingest(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, dry_run: DryRun = False,
           explain: Explain = False, json: Json = False) -> None:
    """Decode every image once, quarantine the broken, freeze the test split, make version 0."""
    run_until(config, o, "ingest", dry_run, explain, json)


@commands.command(name="filter")
def filter_(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, dry_run: DryRun = False,
            explain: Explain = False, json: Json = False) -> None:
    """Find and mend wrong labels, label what has none: detect, embed, opinions, policy."""
    run_until(config, o, "policy", dry_run, explain, json)


@commands.command()
def train(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, dry_run: DryRun = False,
          explain: Explain = False, json: Json = False) -> None:
    """Train the baseline on version 0 and the mended model on the current version, same recipe and seed."""
    run_until(config, o, "train-mended", dry_run, explain, json)


@commands.command()
def quantize(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, dry_run: DryRun = False,
             explain: Explain = False, json: Json = False) -> None:
    """Convert both models to full-integer int8."""
    run_until(config, o, "quantize-mended", dry_run, explain, json)


@commands.command()
def verify(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, dry_run: DryRun = False,
           explain: Explain = False, json: Json = False) -> None:
    """Measure the int8 model against the baseline and the budgets; exit code 1 when a gate is missed."""
    from tinysieve.pipeline.stages.verify import require_gates

    run_until(config, o, "verify", dry_run, explain, json)
    if not (dry_run or explain):
        require_gates(open_run(config, o))


@commands.command()
def report(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, dry_run: DryRun = False,
           explain: Explain = False, json: Json = False) -> None:
    """Run everything and write report.html."""
    run_until(config, o, "report", dry_run, explain, json)


@commands.command()
def run(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, dry_run: DryRun = False,
        explain: Explain = False, json: Json = False) -> None:
    """Run all stages up to the report, then judge the gates like `verify`."""
    from tinysieve.pipeline.stages.verify import require_gates

    run_until(config, o, "report", dry_run, explain, json)
    if not (dry_run or explain):
        require_gates(open_run(config, o))


@commands.command()
def status(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, json: Json = False) -> None:
    """Say for each stage whether it is up to date, and why not."""
    run_until(config, o, "report", True, True, json)
