"""Options that commands share, and how a command opens its run. Import nothing heavy here: `--help` must be fast."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tinysieve.pipeline.engine.stages import Run

ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="YAML file; examples in configs/.")]
Overrides = Annotated[list[str] | None, typer.Option("-o", help="Override a setting, such as -o train.recipe=seed.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would run, and stop.")]
Explain = Annotated[bool, typer.Option("--explain", help="Show why each stage would run; runs nothing.")]
VerifyBytes = Annotated[bool, typer.Option("--verify-bytes", help="Compare large files by their bytes too.")]
DEFAULT_CONFIG = Path("configs/demo.yaml")


def open_run(config: Path, overrides: list[str] | None) -> Run:
    """The run that the configuration names."""
    from tinysieve.pipeline.config.read import load_config
    from tinysieve.pipeline.engine.stages import Run

    loaded = load_config(config, tuple(overrides or ()))
    return Run(loaded, loaded.run)


def run_until(config: Path, overrides: list[str] | None, last: str, dry_run: bool, explain: bool, json: bool,
              verify_bytes: bool = False) -> None:
    """Run the main job up to and with stage `last`, or say what would run; a tracker follows the report."""
    from tinysieve.pipeline.console import run_tables as console
    from tinysieve.pipeline.engine.stages import plan, run_stages
    from tinysieve.pipeline.main_job import stages_until
    from tinysieve.pipeline.track.track_stage import track_stages

    run = open_run(config, overrides)
    stages = stages_until(run.config, last) + (track_stages(run.config) if last == "report" else ())
    if dry_run or explain:
        console.show_plan(plan(run, stages, verify_bytes), explain, json)
        return
    run_stages(run, stages, console.announce, verify_bytes)
    console.show_result(run, last, json)
