"""The sources by kind: ours, and those that other packages register under the entry point group `tinysieve.sources`."""

from __future__ import annotations

from dataclasses import fields
from typing import get_args, get_type_hints

from tinysieve.dataset.sources.folder_source import FolderSource
from tinysieve.dataset.sources.shard_source import ShardSource
from tinysieve.dataset.sources.source import Source
from tinysieve.dataset.sources.split_tables import OpenImagesSource, WakeVisionSource
from tinysieve.dataset.sources.table_source import TableSource
from tinysieve.ground.errors import InputError
from tinysieve.ground.plugins import load_plugin, registered

GROUP = "tinysieve.sources"
BUILT_IN: tuple[type[Source], ...] = (TableSource, WakeVisionSource, OpenImagesSource, FolderSource, ShardSource)


def kind_of(source: type[Source]) -> str:
    """By what a configuration names a source: the literal of its field `kind`.

    >>> kind_of(FolderSource)
    'folders'
    """
    if "kind" not in {field.name for field in fields(source)}:  # type: ignore[arg-type]
        return ""
    literal = get_args(get_type_hints(source)["kind"])
    return str(literal[0]) if literal else ""


def sources_for(kind: str) -> tuple[type[Source], ...]:
    """All built-in sources, and the registered one of that kind.

    Raises:
        InputError: a registered source cannot be imported, is none, or calls itself otherwise.
    """
    others = registered(GROUP)
    if kind not in others or kind in map(kind_of, BUILT_IN):
        return BUILT_IN
    loaded = load_plugin(others[kind], Source)  # type: ignore[type-abstract]
    if kind_of(loaded) != kind:
        raise InputError(f"the source '{kind}' has no field `kind` that says so", where=f"{GROUP}: {others[kind].value}",
                         fix="mend or remove the package that registers it")
    return (*BUILT_IN, loaded)
