"""`export`: a version as folders of images, for other trainers, or as a table."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinysieve.pipeline.commands.command_group import DATA
from tinysieve.pipeline.commands.options import DEFAULT_CONFIG, ConfigOption, Json, Overrides, open_run

if TYPE_CHECKING:
    from tinysieve.dataset.folder_tree import Placer
    from tinysieve.pipeline.engine.stages import Run

commands = typer.Typer()


@commands.command(rich_help_panel=DATA)
def export(
    folder: Annotated[Path | None, typer.Argument(help="New folder for train|val|test with a folder for each class.")] = None,
    config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None,
    version: Annotated[str, typer.Option(help="Version of the labels: an id, its beginning, a name, HEAD or 0.")] = "HEAD",
    links: Annotated[bool, typer.Option("--links/--copies", help="Link to the photos, or copy them.")] = False,
    hard_links: Annotated[bool, typer.Option("--hard-links", help="Make hard links.")] = False,
    croissant: Annotated[bool, typer.Option("--croissant", help="Add Croissant metadata to the folder.")] = False,
    csv: Annotated[Path | None, typer.Option(help="CSV file to write: the source's columns, with the new labels.")] = None,
    parquet: Annotated[Path | None, typer.Option(help="The same as Parquet.")] = None,
    json: Json = False,
) -> None:
    """Write a version of the labels as folders or as a table. Folders leave out unlabeled and dropped images."""
    from tinysieve.ground.errors import InputError

    tables = [path for path in (csv, parquet) if path is not None]
    if folder is None and not tables:
        raise InputError("nothing to export", fix="name a folder, --csv FILE or --parquet FILE")
    if croissant and folder is None:
        raise InputError("--croissant describes a folder, and none is given", fix="name the folder to export to")
    _check_tables(csv, parquet, config)
    run, place = open_run(config, o), _placer(links, hard_links)
    if folder is not None:
        _write_folder(run, version, folder, place, json)
        if croissant:
            _write_croissant(run, version, folder)
    for path in tables:
        _write_table(run, version, path, json)


def _check_tables(csv: Path | None, parquet: Path | None, config: Path) -> None:
    from tinysieve.ground.atomic_files import check_file
    from tinysieve.ground.errors import InputError

    if parquet and parquet.suffix.lower() != ".parquet":
        raise InputError(f"{parquet} does not end in .parquet", where="--parquet", fix=f"write {parquet.with_suffix('.parquet')}")
    if csv and csv.suffix.lower() in (".parquet", ".xlsx"):
        raise InputError(f"{csv} would be a CSV file with another name", where="--csv", fix="end it in .csv, or use --parquet")
    for path in filter(None, (csv, parquet)):
        check_file(path, reads=(config,))


def _write_folder(run: Run, version: str, folder: Path, place: Placer, json: bool) -> None:
    import json as json_text

    from tinysieve.dataset.folder_tree import export_tree
    from tinysieve.pipeline.engine.progress_display import progress
    from tinysieve.pipeline.stages.ingest import samples_of, store_of, versions_of

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


def _write_croissant(run: Run, version: str, folder: Path) -> None:
    from tinysieve.dataset.croissant import About, write_croissant
    from tinysieve.pipeline.report.terms import data_terms
    from tinysieve.pipeline.stages.ingest import versions_of

    terms = data_terms(run.config)
    write_croissant(folder, About(terms.name, terms.images.licence, terms.images.words, versions_of(run).load(version).id))


def _write_table(run: Run, version: str, path: Path, json: bool) -> None:
    import json as json_text

    from tinysieve.pipeline.stages.label_file import write_labels

    made = write_labels(run, version, path)
    if json:
        typer.echo(json_text.dumps(asdict(made), indent=1))
        return
    typer.echo(f"version {made.version} in {path}: {made.rows:,} rows, {made.left_out:,} of them of files that ingest left out")
    typer.echo("to read it back: dataset.source: " + json_text.dumps(made.source))


def _placer(links: bool, hard_links: bool) -> Placer:
    from tinysieve.dataset.folder_tree import copy, hard_link, symbolic_link
    from tinysieve.ground.errors import InputError

    if links and hard_links:
        raise InputError("both --links and --hard-links", fix="use only one")
    return hard_link if hard_links else symbolic_link if links else copy
