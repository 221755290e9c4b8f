"""`emulate` and `flash-bundle`: what a board would compute, and what a person flashes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinysieve.pipeline.commands.options import Json

commands = typer.Typer()
Model = Annotated[Path, typer.Argument(help="A full-integer int8 .tflite file.")]
Kernels = Annotated[str, typer.Option(help="cmsis-nn (Cortex-M with DSP) or portable (any C compiler).")]
Boards = Annotated[Path | None, typer.Option("--boards", help="YAML file with your own boards, laid out as configs/boards.yaml.")]
Ram = Annotated[str | None, typer.Option(help="Run the C program in stripes until its arena is at most this, such as 128KiB.")]
MaxExtraMacs = Annotated[str, typer.Option(help="Multiply-accumulates that stripes may add.")]


@commands.command()
def emulate(model: Model, board: Annotated[str | None, typer.Option(help="See configs/boards.yaml; all without.")] = None,
            boards: Boards = None,
            inputs: Annotated[int, typer.Option(min=1)] = 8, kernels: Kernels = "cmsis-nn", ram: Ram = None,
            max_extra_macs: MaxExtraMacs = "6%", json: Json = False) -> None:
    """Run a model as generated C on an emulated Cortex-M4: RAM, flash, instructions, latency estimate, exact or not."""
    from tinysieve.pipeline.model_files.firmware_files import emulate_file

    emulate_file(model, board, boards, inputs, kernels, ram, max_extra_macs, json)


@commands.command(name="flash-bundle")
def flash_bundle(model: Model, out: Annotated[Path, typer.Argument(help="A folder that is empty or not there.")],
                 label: Annotated[list[str] | None, typer.Option(help="One per score, in the model's order.")] = None,
                 run: Annotated[Path | None, typer.Option(help="Folder of the run that made it: its labels go in.")] = None,
                 boards: Boards = None, kernels: Kernels = "portable", ram: Ram = None, max_extra_macs: MaxExtraMacs = "6%",
                 json: Json = False) -> None:
    """Write what a person flashes: model, C project, TFLM project, golden vectors, README, checksums, licences."""
    from tinysieve.pipeline.model_files.firmware_files import bundle_file

    bundle_file(model, out, tuple(label or ()), run, boards, kernels, ram, max_extra_macs, json)
