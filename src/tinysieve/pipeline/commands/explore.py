"""`explore`: the run in the FiftyOne App."""

from __future__ import annotations

from typing import Annotated

import typer

from tinysieve.pipeline.commands.command_group import DATA
from tinysieve.pipeline.commands.options import DEFAULT_CONFIG, ConfigOption, Json, Overrides, open_run

commands = typer.Typer()


@commands.command(rich_help_panel=DATA)
def explore(
    config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None,
    app: Annotated[bool, typer.Option("--app/--no-app", help="Open the App, or only fill the dataset.")] = True,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Rebuild the dataset; changes that were not imported are "
                                                             "lost.")] = False,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the App, on this machine only.")] = 5151,
    json: Json = False,
) -> None:
    """Show the run in the FiftyOne App. Import changes made there with 'tinysieve review import --fiftyone'."""
    import json as json_text
    from dataclasses import asdict

    from tinysieve.pipeline.engine.progress_display import progress
    from tinysieve.pipeline.explore.app import refuse_taken, show_app
    from tinysieve.pipeline.explore.database import DATABASE, open_fiftyone
    from tinysieve.pipeline.explore.fields import dataset_name
    from tinysieve.pipeline.explore.fill import fill
    from tinysieve.pipeline.explore.findings import findings_of
    from tinysieve.pipeline.explore.patience import while_it_answers

    run = open_run(config, o)
    if app:
        refuse_taken(port)
    fiftyone, name = open_fiftyone(), dataset_name(run)
    findings = findings_of(run)
    if rebuild and fiftyone.dataset_exists(name):
        fiftyone.delete_dataset(name)
    with progress("fill", "fields") as report:
        # Only what differs is written, so a second attempt goes on where the first one stopped.
        filled = while_it_answers(lambda: fill(fiftyone, name, findings, report), DATABASE, fiftyone.config.database_dir,
                                  "run the same command again when the machine is less busy; without it: tinysieve review")
    if json:
        typer.echo(json_text.dumps(asdict(filled), indent=1))
    else:
        typer.echo(f"dataset {filled.dataset}: {filled.samples:,} samples, version {filled.version}")
        for view, count in filled.views.items():
            typer.echo(f"{count:>9,}  {view}")
        typer.echo(f"{filled.waiting:,} changes to import with: tinysieve review import --fiftyone -c {config}")
    if app:
        show_app(fiftyone, fiftyone.load_dataset(name), port, lambda address: typer.echo(
            f"the App: {address}\nfrom another machine: ssh -L {port}:127.0.0.1:{port} THIS_MACHINE, then the same address\n"
            "Ctrl-C stops it; the dataset is kept", err=json))
