"""Reads a configuration from YAML, once; what is wrong is said with file, line and what was probably meant."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from tinysieve.ground.errors import InputError
from tinysieve.ground.yaml_text import parse_yaml, read_yaml
from tinysieve.pipeline.config.names import setting_at
from tinysieve.pipeline.config.run_folder import run_folder_objection
from tinysieve.pipeline.config.sections import Config, config_type

_UNKNOWN_KEY = ("extra_forbidden", "unexpected_keyword_argument")
# Characters of an override in an error.
_SHOWN = 100


def load_config(path: Path, overrides: tuple[str, ...] = ()) -> Config:
    """Read a YAML file; `overrides` are `a.b=value`.

    Raises:
        InputError: not YAML, an unknown key (with what was probably meant), or a value out of range; with file and line, or
            with the override.
    """
    try:
        read = read_yaml(path)
    except (OSError, ValueError) as error:
        raise InputError(f"no configuration at {path}", why=getattr(error, "strerror", None) or str(error),
                         fix="use --config FILE; examples in configs/") from error
    node, data = read.node, read.data
    if not isinstance(data, dict):
        raise InputError(f"{path} has no settings", fix="examples in configs/")
    for override in overrides:
        _override(data, override)
    kind = config_type(data)
    try:
        config = kind.model_validate(data)
    except ValidationError as error:
        raise _explained(kind, deepest(error), path, node, overrides) from error
    objection = run_folder_objection(config)
    if objection:
        raise InputError(f"setting 'run': {objection}", where=_where(("run",), ("run",), path, node, overrides),
                         why="a run replaces and removes folders in there", fix="name a folder of its own, such as runs/first")
    return config


def _override(data: dict[str, Any], text: str) -> None:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise InputError(f"override '{text[:_SHOWN]}' is not of the form a.b=value", where=_given(text))
    *parents, last = key.split(".")
    for parent in parents:
        data = data.setdefault(parent, {})
        if not isinstance(data, dict):
            raise InputError(f"'{parent}' is a value, not a group of settings", where=_given(text))
    try:
        data[last] = parse_yaml(value, "").data
    except InputError as error:
        said = error.what.removeprefix(" is not YAML: ").removeprefix("no such value: ")
        raise InputError(f"'{value[:_SHOWN]}' is not YAML: {said}", where=_given(text),
                         fix="balance brackets; quote special characters") from error


def _given(text: str) -> str:
    """An override in an error: its beginning, since a value may be as long as a command line."""
    return f"-o {text[:_SHOWN]}" + ("..." if len(text) > _SHOWN else "")


def deepest(error: ValidationError) -> Any:
    """Of all that pydantic says the part that goes deepest: of a union, the branch that was meant. An unknown key comes before
    what is missing, since the one may be the other misspelt."""
    return max(error.errors(), key=lambda problem: (len(problem["loc"]), problem["type"] in _UNKNOWN_KEY))


def _explained(kind: type[Config], first: Any, path: Path, node: yaml.Node | None, overrides: tuple[str, ...]) -> InputError:
    setting = setting_at(kind, first["loc"])
    tag = first.get("ctx", {}).get("discriminator")
    keys = setting.keys if tag is None else (*setting.keys, tag.strip("'"))
    where = _where(keys, keys[:-1] if first["type"] == "missing" else keys, path, node, overrides)
    if first["type"] in _UNKNOWN_KEY:
        close = difflib.get_close_matches(keys[-1], setting.beside, n=1)
        hint = f" (did you mean '{'.'.join([*keys[:-1], *close])}'?)" if close else ""
        return InputError(f"unknown key '{'.'.join(keys)}'{hint}", where=where,
                          fix="see 'tinysieve config show' for all settings")
    said = first["msg"].removeprefix("Value error, ")
    return InputError(f"setting '{'.'.join(keys)}': {said}", where=where, why=f"got {first['input']!r}"[:200])


def _where(keys: tuple[str, ...], judged: tuple[str, ...], path: Path, node: yaml.Node | None, overrides: tuple[str, ...]) -> str:
    """The override that set this, else the line; both where an override set a part of what was judged as a whole."""
    changed = {text: tuple(text.partition("=")[0].split(".")) for text in reversed(overrides)}
    for text, name in changed.items():
        if keys[:len(name)] == name:
            return _given(text)
    line = f"{path}:{_line(node, keys)}"
    return next((f"{line} and {_given(text)}" for text, name in changed.items() if name[:len(judged)] == judged), line)


def _line(node: yaml.Node | None, keys: tuple[str, ...]) -> int:
    """Line of the setting, or of the innermost section around it that is in the file."""
    line = 1
    for key in keys:
        if isinstance(node, yaml.MappingNode):
            children = {child.value: (child, value) for child, value in node.value}
        elif isinstance(node, yaml.SequenceNode):
            children = {str(number): (child, child) for number, child in enumerate(node.value)}
        else:
            break
        if key not in children:
            break
        line, node = children[key][0].start_mark.line + 1, children[key][1]
    return line
