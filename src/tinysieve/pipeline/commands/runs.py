"""`runs`: all runs of a folder in one table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinysieve.pipeline.commands.command_group import MODEL
from tinysieve.pipeline.commands.options import Json

commands = typer.Typer()


@commands.command(rich_help_panel=MODEL)
def runs(folder: Annotated[Path, typer.Argument(help="Folder with runs in it, at any depth up to four.")] = Path("runs"),
         json: Json = False) -> None:
    """List and compare all runs of a folder. Marks those that were measured on the same test images."""
    import json as text
    from dataclasses import asdict

    from tinysieve.pipeline.compare.run_list import runs_below
    from tinysieve.pipeline.console.runs import show_runs

    listed = runs_below(folder)
    if json:
        typer.echo(text.dumps([asdict(run) for run in listed], indent=1, default=str))
    else:
        show_runs(folder, listed)
