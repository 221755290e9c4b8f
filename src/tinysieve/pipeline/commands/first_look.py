"""`init` and `check`: the first minute with own data."""

from __future__ import annotations

import json as json_text
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinysieve.pipeline.commands.command_group import DATA
from tinysieve.pipeline.commands.options import DEFAULT_CONFIG, ConfigOption, Json, Overrides, open_run

if TYPE_CHECKING:
    from tinysieve.pipeline.first_look.losses import FirstLook

commands = typer.Typer()
_SHOWN = 5


@commands.command(rich_help_panel=DATA)
def init(
    path: Annotated[Path, typer.Argument(help="A folder of photos, a table (CSV, Excel, Parquet) beside them, an archive, or "
                                              "shards.")],
    out: Annotated[Path, typer.Option(help="The configuration to write.")] = Path("tinysieve.yaml"),
    positive: Annotated[str | None, typer.Option(help="The folder or word of what is to be detected, where it is not "
                                                      "clear.")] = None,
    follow_links: Annotated[list[Path] | None, typer.Option(help="A folder that links among the photos may lead into; "
                                                                 "repeatable.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Take the likeliest reading without asking.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a configuration that exists.")] = False,
    json: Json = False,
) -> None:
    """Look at data and write a configuration for it. Says how many photos, classes and splits there are, and what looks odd."""
    from tinysieve.pipeline.first_look.first_config import write_first_config

    made = write_first_config(path, out, _first if yes else _ask, positive, overwrite, tuple(follow_links or ()))
    if json:
        typer.echo(json_text.dumps({"config": str(made.file), "photos": made.look.photos, "found": made.lines,
                                    "lost": made.look.reasons}, indent=1))
        return
    typer.echo("\n".join(made.lines))
    typer.echo(f"written: {made.file}\nnext: tinysieve check -c {made.file}, then tinysieve run -c {made.file}")


@commands.command(rich_help_panel=DATA)
def check(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, json: Json = False) -> None:
    """List what ingest would lose, without decoding a photo. Reads names, rows and the first bytes of each file."""
    from tinysieve.pipeline.first_look.losses import look_ahead, require_usable, table_lines

    run = open_run(config, o)
    look = look_ahead(run.config)
    if json:
        counts = [{"split": split, "label": label, "photos": number} for (split, label), number in look.counts.items()]
        typer.echo(json_text.dumps({"photos": look.photos, "counts": counts, "reasons": look.reasons,
                                    "lost": [asdict(row) for row in look.lost], "notes": look.notes}, indent=1))
    else:
        notes = (f"note: {note}" for note in look.notes)
        typer.echo("\n".join([f"{look.photos:,} photos", *table_lines(look, run.config), *notes]))
        _show_lost(look)
    require_usable(look, run.config)


def _show_lost(look: FirstLook) -> None:
    if not look.lost:
        typer.echo("nothing would be lost")
    for reason, number in look.reasons.items():
        typer.echo(f"lost: {number:,}: {reason}")
        rows = [row for row in look.lost if row.reason == reason]
        for row in rows[:_SHOWN]:
            typer.echo(f"  {row.where}: {row.filepath!r}" if row.where else f"  {row.filepath!r}")
        if len(rows) > _SHOWN:
            typer.echo(f"  and {len(rows) - _SHOWN:,} more (--json for all)")


def _first(readings: Sequence[str]) -> int:
    typer.echo(f"assumed: {readings[0]}; it may also be read as: {'; '.join(readings[1:])}", err=True)
    return 0


def _ask(readings: Sequence[str]) -> int:
    from tinysieve.ground.errors import InputError

    if not sys.stdin.isatty():
        raise InputError(f"it can be read in {len(readings)} ways: {'; '.join(readings[:8])}",
                         fix="take the first with --yes, name the class to be detected with --positive, or name the table")
    for number, words in enumerate(readings, 1):
        typer.echo(f"{number}  {words}")
    chosen = 0
    while not 1 <= chosen <= len(readings):
        chosen = typer.prompt(f"Which one (1 to {len(readings)})", type=int, default=1)
    return chosen - 1
