"""`doctor`, `demo` and `config show`: check the installation, try it, show the settings."""

from __future__ import annotations

from dataclasses import asdict
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


@commands.command(rich_help_panel=SETUP)
def estimate(
    config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None,
    images: Annotated[int, typer.Option(min=1, help="Images to measure the rates on.")] = 64,
    count: Annotated[int | None, typer.Option(min=1, help="As if so many images were listed.")] = None,
    gpus: Annotated[list[int] | None, typer.Option(min=1, help="Also for so many GPUs; may be given several times.")] = None,
    cores_per_gpu: Annotated[int, typer.Option(min=1, help="Cores beside each GPU.")] = 8,
    detector_rate: Annotated[float, typer.Option(min=0, help="Images a second that the detector sees on one GPU.")] = 0,
    price: Annotated[float, typer.Option(min=0, help="Of an hour of one GPU with its cores, in any currency.")] = 0,
    json: Json = False,
) -> None:
    """Say how long a run would take, and how much disk and memory. Measures a few of its images here; writes nothing."""
    from tinysieve.ground.errors import InputError

    if gpus and not detector_rate:
        raise InputError("how fast the detector is on a GPU is not known", where="--detector-rate",
                         fix="give the rate that was measured or published for these weights and this GPU")
    from json import dumps

    from tinysieve.pipeline.doctor.estimate import Machines
    from tinysieve.pipeline.doctor.estimate import estimate as estimated
    from tinysieve.pipeline.doctor.estimate_words import render_estimate
    from tinysieve.pipeline.doctor.measure_rates import measure

    settings = open_run(config, o).config
    machines = (*((Machines(settings.workers),) if not gpus else ()),
                *(Machines(many * cores_per_gpu, many, detector_rate, many * price) for many in gpus or ()))
    listed, rates = measure(settings, images, with_detector=not gpus)
    made = estimated(count or listed, rates, machines)
    typer.echo(dumps(asdict(made), indent=1) if json else render_estimate(made))


@commands.command(rich_help_panel=WHOLE_JOB)
def demo(folder: Annotated[Path, typer.Option(help="Folder for photos and run.")] = Path("runs/demo"),
         seed: int = 0) -> None:
    """Run the whole job on photos from installed packages. Its accuracy says nothing of other data."""
    from tinysieve.pipeline.demo.run import run_demo

    run_demo(folder, seed)
