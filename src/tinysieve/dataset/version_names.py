"""Names for versions, such as `main` and `cleaned`: what a person calls a version beside its id."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from tinysieve.ground.errors import InputError
from tinysieve.ground.journal import append, read_journal

_FILE, _FIELDS = "names.log.jsonl", ("at", "name", "version")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}")
# What begins an id, or means a version already.
_ID, _TAKEN = re.compile(r"[0-9a-f]+"), frozenset({"head"})


def names_in(folder: Path) -> Mapping[str, str]:
    """Name -> id of the version that was called so last, in a folder of versions.

    Raises:
        InputError: a line of the file was changed.
    """
    return {line["name"]: line["version"] for line in read_journal(folder / _FILE, _FIELDS)}


def give_name(folder: Path, name: str, version_id: str) -> None:
    """Call a version so from now on; a name that another version had moves, and the file keeps when.

    Raises:
        InputError: the name is empty or long, has signs beside letters, digits, dot, hyphen and underscore, or could be an id.
    """
    if not _NAME.fullmatch(name) or _ID.fullmatch(name) or name.lower() in _TAKEN:
        raise InputError(f"{name[:80]!r} cannot name a version", where="--name",
                         why="a name begins with a letter, has at most 64 letters, digits, dots, hyphens and underscores, is not "
                             "HEAD, and is no beginning of an id (0-9, a-f)", fix="such as --name cleaned")
    append(folder / _FILE, {"at": datetime.now(UTC).isoformat(timespec="seconds"), "name": name, "version": version_id})
