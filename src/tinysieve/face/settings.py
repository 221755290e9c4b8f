"""Keywords of `tinysieve.Run` as the overrides that the configuration's reader takes.

One rule: a keyword is a setting's path in the YAML file. A mapping changes the settings that it names and leaves the others.
Any other value, and a mapping where a plain value stands, replaces what stands there; a word for a section that has a `kind`
is that kind with its defaults.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from tinysieve.ground.errors import InputError
from tinysieve.ground.yaml_text import read_yaml


def overrides_of(config: Path, settings: Mapping[str, object]) -> tuple[str, ...]:
    """The keywords as `a.b=value`, in their order.

    Raises:
        InputError: no such file, or a value that YAML cannot say.
    """
    if not config.is_file():
        raise InputError(f"no configuration at {config}", fix="give the path of a YAML file; see configs/")
    try:
        written = read_yaml(config).data
    except (OSError, InputError):
        return ()  # the reader says what is wrong with the file
    return tuple(f"{name}={text}" for key, value in settings.items() for name, text in _leaves(key, value, written))


def _leaves(key: str, value: object, written: object) -> Iterator[tuple[str, str]]:
    there = _at(written, key)
    # Below a plain value there is nothing to change, so a mapping takes its place.
    if isinstance(value, Mapping) and (there is None or isinstance(there, Mapping)):
        for name, inside in value.items():
            yield from _leaves(f"{key}.{name}", inside, written)
        return
    if isinstance(value, str) and isinstance(there, Mapping) and "kind" in there:
        value = {"kind": value}
    yield key, _yaml(key, value)


def _at(written: object, key: str) -> object:
    """What stands at a path of the file; None where nothing does."""
    for part in key.split("."):
        written = written.get(part) if isinstance(written, Mapping) else None
    return written


def _yaml(key: str, value: object) -> str:
    try:
        text = yaml.safe_dump(_plain(value), default_flow_style=True, width=float("inf"), allow_unicode=True)
    except yaml.YAMLError as error:
        raise InputError(f"{key} is of type {type(value).__name__}", where=f"ts.Run(..., {key}=...)",
                         fix="give a number, a word, a list or a mapping of these") from error
    return text.removesuffix("...\n").strip()


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(name): _plain(inside) for name, inside in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inside) for inside in value]
    return str(value) if isinstance(value, Path) else value
