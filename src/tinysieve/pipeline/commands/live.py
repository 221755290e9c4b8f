"""`live`: a model in a browser, before it is flashed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinysieve.pipeline.commands.command_group import DEVICE

commands = typer.Typer()


@commands.command(rich_help_panel=DEVICE)
def live(model: Annotated[Path, typer.Argument(help="A full-integer int8 .tflite file that takes pictures.")],
         out: Annotated[Path | None, typer.Argument(help="The page. Default: live.html beside the model.")] = None,
         label: Annotated[list[str] | None, typer.Option(help="One per score, in order.")] = None,
         positive: Annotated[str | None, typer.Option(help="The label that the threshold is about. Default: of the run.")] = None,
         run: Annotated[Path | None, typer.Option(help="Folder of the run that made the model: its labels and errors.")] = None,
         serve: Annotated[bool, typer.Option("--serve", help="Serve the page on this machine until Ctrl-C.")] = False,
         port: Annotated[int, typer.Option(min=0, max=65535, help="Port for --serve; 0 for any.")] = 0,
         force: Annotated[bool, typer.Option("--force", help="Replace the page.")] = False) -> None:
    """Write a page that runs a model in a browser. On camera, photos and videos it computes what the chip computes, offline."""
    from tinysieve.pipeline.model_files.live_file import serve_page, write_live_page

    page = write_live_page(model, out, tuple(label or ()), positive, run, force)
    if serve:
        serve_page(page, port)
