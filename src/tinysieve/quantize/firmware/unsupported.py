"""How a lowering says that it has no kernel for an operator."""

from __future__ import annotations


class Unsupported(Exception):
    """An operator that the C route cannot run; the message says what about it. Caught by the code generator only."""
