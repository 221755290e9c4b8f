"""What decides whether a stage is up to date: the parts of its key, and what changed in them, in words."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Any


def key_of(parts: Mapping[str, Any]) -> str:
    """Hash of a key's parts, 16 hex digits."""
    return hashlib.blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=8).hexdigest()


def changes(old: Mapping[str, Any], new: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """What differs between the parts of two keys, in words, such as "numpy changed from 2.4 to 2.5"."""
    for name in sorted(set(old) | set(new)):
        before, after, label = old.get(name), new.get(name), f"{path}{name}"
        if isinstance(before, dict) and isinstance(after, dict):
            yield from changes(before, after, "" if label == "libraries" else f"{label}.")
        elif before != after:
            yield f"{label} changed from {before} to {after}"


def library_versions(names: tuple[str, ...]) -> dict[str, str]:
    """Version of each distribution by name, "not installed" where it is not; of "a|b", the first that is installed.

    >>> library_versions(("no-such-thing|neither-this",))
    {'no-such-thing': 'not installed'}
    """
    return {name.split("|")[0]: _version(name) for name in names}


def _version(alternatives: str) -> str:
    for name in alternatives.split("|"):
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return "not installed"
