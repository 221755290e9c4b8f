"""Groups of commands: help under headings, and options of the app that its commands take as well."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from typer.core import TyperGroup

# Headings of `tinysieve --help`, in their order; a command names its own as `rich_help_panel`.
WHOLE_JOB, DATA, LABELS, MODEL = "The whole job", "Data", "Labels", "Model"
DEVICE, BENCHMARKS, SETUP = "Device", "Benchmarks and experiments", "Setup"
OTHER = "Commands"
HEADINGS = (WHOLE_JOB, DATA, LABELS, MODEL, DEVICE, BENCHMARKS, SETUP, OTHER)
# Options of the app that may also stand behind a command.
EVERYWHERE = ("debug", "quiet")


class CommandGroup(TyperGroup):
    """Shows each command under its heading with its whole first sentence, and gives it the options in EVERYWHERE."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        shared = [option for option in self.params if option.name in EVERYWHERE]
        for command in _leaves(self.commands.values()):
            command.params.extend(shared)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Plain text: typer's own headings need rich, whose import takes longer than all else that the help does."""
        width = max(map(len, self.commands))
        for heading in HEADINGS:
            rows = [(name.ljust(width), summary(command)) for name, command in self.commands.items()
                    if (getattr(command, "rich_help_panel", None) or OTHER) == heading]
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)


def summary(command: Any) -> str:
    """The first sentence of a command's help."""
    paragraph = " ".join((command.help or "").split("\n\n")[0].split())
    return paragraph.split(". ")[0].rstrip(".") + "."


def _leaves(commands: Iterable[Any]) -> Iterator[Any]:
    """Commands that do something themselves, at any depth."""
    for command in commands:
        inner = getattr(command, "commands", None)
        if inner is None or command.invoke_without_command:
            yield command
        if inner is not None:
            yield from _leaves(inner.values())
