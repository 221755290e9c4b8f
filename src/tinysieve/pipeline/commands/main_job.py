"""The main job: a command per stage, `run` for all, `status` to see what is up to date."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinysieve.pipeline.commands.command_group import DATA, LABELS, MODEL, WHOLE_JOB
from tinysieve.pipeline.commands.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    DryRun,
    Explain,
    Json,
    Overrides,
    VerifyBytes,
    open_run,
    run_until,
)

commands = typer.Typer()


@commands.command(rich_help_panel=DATA)
def ingest(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, dry_run: DryRun = False,
           explain: Explain = False, json: Json = False,
           verify_bytes: VerifyBytes = False) -> None:
    """Read images and labels, and freeze the test split. Broken images are quarantined; the labels become version 0."""
    run_until(config, o, "ingest", dry_run, explain, json, verify_bytes)


@commands.command(name="filter", rich_help_panel=LABELS)
def filter_(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, dry_run: DryRun = False,
            explain: Explain = False, json: Json = False,
            verify_bytes: VerifyBytes = False) -> None:
    """Find and correct wrong labels, and label unlabeled images. Runs the detector, the filters and the policy."""
    run_until(config, o, "policy", dry_run, explain, json, verify_bytes)


@commands.command(rich_help_panel=LABELS)
def select(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, dry_run: DryRun = False,
           explain: Explain = False, json: Json = False,
           verify_bytes: VerifyBytes = False) -> None:
    """Keep as many photos to train on as a budget holds. Set it with -o 'policy.select={budget: 0.5, by: [coverage]}'."""
    run_until(config, o, "select", dry_run, explain, json, verify_bytes)


@commands.command(rich_help_panel=MODEL)
def train(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, dry_run: DryRun = False,
          explain: Explain = False, json: Json = False,
          verify_bytes: VerifyBytes = False) -> None:
    """Train on the original and on the corrected labels. Recipe and seed are the same: only the labels differ."""
    run_until(config, o, "train-mended", dry_run, explain, json, verify_bytes)


@commands.command(rich_help_panel=MODEL)
def quantize(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, dry_run: DryRun = False,
             explain: Explain = False, json: Json = False,
             verify_bytes: VerifyBytes = False) -> None:
    """Convert both models to full-integer int8."""
    run_until(config, o, "quantize-mended", dry_run, explain, json, verify_bytes)


@commands.command(rich_help_panel=MODEL)
def verify(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, dry_run: DryRun = False,
           explain: Explain = False, json: Json = False, verify_bytes: VerifyBytes = False,
           markdown: Annotated[Path | None, typer.Option(help="Write the verdict's table to this Markdown file too.")] = None,
           ) -> None:
    """Compare the int8 model with the baseline and the budgets. Exit code 1 when a gate is missed."""
    from tinysieve.ground.atomic_files import write_text
    from tinysieve.pipeline.console.verdict_markdown import verdict_markdown
    from tinysieve.pipeline.stages.verify import read_verdict, require_gates

    run_until(config, o, "verify", dry_run, explain, json, verify_bytes)
    if not (dry_run or explain):
        if markdown is not None:
            write_text(markdown, verdict_markdown(read_verdict(open_run(config, o))))
        require_gates(open_run(config, o))


@commands.command(rich_help_panel=WHOLE_JOB)
def dvc(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None,
        out: Annotated[Path, typer.Option(help="The file to write, in the folder that the configuration's paths start from.")]
        = Path("dvc.yaml")) -> None:
    """Write a DVC pipeline of the main job. Needs no DVC; 'dvc repro' then runs what changed."""
    from tinysieve.pipeline.model_files.dvc_file import write_dvc

    write_dvc(open_run(config, o), config, out)
    typer.echo(f"done: {out}; run: dvc repro")


@commands.command(rich_help_panel=WHOLE_JOB)
def report(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, dry_run: DryRun = False,
           explain: Explain = False, json: Json = False,
           verify_bytes: VerifyBytes = False) -> None:
    """Run all stages and write report.html."""
    run_until(config, o, "report", dry_run, explain, json, verify_bytes)


@commands.command(rich_help_panel=WHOLE_JOB)
def run(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, dry_run: DryRun = False,
        explain: Explain = False, json: Json = False,
        verify_bytes: VerifyBytes = False) -> None:
    """Run all stages and check the gates. Exit code 1 when a gate is missed."""
    from tinysieve.pipeline.stages.verify import require_gates

    run_until(config, o, "report", dry_run, explain, json, verify_bytes)
    if not (dry_run or explain):
        require_gates(open_run(config, o))


@commands.command(rich_help_panel=WHOLE_JOB)
def status(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, json: Json = False,
           verify_bytes: VerifyBytes = False) -> None:
    """Show which stages are up to date, and why others are not."""
    run_until(config, o, "report", True, True, json, verify_bytes)
