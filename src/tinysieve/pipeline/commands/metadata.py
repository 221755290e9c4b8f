"""`metadata`: a copy of a model with TFLite metadata, for phones and model viewers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinysieve.pipeline.commands.command_group import MODEL
from tinysieve.pipeline.commands.options import Json

commands = typer.Typer()


@commands.command(rich_help_panel=MODEL)
def metadata(
    model: Annotated[Path, typer.Argument(help="A .tflite file; it is not changed.")],
    output: Annotated[Path, typer.Argument(help="Path of the copy.")],
    run: Annotated[Path | None, typer.Option(help="Folder of the run that made the model; adds its label version.")] = None,
    licence: Annotated[str, typer.Option("--license", help="Licence of the model.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Overwrite OUTPUT.")] = False,
    json: Json = False,
) -> None:
    """Write class names and normalization into a copy of a model. Uses TFLite metadata; the outputs stay the same."""
    import json as text

    from tinysieve.pipeline.model_files.metadata_file import described_text, write_described

    said = write_described(model, output, run, licence, force)
    typer.echo(text.dumps(said, indent=1) if json else described_text(said))
