"""What other packages register under an entry point group; nothing is imported before it is named."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar

from tinysieve.ground.errors import InputError

T = TypeVar("T")


def registered(group: str) -> dict[str, EntryPoint]:
    """Entry points of a group by name."""
    return {point.name: point for point in entry_points(group=group)}


def load_plugin(point: EntryPoint, kind: type[T]) -> type[T]:
    """Import what an entry point names.

    Raises:
        InputError: it cannot be imported, or is no subclass of `kind`.
    """
    where = f"{point.group}: {point.name} = {point.value}"
    try:
        loaded = point.load()
    except Exception as error:
        raise InputError(f"the plugin '{point.name}' cannot be imported: {error}", where=where,
                         fix="mend or remove the package that registers it") from error
    if not (isinstance(loaded, type) and issubclass(loaded, kind)):
        raise InputError(f"'{point.value}' is no {kind.__name__}", where=where,
                         why=f"plugins of {point.group} are subclasses of {kind.__module__}.{kind.__name__}",
                         fix="mend or remove the package that registers it")
    return loaded
