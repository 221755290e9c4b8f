"""The command `tinysieve`: the verbs live in `pipeline.commands`, a file a group."""

from __future__ import annotations

import os
import sys

import typer

from dataset.errors import TinysieveError
from pipeline.commands import (
    audit,
    compare,
    data_parameters,
    dataperf,
    experiments,
    explore,
    export,
    firmware,
    fit,
    inspect,
    labels,
    machine,
    main_job,
    metadata,
    review,
    versions,
)

app = typer.Typer(
    name="tinysieve", no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="Sieve the data, shrink the model, ship the .tflite.\n\n"
         "Exit codes: 0 fine, 1 a gate missed, 2 the input, 3 the environment.",
)
for group in (main_job, versions, export, explore, compare, labels, audit, data_parameters,
              review, machine, inspect, fit, metadata, firmware, dataperf, experiments):
    app.add_typer(group.commands)


def main() -> None:
    """Entry point; errors become sentences unless --debug is given."""
    # TensorFlow's C++ side talks on standard error unless told otherwise before it is imported.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    try:
        app()
    except TinysieveError as error:
        if debug:
            raise
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        typer.echo("interrupted; the next run goes on from the last finished piece", err=True)
        sys.exit(130)
