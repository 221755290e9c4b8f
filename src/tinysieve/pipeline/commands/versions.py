"""History of the labels: `log`, `diff`, `checkout`, `undo`."""

from __future__ import annotations

from typing import Annotated

import typer

from tinysieve.pipeline.commands.command_group import LABELS
from tinysieve.pipeline.commands.options import DEFAULT_CONFIG, ConfigOption, Json, Overrides, open_run

commands = typer.Typer()


@commands.command(rich_help_panel=LABELS)
def log(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, json: Json = False) -> None:
    """List the versions of the labels, newest first."""
    from tinysieve.pipeline.console import run_tables as console
    from tinysieve.pipeline.stages.ingest import versions_of

    console.show_log(versions_of(open_run(config, o)).log(), json)


@commands.command(rich_help_panel=LABELS)
def diff(old: str, new: str, config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, json: Json = False) -> None:
    """Show the labels that differ between two versions. A version is an id, its beginning, a name, HEAD or 0."""
    from tinysieve.dataset.versions import diff as difference
    from tinysieve.pipeline.console import run_tables as console
    from tinysieve.pipeline.stages.ingest import samples_of, versions_of

    run = open_run(config, o)
    store = versions_of(run)
    console.show_diff(difference(samples_of(run), store.load(old), store.load(new)), json)


@commands.command(rich_help_panel=LABELS)
def checkout(version: str, config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None,
             name: Annotated[str, typer.Option(help="Call it so from now on, such as cleaned; 'log' shows names.")] = "") -> None:
    """Make a version of the labels the current one. It is an id or its first characters, a name, HEAD or 0; training uses it."""
    from tinysieve.pipeline.engine.stages import locked
    from tinysieve.pipeline.stages.ingest import versions_of

    run = open_run(config, o)
    with locked(run.folder):
        store = versions_of(run)
        if name:
            store.name(version, name)
        made = store.checkout(version).id
    typer.echo(f"current version: {made}{f', called {name}' if name else ''}")


@commands.command(rich_help_panel=LABELS)
def undo(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None) -> None:
    """Go back to the parent of the current version. Nothing is deleted."""
    from tinysieve.pipeline.engine.stages import locked
    from tinysieve.pipeline.stages.ingest import versions_of

    run = open_run(config, o)
    with locked(run.folder):
        typer.echo(f"current version: {versions_of(run).undo().id}")
