"""`metadata`: a copy of a model that says what it is, for phones and model viewers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinysieve.pipeline.commands.options import Json

commands = typer.Typer()


@commands.command()
def metadata(
    model: Annotated[Path, typer.Argument(help="A .tflite file; it stays as it is.")],
    output: Annotated[Path, typer.Argument(help="Where the copy goes.")],
    run: Annotated[Path | None, typer.Option(help="Folder of the run that made it: its label version goes in.")] = None,
    licence: Annotated[str, typer.Option("--license", help="Licence of the model, in words.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Overwrite OUTPUT.")] = False,
    json: Json = False,
) -> None:
    """Write class names, normalization and version into a copy of a model, as TFLite metadata; outputs stay the same."""
    import json as text

    from tinysieve.pipeline.model_files.metadata_file import described_text, write_described

    said = write_described(model, output, run, licence, force)
    typer.echo(text.dumps(said, indent=1) if json else described_text(said))
