"""`inspect`: the parts of a .tflite file and what it needs to run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinysieve.pipeline.commands.command_group import MODEL
from tinysieve.pipeline.commands.options import Json

commands = typer.Typer()


@commands.command(rich_help_panel=MODEL)
def inspect(model: Annotated[Path, typer.Argument(help="A .tflite file.")], json: Json = False) -> None:
    """Show operators, MACs, memory and flash of a .tflite file."""
    import json as text

    from tinysieve.pipeline.console.inspection import inspection_text
    from tinysieve.pipeline.engine.progress_display import progress
    from tinysieve.pipeline.model_files.model_file import about, read_model
    from tinysieve.quantize.inspection import inspect_model

    with about(model):
        data = read_model(model)
        with progress("inspect"):
            inspection = inspect_model(data)
    typer.echo(text.dumps(inspection.to_json(), indent=1) if json else inspection_text(inspection), nl=json)
