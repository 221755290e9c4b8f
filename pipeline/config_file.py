"""Reads a configuration from YAML, once; what is wrong is said with file, line and what was probably meant."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from dataset.errors import InputError
from pipeline.config import Config
from pipeline.config_section import Section


def load_config(path: Path, overrides: tuple[str, ...] = ()) -> Config:
    """Read a YAML file; `overrides` are `a.b=value`.

    Raises:
        InputError: not YAML, an unknown key (with what was probably meant), or a value out of range; with file and line.
    """
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, yaml.SafeLoader)
        data = yaml.safe_load(text)
    except FileNotFoundError as error:
        raise InputError(f"no configuration at {path}", fix="give --config FILE; see configs/") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not YAML: {error}") from error
    if not isinstance(data, dict):
        raise InputError(f"{path} holds no settings", fix="see configs/ for examples")
    for override in overrides:
        _override(data, override)
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        raise _explained(error, path, node) from error


def _override(data: dict[str, Any], text: str) -> None:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise InputError(f"override '{text}' is not of the form a.b=value", where=f"-o {text}")
    *parents, last = key.split(".")
    for parent in parents:
        data = data.setdefault(parent, {})
        if not isinstance(data, dict):
            raise InputError(f"'{parent}' is a value and has no settings below it", where=f"-o {text}")
    data[last] = yaml.safe_load(value)


def deepest(error: ValidationError) -> Any:
    """Of all that pydantic says the part that goes deepest: of a union, the branch that was meant."""
    return max(error.errors(), key=lambda one: len(one["loc"]))


def _explained(error: ValidationError, path: Path, node: yaml.Node | None) -> InputError:
    first = deepest(error)
    keys, line = _locate(node, first["loc"])
    name = ".".join(keys)
    where = f"{path}:{line}"
    if first["type"] == "extra_forbidden":
        close = difflib.get_close_matches(keys[-1], _known_keys(), n=1)
        hint = f" (did you mean '{'.'.join([*keys[:-1], close[0]])}'?)" if close else ""
        return InputError(f"unknown key '{name}'{hint}", where=where, fix="see 'tinysieve config show' for all settings")
    return InputError(f"setting '{name}': {first['msg']}", where=where, why=f"got {first['input']!r}"[:200])


def _locate(node: yaml.Node | None, location: tuple[int | str, ...]) -> tuple[list[str], int]:
    """The path as written in the file, and its line; the tags of unions in pydantic's path are passed over."""
    keys: list[str] = []
    line, tagged = 1, None
    for part in location:
        children = {key.value: (key, value) for key, value in node.value} if isinstance(node, yaml.MappingNode) else {}
        kind = children.get("kind", (None, None))[1]
        if kind is not None and kind.value == part and tagged is not node:
            tagged = node
            continue
        if part in children:
            line, node = children[part][0].start_mark.line + 1, children[part][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + 1
        elif isinstance(node, yaml.ScalarNode):
            break
        elif children and part is not location[-1]:
            continue
        keys.append(str(part))
    return keys, line


def _known_keys() -> set[str]:
    return {key for section in Section.__subclasses__() for key in section.model_fields}
