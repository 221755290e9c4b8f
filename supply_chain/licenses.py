"""Licences of everything that `make` installs, as its files state them, into docs/licenses.md.

    make licenses

What is installed into .venv is looked at, not an index. A licence that asks more of you than to keep its text is marked.
"""

from __future__ import annotations

import re
import sys
from importlib import metadata
from pathlib import Path

from lock import EXTRAS, LOCKS, ROOT, canonical, lock_name

PAGE = ROOT / "docs/licenses.md"
TORCH = ("torch", "torchvision")
# Network use counts as passing on; linking or passing on may ask for source.
MARKS = ((re.compile(r"AGPL|Affero", re.IGNORECASE), "**AGPL**"), (re.compile(r"(?<!L)GPL|GNU General", re.IGNORECASE), "GPL"),
         (re.compile(r"LGPL|Lesser", re.IGNORECASE), "LGPL"), (re.compile(r"MPL|Mozilla", re.IGNORECASE), "MPL"))
HEAD = """# Licences

Licences of everything that `make` installs, as the packages themselves state them. Made by `make licenses`.

tinysieve is under Apache-2.0. **AGPL**: Ultralytics runs only where a configuration names an `ultralytics` detector; whoever
passes on, or serves over a network, a program that contains it must offer that program's source, or hold a licence from its
makers. Nothing else of tinysieve needs it: boxes may come from a file. `run` is what `make demo` installs, `detect` adds what
the main job's detectors need, `dev` what tests and checks need.

"""


def licence_of(package: metadata.Distribution) -> str:
    """The licence's SPDX expression, else its classifiers, else the first line of what stands there."""
    said = package.metadata
    if said.get("License-Expression"):
        return str(said["License-Expression"])
    classified = [line.rpartition(" :: ")[2] for line in said.get_all("Classifier") or () if line.startswith("License ::")]
    first = (said.get("License") or "").strip().split("\n")[0][:80]
    return "; ".join(name for name in classified if name != "OSI Approved") or first or "not stated"


def mark_of(licence: str) -> str:
    """What stands in the last column: copyleft, and of which kind.

    >>> mark_of("AGPL-3.0"), mark_of("Apache-2.0"), mark_of("LGPL-2.1-only")
    ('**AGPL**', '', 'LGPL')
    """
    return next((mark for pattern, mark in MARKS if pattern.search(licence)), "")


def groups() -> dict[str, str]:
    """Each package of the locks with the first group that installs it."""
    first: dict[str, str] = {}
    for group in EXTRAS:
        for line in (LOCKS / lock_name(group)).read_text(encoding="utf-8").splitlines():
            if not line.startswith("#"):
                first.setdefault(line.partition("==")[0], group)
    return first | dict.fromkeys(TORCH, "detect")


def table() -> list[str]:
    """A row a package; exits where one of the lock is not installed."""
    installed = {canonical(package.metadata["Name"]): package for package in metadata.distributions()}
    by_group = groups()
    missing = sorted(by_group.keys() - installed.keys() - {"setuptools"})
    if missing:
        sys.exit(f"not installed: {', '.join(missing)}; run 'make .venv/dev.stamp'")
    rows = ["| package | version | installed by | licence | asks for more |", "|---|---|---|---|---|"]
    for name, group in sorted(by_group.items()):
        if name in installed:
            licence = licence_of(installed[name]).replace("|", "/")
            rows.append(f"| {name} | {installed[name].version} | {group} | {licence} | {mark_of(licence)} |")
    return rows


def main() -> None:
    """Write the page."""
    rows = table()
    PAGE.write_text(HEAD + "\n".join(rows) + "\n", encoding="utf-8")
    print(f"{len(rows) - 2} packages: {Path(PAGE).relative_to(ROOT)}")


if __name__ == "__main__":
    main()
