"""`doctor`, `demo` and `config show`: is everything there, does it work, what is set?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinysieve.pipeline.commands.options import DEFAULT_CONFIG, ConfigOption, Json, Overrides, open_run

commands = typer.Typer()
config_group = typer.Typer(no_args_is_help=True, help="Look at the configuration.")
commands.add_typer(config_group, name="config")


@config_group.command("show")
def config_show(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None) -> None:
    """Print the effective configuration, defaults filled in."""
    import yaml

    typer.echo(yaml.safe_dump(open_run(config, o).config.model_dump(mode="json"), sort_keys=False), nl=False)


@commands.command()
def doctor(config: Annotated[Path | None, typer.Option("--config", "-c")] = None, json: Json = False) -> None:
    """Look at Python, packages, weights, GPU, TFLM, disk and licences, and say what to do."""
    from tinysieve.pipeline.doctor.examine import examine, render

    typer.echo(render(examine(config), json))


@commands.command()
def demo(folder: Annotated[Path, typer.Option(help="Where photos and run go.")] = Path("runs/demo"),
         seed: int = 0) -> None:
    """The whole job on photos that installed packages carry: shows the machinery, not an accuracy."""
    from tinysieve.pipeline.demo.run import run_demo

    run_demo(folder, seed)
