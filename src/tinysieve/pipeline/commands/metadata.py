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
    label: Annotated[list[str] | None, typer.Option(help="The class of each score, in the model's order.")] = None,
    layout: Annotated[str, typer.Option(help="NHWC or NCHW.")] = "NHWC",
    pixel_mean: Annotated[str, typer.Option(help="Taken from pixels 0..255: one number, or R,G,B.")] = "0",
    pixel_std: Annotated[str, typer.Option(help="What pixels are divided by then: one number, or R,G,B.")] = "1",
    float_io: Annotated[bool, typer.Option("--float-io", help="Its input and output are float32.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite OUTPUT.")] = False,
    json: Json = False,
) -> None:
    """Write class names, normalization and version into a copy of a model, as TFLite metadata; outputs stay the same."""
    import json as text

    from tinysieve.pipeline.model_files.metadata_file import described_text, stated_settings, write_described

    settings = stated_settings(tuple(label or ()), layout, pixel_mean, pixel_std, float_io)
    said = write_described(model, output, run, licence, settings, force)
    typer.echo(text.dumps(said, indent=1) if json else described_text(said))
