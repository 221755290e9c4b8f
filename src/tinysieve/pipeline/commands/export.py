"""`export`: a version as folders of images, for other trainers."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinysieve.pipeline.commands.command_group import DATA
from tinysieve.pipeline.commands.options import DEFAULT_CONFIG, ConfigOption, Json, Overrides, open_run

if TYPE_CHECKING:
    from tinysieve.dataset.folder_tree import Placer

commands = typer.Typer()


@commands.command(rich_help_panel=DATA)
def export(
    folder: Annotated[Path, typer.Argument(help="New folder for train|val|test with a folder for each class.")],
    config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None,
    version: Annotated[str, typer.Option(help="Version of the labels: an id or its first characters, HEAD or 0.")] = "HEAD",
    links: Annotated[bool, typer.Option("--links/--copies", help="Link to the photos, or copy them.")] = False,
    hard_links: Annotated[bool, typer.Option("--hard-links", help="Make hard links.")] = False,
    json: Json = False,
) -> None:
    """Write a version of the labels as image folders. Unlabeled and dropped images are left out."""
    import json as json_text

    from tinysieve.dataset.folder_tree import export_tree
    from tinysieve.pipeline.engine.progress_display import progress
    from tinysieve.pipeline.stages.ingest import samples_of, store_of, versions_of

    run, place = open_run(config, o), _placer(links, hard_links)
    with progress("export") as report:
        made = export_tree(samples_of(run), versions_of(run).load(version), store_of(run.config), folder,
                           place, report)
    if json:
        typer.echo(json_text.dumps({"folder": str(folder), **asdict(made)}, indent=1))
        return
    typer.echo(f"version {made.version} in {folder}")
    for name, count in made.images.items():
        typer.echo(f"{count:>9,}  {name}")
    typer.echo(f"left out: {made.unlabeled:,} without a label, {made.dropped:,} dropped; renamed: {made.renamed:,}")


def _placer(links: bool, hard_links: bool) -> Placer:
    from tinysieve.dataset.folder_tree import copy, hard_link, symbolic_link
    from tinysieve.ground.errors import InputError

    if links and hard_links:
        raise InputError("both --links and --hard-links", fix="use only one")
    return hard_link if hard_links else symbolic_link if links else copy
