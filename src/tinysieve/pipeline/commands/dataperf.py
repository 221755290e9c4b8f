"""`dataperf`: the two DataPerf vision benchmarks."""

from __future__ import annotations

import typer

from tinysieve.pipeline.commands import dataperf_debugging, dataperf_mlcube, dataperf_selection

commands = typer.Typer()
group = typer.Typer(no_args_is_help=True, help="The two DataPerf vision benchmarks: debugging and selection.")
commands.add_typer(group, name="dataperf")
group.add_typer(dataperf_debugging.commands, name="debugging")
group.add_typer(dataperf_selection.commands)
group.add_typer(dataperf_mlcube.commands, name="mlcube", help="The tasks of mlcube.yaml, as its runner calls them.")
