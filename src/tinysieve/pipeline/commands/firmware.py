"""`emulate` and `flash-bundle`: run a model on an emulated board, and write its firmware."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinysieve.pipeline.commands.command_group import DEVICE
from tinysieve.pipeline.commands.options import Json

commands = typer.Typer()
Model = Annotated[Path, typer.Argument(help="A full-integer int8 .tflite file.")]
Kernels = Annotated[str, typer.Option(help="dsp or cmsis-nn (Cortex-M with DSP), or portable (any core).")]
Boards = Annotated[Path | None, typer.Option("--boards", help="YAML file with your own boards, like configs/boards.yaml.")]
Ram = Annotated[str | None, typer.Option(help="Largest arena of the C program, such as 128KiB; reached by striping.")]
MaxExtraMacs = Annotated[str, typer.Option(help="Largest increase in MACs by striping.")]


@commands.command(rich_help_panel=DEVICE)
def emulate(model: Model, board: Annotated[str | None, typer.Option(help="A board of configs/boards.yaml. Default: all.")] = None,
            boards: Boards = None,
            inputs: Annotated[int, typer.Option(min=1, help="Number of test inputs.")] = 8,
            kernels: Kernels = "dsp", ram: Ram = None,
            max_extra_macs: MaxExtraMacs = "6%", json: Json = False) -> None:
    """Run a model on an emulated Cortex-M4 and estimate latency. Measures RAM, flash and instructions, and compares outputs."""
    from tinysieve.pipeline.model_files.firmware_files import emulate_file

    emulate_file(model, board, boards, inputs, kernels, ram, max_extra_macs, json)


@commands.command(name="flash-bundle", rich_help_panel=DEVICE)
def flash_bundle(model: Model, out: Annotated[Path, typer.Argument(help="A new or empty folder.")],
                 label: Annotated[list[str] | None, typer.Option(help="One per output, in order.")] = None,
                 run: Annotated[Path | None, typer.Option(help="Folder of the run that made the model; adds its labels.")] = None,
                 board: Annotated[str | None, typer.Option(help="Only what this board can take. Default: any board.")] = None,
                 boards: Boards = None, kernels: Kernels = "portable", ram: Ram = None, max_extra_macs: MaxExtraMacs = "6%",
                 golden_layers: Annotated[str, typer.Option(
                     help="Layers whose outputs the check knows: all, none, or operator numbers of inspect.")] = "all",
                 json: Json = False) -> None:
    """Write a C project and TFLM projects for a model. With test vectors; exit code 1 when it does not fit the board."""
    from tinysieve.pipeline.model_files.firmware_files import bundle_file

    bundle_file(model, out, tuple(label or ()), run, board, boards, kernels, ram, max_extra_macs, golden_layers, json)
