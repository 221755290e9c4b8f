"""Keywords of `tinysieve.Run` as the overrides that the configuration's reader takes.

One rule: a keyword is a setting's path in the YAML file. A mapping changes the settings that it names and leaves the others.
Any other value replaces what stands there; a word for a section that has a `kind` is that kind with its defaults.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tinysieve.ground.errors import InputError


def overrides_of(config: Path, settings: Mapping[str, object]) -> tuple[str, ...]:
    """The keywords as `a.b=value`, in their order.

    Raises:
        InputError: no such file, or a value that YAML cannot say.
    """
    if not config.is_file():
        raise InputError(f"no configuration at {config}", fix="give the path of a YAML file; see configs/")
    try:
        written = yaml.safe_load(config.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return ()  # the reader says what is wrong with the file
    return tuple(f"{name}={text}" for key, value in settings.items() for name, text in _leaves(key, value, written))


def _leaves(key: str, value: object, written: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, inside in value.items():
            yield from _leaves(f"{key}.{name}", inside, written)
        return
    if isinstance(value, str) and "kind" in _section(written, key):
        value = {"kind": value}
    yield key, _yaml(key, value)


def _section(written: object, key: str) -> Mapping[str, Any]:
    """The section at a path, empty where there is none."""
    for part in key.split("."):
        written = written.get(part) if isinstance(written, Mapping) else None
    return written if isinstance(written, Mapping) else {}


def _yaml(key: str, value: object) -> str:
    plain = str(value) if isinstance(value, Path) else list(value) if isinstance(value, tuple) else value
    try:
        text = yaml.safe_dump(plain, default_flow_style=True, width=float("inf"), allow_unicode=True)
    except yaml.YAMLError as error:
        raise InputError(f"{key} is of type {type(value).__name__}", where=f"ts.Run(..., {key}=...)",
                         fix="give a number, a word, a list or a mapping of these") from error
    return text.removesuffix("...\n").strip()
