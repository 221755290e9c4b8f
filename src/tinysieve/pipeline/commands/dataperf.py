"""`dataperf`: the two DataPerf vision benchmarks."""

from __future__ import annotations

import typer

from tinysieve.pipeline.commands import dataperf_debugging, dataperf_mlcube, dataperf_selection
from tinysieve.pipeline.commands.command_group import BENCHMARKS, CommandGroup

commands = typer.Typer()
group = typer.Typer(cls=CommandGroup, no_args_is_help=True, help="Run the DataPerf benchmarks debugging and selection.")
commands.add_typer(group, name="dataperf", rich_help_panel=BENCHMARKS)
group.add_typer(dataperf_debugging.commands, name="debugging")
group.add_typer(dataperf_selection.commands)
group.add_typer(dataperf_mlcube.commands, name="mlcube", help="Run a task of mlcube.yaml, as MLCube calls it.")
