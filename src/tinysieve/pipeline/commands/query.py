"""`query`: samples of a run by a condition."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinysieve.pipeline.commands.command_group import DATA
from tinysieve.pipeline.commands.options import DEFAULT_CONFIG, ConfigOption, Json, Overrides, open_run

commands = typer.Typer()


@commands.command(rich_help_panel=DATA)
def query(
    condition: Annotated[str, typer.Argument(help="Such as \"label_quality < .1 and label == 'person'\"; none: all.")] = "",
    config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None,
    version: Annotated[str, typer.Option(help="Version of the labels: an id, its beginning, a name, HEAD or 0.")] = "HEAD",
    sort: Annotated[str, typer.Option(help="Column to sort by; -COLUMN: largest first. Default: worst label first.")] = "",
    columns: Annotated[str, typer.Option(help="Columns to print, with commas between.")] = "",
    limit: Annotated[int, typer.Option(help="Rows to print; 0 for all.", min=0)] = 20,
    csv: Annotated[Path | None, typer.Option(help="CSV file to write: all rows, all columns.")] = None,
    json: Json = False,
) -> None:
    """Print the samples that fulfil a condition. The condition is read, not run: it is no SQL and no Python."""
    from tinysieve.dataset.label_table import write_label_table
    from tinysieve.ground.atomic_files import check_file
    from tinysieve.pipeline.console.query import show_rows
    from tinysieve.pipeline.label_issues.query import query as rows_of

    if csv:
        check_file(csv, reads=(config,))
    table = rows_of(open_run(config, o), version, condition, sort)
    if csv:
        write_label_table(table, csv)
    show_rows(table, [name.strip() for name in columns.split(",") if name.strip()], limit, json)
