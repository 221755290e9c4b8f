"""`doctor`, `demo` and `config show`: check the installation, try it, show the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinysieve.pipeline.commands.command_group import SETUP, WHOLE_JOB, CommandGroup
from tinysieve.pipeline.commands.options import DEFAULT_CONFIG, ConfigOption, Json, Overrides, open_run

commands = typer.Typer()
config_group = typer.Typer(cls=CommandGroup, no_args_is_help=True, help="Show the configuration.")
commands.add_typer(config_group, name="config", rich_help_panel=SETUP)


@config_group.command("show")
def config_show(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None) -> None:
    """Print the configuration with all defaults filled in."""
    import yaml

    typer.echo(yaml.safe_dump(open_run(config, o).config.model_dump(mode="json"), sort_keys=False), nl=False)


@commands.command(rich_help_panel=SETUP)
def doctor(config: Annotated[Path | None, typer.Option("--config", "-c", help="Also check images and weights of this file.")]
           = None, json: Json = False) -> None:
    """Check packages, plugins, weights, GPU, disk and licences. Says what to do about each problem; changes nothing."""
    from tinysieve.pipeline.doctor.examine import examine, render

    typer.echo(render(examine(config), json))


@commands.command(rich_help_panel=WHOLE_JOB)
def demo(folder: Annotated[Path, typer.Option(help="Folder for photos and run.")] = Path("runs/demo"),
         seed: int = 0) -> None:
    """Run the whole job on photos from installed packages. Its accuracy says nothing of other data."""
    from tinysieve.pipeline.demo.run import run_demo

    run_demo(folder, seed)
