"""What the doctor says of one thing that it looked at."""

from __future__ import annotations

from dataclasses import dataclass

OK, MISSING, PROBLEM = "ok", "missing", "problem"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Args:
        topic: what it belongs to, such as "packages: detect".
        name: what was looked at.
        state: "ok", "missing" (something optional is not there) or "problem" (work will fail).
        found: what is there.
        advice: what to do about it, or what follows from it; "" where nothing does.
    """

    topic: str
    name: str
    state: str
    found: str
    advice: str = ""
