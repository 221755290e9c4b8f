"""`fit`: the same model in less RAM and flash."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinysieve.pipeline.commands.options import Json

commands = typer.Typer()


@commands.command()
def fit(
    model: Annotated[Path, typer.Argument(help="A .tflite file.")],
    output: Annotated[Path, typer.Argument(help="Where the fitted .tflite goes.")],
    ram: Annotated[str, typer.Option(help="Arena that TFLM may use.")] = "320KiB",
    flash: Annotated[str, typer.Option(help="Flash for the file and the runtime's code.")] = "1MiB",
    max_extra_macs: Annotated[str, typer.Option(help="Multiply-accumulates that stripes may add.")] = "6%",
    keep_signatures: Annotated[bool, typer.Option("--keep-signatures", help="Keep the signatures.")] = False,
    strip_float_io: Annotated[bool, typer.Option("--strip-float-io", help="Take float input and output off.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite OUTPUT.")] = False,
    seed: Annotated[int, typer.Option(help="Of the search for a memory plan and of the inputs that check it.")] = 0,
    json: Json = False,
) -> None:
    """Squeeze and stripe a model until it fits, its outputs unchanged bit for bit; exit code 1 where it does not fit."""
    from tinysieve.pipeline.model_files.fitting import fit_file, target_of

    fit_file(model, output, target_of(ram, flash, max_extra_macs), seed, keep_signatures, strip_float_io, force, json)
