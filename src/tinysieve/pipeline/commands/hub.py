"""`hub`: publish a run on the Hugging Face hub, or bring what was published. Nothing else of tinysieve sends anything."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinysieve.pipeline.commands.command_group import MODEL
from tinysieve.pipeline.commands.options import DEFAULT_CONFIG, ConfigOption, Overrides, open_run

commands = typer.Typer()
hub = typer.Typer(help="Publish a run on the Hugging Face hub, or fetch one.", no_args_is_help=True)
commands.add_typer(hub, name="hub", rich_help_panel=MODEL)

Name = Annotated[str, typer.Argument(help="Repository, as owner/name.")]
Kind = Annotated[str, typer.Option(help="model: the int8 model; dataset: the corrected labels, without photos.")]


@hub.command()
def push(
    name: Name, config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, kind: Kind = "model",
    public: Annotated[bool, typer.Option("--public", help="Let everybody see a repository that is new.")] = False,
    message: Annotated[str, typer.Option(help="Message of the commit.")] = "Publish a run of tinysieve",
) -> None:
    """Send the model or the labels of a run with their card. A new repository is private; the token is HF_TOKEN."""
    import tempfile

    from tinysieve.pipeline.hub.published import PUBLISH
    from tinysieve.pipeline.hub.repository import Repository
    from tinysieve.pipeline.main_job import stages_until

    repository, run = Repository(name, kind), open_run(config, o)
    with tempfile.TemporaryDirectory() as folder:
        PUBLISH[kind](run, stages_until(run.config, "report"), Path(folder))
        files = sorted(path.name for path in Path(folder).iterdir())
        address = repository.push(Path(folder), message, public)
    typer.echo(f"{', '.join(files)} in {address}")


@hub.command()
def pull(
    name: Name, folder: Annotated[Path, typer.Argument(help="New folder.")], kind: Kind = "model",
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit.")] = None,
) -> None:
    """Bring a repository into a new folder, and compare its files with their published hashes."""
    from tinysieve.pipeline.hub.published import bring
    from tinysieve.pipeline.hub.repository import Repository

    brought = bring(Repository(name, kind), folder, revision)
    typer.echo(f"{name} at {brought.commit} in {folder}")
    typer.echo(f"{brought.compared} of {brought.files} files compared with their SHA-256")
