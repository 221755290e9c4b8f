"""What a person calls a setting: its path as written in YAML, where pydantic puts the tags of unions in between."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from tinysieve.pipeline.config.section import Section


@dataclass(frozen=True)
class Setting:
    """A place in the configuration.

    Args:
        keys: path as written in YAML.
        beside: names of all settings of the section that it stands in.
    """

    keys: tuple[str, ...]
    beside: tuple[str, ...]


def setting_at(root: type, location: tuple[int | str, ...]) -> Setting:
    """The setting behind a location of pydantic's in a configuration of the given type.

    >>> from tinysieve.pipeline.config.sections import Config
    >>> setting_at(Config, ("train", "recipe", "RecipeChanges", "epochs")).keys
    ('train', 'recipe', 'epochs')
    """
    keys: list[str] = []
    beside: tuple[str, ...] = ()
    kind: Any = root
    for part in location:
        branches = _branches(kind)
        if len(branches) > 1:
            kind = next((branch for branch in branches if part in _tags(branch)), Any)
            continue
        keys.append(str(part))
        inside = _fields(branches[0])
        beside = tuple(str(name) for name in inside)
        kind = inside[part] if part in inside else next(iter(get_args(branches[0])), Any)
    return Setting(tuple(keys), beside)


def _branches(kind: Any) -> tuple[Any, ...]:
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    members = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    return tuple(member for member in members if member is not NoneType)


def _fields(kind: Any) -> dict[int | str, Any]:
    """Types of the settings of a section or of a filter, by name."""
    if _is_section(kind):
        return {name: field.annotation for name, field in kind.model_fields.items()}
    if isinstance(kind, type) and is_dataclass(kind):
        types = get_type_hints(kind, include_extras=True)
        return {field.name: types[field.name] for field in fields(kind)}
    return {}


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Section)


def _tags(branch: Any) -> tuple[str, ...]:
    """What pydantic may call a branch: by its class, or by what `kind` says."""
    return (branch.__name__, *get_args(_fields(branch).get("kind"))) if isinstance(branch, type) else ()
