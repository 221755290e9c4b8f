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
    label: Annotated[list[str] | None, typer.Option(help="One per output, in order.")] = None,
    layout: Annotated[str, typer.Option(help="NHWC or NCHW.")] = "NHWC",
    pixel_mean: Annotated[str, typer.Option(help="Subtracted from pixels 0..255: one number, or R,G,B.")] = "0",
    pixel_std: Annotated[str, typer.Option(help="Divisor of the pixels after that: one number, or R,G,B.")] = "1",
    float_io: Annotated[bool, typer.Option("--float-io", help="Input and output are float32.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite OUTPUT.")] = False,
    json: Json = False,
) -> None:
    """Write class names and normalization into a copy of a model. Uses TFLite metadata; the outputs stay the same."""
    import json as text

    from tinysieve.pipeline.model_files.metadata_file import described_text, stated_settings, write_described

    settings = stated_settings(tuple(label or ()), layout, pixel_mean, pixel_std, float_io)
    description = write_described(model, output, run, licence, settings, force)
    typer.echo(text.dumps(description, indent=1) if json else described_text(description))
