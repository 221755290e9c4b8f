"""Whether a command says on standard error how far it is: `--quiet` leaves that out, errors and results stay."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Loudness:
    """What the command line set; one a process, because a process has one terminal."""

    quiet: bool = False


LOUDNESS = Loudness()
