"""Known vulnerabilities of what the locks name, from a database that is a package: no network is needed to look.

    make advisories-local

The newest such database that an index of packages has is safety-db (CC BY-NC-SA 4.0; not shipped, not depended on), and it is
old: what was found after its date is not in it, so that no match says little. `make advisories` asks a service of today.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lock import EXTRAS, LOCKS, canonical, lock_name
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version


def locked(text: str) -> dict[str, str]:
    """Version of each package of a lock.

    >>> locked("# a comment\\nabsl-py==2.5.1 --hash=sha256:72")
    {'absl-py': '2.5.1'}
    """
    lines = (line.partition(" ")[0].partition("==") for line in text.splitlines() if line and not line.startswith("#"))
    return {canonical(name): version for name, _, version in lines}


def matches(packages: Mapping[str, str], database: Mapping[str, Any]) -> list[str]:
    """A line for each advisory whose versions hold the locked one; one whose versions cannot be read counts as a match.

    >>> matches({"a": "1.0", "b": "2"}, {"A": [{"specs": ["<1.1"], "id": "x", "advisory": "bad"}], "b": [{"specs": ["<2"]}]})
    ['a 1.0: x (<1.1) bad']
    """
    return [f"{name} {packages[name]}: {entry.get('cve') or entry.get('id')} ({', '.join(entry['specs'])}) "
            f"{entry['advisory'][:120]}"
            for listed, entries in sorted(database.items()) if (name := canonical(listed)) in packages
            for entry in entries if any(_holds(versions, packages[name]) for versions in entry["specs"])]


def _holds(versions: str, version: str) -> bool:
    try:
        return Version(version) in SpecifierSet(versions, prereleases=True)
    except InvalidSpecifier:
        return True


def main() -> None:
    """Print the date of the database and each match; ends with 1 where there is one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("database", type=Path, help="insecure_full.json of the package safety-db")
    database = json.loads(parser.parse_args().database.read_text(encoding="utf-8"))
    made = datetime.fromtimestamp(database.pop("$meta")["timestamp"], UTC).date()
    packages = {name: version for group in EXTRAS if (LOCKS / lock_name(group)).exists()
                for name, version in locked((LOCKS / lock_name(group)).read_text(encoding="utf-8")).items()}
    listed = sum(canonical(name) in packages for name in database)
    hits = matches(packages, database)
    print(f"database of {made}: {len(database):,} packages with advisories, {listed} of our {len(packages)} among them, "
          f"{len(hits)} advisories hold for the locked versions; nothing later than {made} is known to it", *hits, sep="\n")
    sys.exit(bool(hits))


if __name__ == "__main__":
    main()
