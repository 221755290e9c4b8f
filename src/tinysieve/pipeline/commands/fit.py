"""`fit`: the same model in less RAM and flash."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinysieve.ground.errors import InputError
from tinysieve.pipeline.commands.command_group import MODEL
from tinysieve.pipeline.commands.options import Json

commands = typer.Typer()


@commands.command(rich_help_panel=MODEL)
def fit(
    model: Annotated[Path, typer.Argument(help="A .tflite file.")],
    output: Annotated[Path, typer.Argument(help="Path of the new .tflite file.")],
    ram: Annotated[str, typer.Option(help="Largest arena under TFLM.")] = "320KiB",
    board: Annotated[str | None, typer.Option(help="Fit to this board instead of --ram and --flash.")] = None,
    boards: Annotated[Path | None, typer.Option(help="YAML file with your own boards, like configs/boards.yaml.")] = None,
    flash: Annotated[str, typer.Option(help="Largest flash of the model file and the runtime's code.")] = "1MiB",
    max_extra_macs: Annotated[str, typer.Option(help="Largest increase in MACs by striping.")] = "6%",
    keep_signatures: Annotated[bool, typer.Option("--keep-signatures", help="Keep the signatures of the model.")] = False,
    strip_float_io: Annotated[bool, typer.Option("--strip-float-io", help="Remove float input and output.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite OUTPUT.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the search for a memory plan and of the test inputs.")] = 0,
    json: Json = False,
) -> None:
    """Reduce RAM and flash of a model; outputs do not change. Exit code 1 when it still does not fit."""
    from tinysieve.pipeline.model_files.fitting import board_targets, fit_to_first, target_of

    if boards is not None and board is None:
        raise InputError("--boards without --board", why="no board of that file would be used", fix="--board NAME")
    targets = (target_of(ram, flash, max_extra_macs),) if board is None else board_targets(board, boards, max_extra_macs)
    fit_to_first(model, output, targets, seed, keep_signatures, strip_float_io, force, json)
