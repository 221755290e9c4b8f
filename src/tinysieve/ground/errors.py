"""The one error type of the program: what, where, why it matters, what to do.

Exit codes: 1 a gate was missed, 2 the user's input is wrong, 3 the environment lacks something; 4, a defect, is for what is
no TinysieveError.
"""

from __future__ import annotations


class TinysieveError(Exception):
    """An error that a person can act on.

    Args:
        what: what is wrong, with the value seen.
        where: file, line or sample.
        why: why it matters.
        fix: what to do.

    >>> print(InputError("label 7 is not 0, 1 or -1", where="labels.csv:12", fix="write 0, 1 or -1"))
    label 7 is not 0, 1 or -1
      where: labels.csv:12
      fix:   write 0, 1 or -1
    """

    exit_code = 2

    def __init__(self, what: str, *, where: str = "", why: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what, self.where, self.why, self.fix = what, where, why, fix

    def __str__(self) -> str:
        parts = [("where", self.where), ("why", self.why), ("fix", self.fix)]
        return "\n".join([self.what] + [f"  {name + ':':<6} {text}" for name, text in parts if text])


class GateMissed(TinysieveError):
    """A budget or an accuracy gate was measured and missed."""

    exit_code = 1


class InputError(TinysieveError):
    """Configuration, data or arguments are not what they must be."""


class FrozenSplit(InputError):
    """Something would change the labels or the members of a split that must never change."""


class ChangeTooLarge(InputError):
    """A policy would change more of a class than the configured share."""


class MissingRequirement(TinysieveError):
    """A package, a file of weights, or a device is not there."""

    exit_code = 3
