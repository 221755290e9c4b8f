"""The pages of commands and of exit codes, out of the command line's and the errors' own words."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from tinysieve.ground import errors
from tinysieve.pipeline import cli
from tinysieve.pipeline.commands.command_group import HEADINGS, OTHER

COMMANDS = """# Commands

Made from the code by `python -m docsite`; `tinysieve COMMAND --help` says the same. `--debug` (a traceback with every error) and
`--quiet` (results and errors only) may stand before or behind any command.
"""
EXITS = """# Exit codes

Made from the code by `python -m docsite`.

| code | when |
|---|---|
| 0 | Success. |
"""


def commands_page() -> str:
    """Every command under its heading, with arguments, options and defaults."""
    group: Any = get_command(cli.app)
    lines = [COMMANDS]
    for heading in HEADINGS:
        chosen = [(name, command) for name, command in group.commands.items()
                  if (getattr(command, "rich_help_panel", None) or OTHER) == heading]
        if chosen:
            lines.append(f"\n## {heading}\n")
        lines += [text for name, command in chosen for text in _described(f"tinysieve {name}", command)]
    return "\n".join(lines) + "\n"


def _described(name: str, command: Any) -> Iterator[str]:
    yield f"### {name}\n\n{_plain(command.help or '')}\n"
    parameters = [parameter for parameter in command.params if parameter.name not in ("debug", "quiet", "help")]
    if parameters:
        yield "| argument or option | meaning | default |\n|---|---|---|\n" + "\n".join(map(_row, parameters)) + "\n"
    for inner, below in getattr(command, "commands", {}).items():
        yield from _described(f"{name} {inner}", below)


def _row(parameter: Any) -> str:
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    default = "required" if parameter.required else _default(parameter.default)
    named = names if parameter.param_type_name == "option" else f"`{parameter.name.upper()}`"
    return f"| {named} | {_cell(_plain(getattr(parameter, 'help', None) or ''))} | {default} |"


def _default(value: Any) -> str:
    if value is None or value is False or value in ((), [], "") or callable(value):
        return ""
    return f"`{_cell(str(value))}`"


def _plain(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return re.sub(r"([|<>*_\[\]])", r"\\\1", text)


def exits_page() -> str:
    """What each exit code means: the errors that end with it."""
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.TinysieveError)
             and kind is not errors.TinysieveError]
    rows = sorted((kind.exit_code, kind.__name__, _plain((kind.__doc__ or "").split("\n\n")[0])) for kind in kinds)
    rows.append((cli.InternalError.exit_code, "InternalError", _plain(cli.InternalError.__doc__ or "")))
    named = [f"| {code} | `{name}`: {words} |" for code, name, words in rows]
    return EXITS + "\n".join([*named, f"| {cli.INTERRUPTED} | Interrupted by the keyboard; run the same command to resume. |",
                              f"| {cli.READER_GONE} | Whoever read the output has gone. |"]) + "\n"
