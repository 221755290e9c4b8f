"""The command `tinysieve`: the verbs live in `tinysieve.pipeline.commands`, a file a group."""

from __future__ import annotations

import errno
import os
import sys
import traceback

import typer

from tinysieve.ground.errors import MissingRequirement, TinysieveError
from tinysieve.pipeline.commands import (
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
         "Exit codes: 0 fine, 1 a gate missed, 2 the input, 3 the environment, 4 a defect.",
)
for group in (main_job, versions, export, explore, compare, labels, audit, data_parameters,
              review, machine, inspect, fit, metadata, firmware, dataperf, experiments):
    app.add_typer(group.commands)


# A POSIX shell says 128 and the signal's number: of SIGINT and SIGPIPE.
INTERRUPTED, READER_GONE = 130, 141
_NO_ROOM = "make room, then give the same command again; a run goes on where it stopped"
_NOT_ALLOWED = "name a place that may be read and written, or change its permissions"
_WRONG_PATH = "correct the path"
_TOO_LARGE = "raise the limit on file sizes (ulimit -f), or write to another disk"
_REMEDIES = {errno.ENOSPC: _NO_ROOM, errno.EDQUOT: _NO_ROOM, errno.EFBIG: _TOO_LARGE,
             errno.EACCES: _NOT_ALLOWED, errno.EPERM: _NOT_ALLOWED, errno.EROFS: _NOT_ALLOWED, errno.ENOENT: _WRONG_PATH,
             errno.ENOTDIR: _WRONG_PATH, errno.EISDIR: _WRONG_PATH, errno.EEXIST: _WRONG_PATH}
_ELSE = "'tinysieve doctor' looks at packages, disk and memory"


class Defect(TinysieveError):
    """What tinysieve did not foresee."""

    exit_code = 4


def main() -> None:
    """Entry point; errors become a sentence and an exit code, under a traceback where --debug is given or nobody foresaw them."""
    # TensorFlow's C++ side talks on standard error unless told otherwise before it is imported.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    try:
        _run()
    except KeyboardInterrupt:
        typer.echo("interrupted; the next run goes on from the last finished piece", err=True)
        sys.exit(INTERRUPTED)
    except Exception as error:
        explained = _explained(error)
        if debug or isinstance(explained, Defect):
            traceback.print_exception(error)
        typer.echo(f"error: {explained}", err=True)
        sys.exit(explained.exit_code)


def _run() -> None:
    """Run the command; what typer answers itself, without words or with exit code 1, is raised again."""
    try:
        app()
    except SystemExit as stop:
        inner = stop.__context__
        if inner is not None and isinstance(inner.__cause__, (KeyboardInterrupt, EOFError)):
            raise inner.__cause__ from None
        if isinstance(inner, BrokenPipeError):
            sys.exit(READER_GONE)
        raise


def _explained(error: Exception) -> TinysieveError:
    match error:
        case TinysieveError():
            return error
        case OSError():
            said = error.strerror or str(error) or type(error).__name__
            file = "" if error.filename is None else f": {error.filename}"
            return MissingRequirement(said + file, fix=_REMEDIES.get(error.errno or 0, _ELSE))
        case MemoryError():
            return MissingRequirement(f"not enough memory: {error}".rstrip(": "), fix="end other programs, or use more memory")
    return Defect("this is a defect of tinysieve, not of the input", fix="report it with the lines above")
