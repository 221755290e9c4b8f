"""The command `tinysieve`: the verbs live in `tinysieve.pipeline.commands`, a file a group."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from dataclasses import dataclass
from typing import Annotated

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
    first_look,
    fit,
    hub,
    inspect,
    labels,
    live,
    machine,
    main_job,
    metadata,
    query,
    review,
    runs,
    versions,
)
from tinysieve.pipeline.commands.command_group import CommandGroup
from tinysieve.pipeline.engine.loudness import LOUDNESS

app = typer.Typer(
    name="tinysieve", cls=CommandGroup, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="Sieve the data, shrink the model, ship the .tflite.\n\n"
         "Exit codes: 0 success, 1 gate missed, 2 invalid input, 3 missing dependency, 4 internal error.",
)
for group in (first_look, main_job, machine, versions, export, query, explore, review, audit, labels, data_parameters,
              compare, runs, hub, inspect, fit, metadata, firmware, live, dataperf, experiments):
    app.add_typer(group.commands)


@dataclass
class Switches:
    """What options of the app set for `main`."""

    debug: bool = False


def _set_debug(context: typer.Context, given: bool) -> None:
    switches = context.find_object(Switches)
    if given and switches is not None:
        switches.debug = True


def _set_quiet(given: bool) -> None:
    if given:
        LOUDNESS.quiet = True


def _show_version(given: bool) -> None:
    if given:
        from importlib.metadata import version

        typer.echo(f"tinysieve {version('tinysieve')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, expose_value=False,
                                          callback=_show_version)] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback with every error.", expose_value=False,
                                        callback=_set_debug)] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show results and errors only, no progress.", expose_value=False,
                                        callback=_set_quiet)] = False,
) -> None:
    """Options that stand before the command; --debug and --quiet may also stand behind it."""


# A POSIX shell says 128 and the signal's number: of SIGINT and SIGPIPE.
INTERRUPTED, READER_GONE = 130, 141
_DISK_FULL = "free disk space, then run the same command to resume"
_NOT_ALLOWED = "use a path that you can read and write, or change its permissions"
_WRONG_PATH = "correct the path"
_TOO_LARGE = "raise the limit on file sizes (ulimit -f), or write to another disk"
_REMEDIES = {errno.ENOSPC: _DISK_FULL, errno.EDQUOT: _DISK_FULL, errno.EFBIG: _TOO_LARGE,
             errno.EACCES: _NOT_ALLOWED, errno.EPERM: _NOT_ALLOWED, errno.EROFS: _NOT_ALLOWED, errno.ENOENT: _WRONG_PATH,
             errno.ENOTDIR: _WRONG_PATH, errno.EISDIR: _WRONG_PATH, errno.EEXIST: _WRONG_PATH}
_UNKNOWN_CAUSE = "run 'tinysieve doctor' to check packages and disk"


class InternalError(TinysieveError):
    """An error that tinysieve does not expect: a bug."""

    exit_code = 4


def main() -> None:
    """Entry point: an error becomes a message and an exit code; --debug and internal errors add a traceback."""
    # TensorFlow's C++ side talks on standard error unless told otherwise before it is imported.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # joblib counts physical cores by commands that small containers lack, and warns with a traceback.
    os.environ.setdefault("LOKY_MAX_CPU_COUNT", str(os.cpu_count() or 1))
    switches = Switches()
    LOUDNESS.quiet = False
    try:
        _run(switches)
    except KeyboardInterrupt:
        typer.echo("interrupted; run the same command to resume", err=True)
        sys.exit(INTERRUPTED)
    except Exception as error:
        explained = _explained(error)
        if switches.debug or isinstance(explained, InternalError):
            traceback.print_exception(error)
        typer.echo(f"error: {explained}", err=True)
        sys.exit(explained.exit_code)


def _run(switches: Switches) -> None:
    """Run the command; raise again what typer would turn into exit code 1 or swallow."""
    try:
        app(obj=switches)
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
            message = error.strerror or str(error) or type(error).__name__
            file = "" if error.filename is None else f": {error.filename}"
            return MissingRequirement(message + file, fix=_REMEDIES.get(error.errno or 0, _UNKNOWN_CAUSE))
        case MemoryError():
            return MissingRequirement(f"not enough memory: {error}".rstrip(": "), fix="close other programs, or add memory")
    return InternalError("internal error in tinysieve, not caused by the input", fix="report it with the traceback above")
