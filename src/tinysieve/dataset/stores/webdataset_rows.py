"""What webdataset packs beside a photo: members of one name and other endings, `0001.jpg`, `0001.cls`, `0001.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from tinysieve.dataset.stores.container import Members, clean
from tinysieve.ground.errors import InputError
from tinysieve.ground.json_text import parse_json

_CLASS, _FACTS = "cls", "json"
MAX_BESIDE_BYTES = 2**16
LONE, SECOND, STRANGE = "no photo has its name", "a second picture of its name, such as a mask", "no JSON object of single values"
Value = bool | int | float | str


@dataclass
class BesidePhotos:
    """Columns by the name that photo and label share: all before the first dot behind the last slash."""

    rows: dict[str, dict[str, Value]] = field(default_factory=dict)
    refused: list[tuple[str, str]] = field(default_factory=list)

    @staticmethod
    def takes(name: str, size: int) -> bool:
        """Whether a member holds a label or facts."""
        return split_name(name)[1] in (_CLASS, _FACTS) and size <= MAX_BESIDE_BYTES

    def add(self, name: str, content: bytes) -> None:
        """Take the content of a member that `takes` allows."""
        key, ending = split_name(name)
        try:
            text = content.decode("utf-8-sig").strip()
            facts: Any = {_CLASS: text} if ending == _CLASS else parse_json(text, name)
        except (UnicodeDecodeError, InputError):
            facts = None
        if not isinstance(facts, dict):
            self.refused.append((name, STRANGE))
            return
        row = self.rows.setdefault(key, {})
        # The file of its own says the class; a key of that name in the facts may mean something else.
        row |= {str(column): value for column, value in facts.items()
                if isinstance(value, Value) and (ending == _CLASS or column not in row)}

    def joined(self, members: Members) -> Members:
        """The photos with these columns beside them; without any, the photos alone."""
        if not self.rows and not self.refused:
            return members
        keys = [split_name(name)[0] for name in members.names.to_pylist()]
        first = {key: row for row, key in reversed(list(enumerate(keys)))}
        kept = [row for row, key in enumerate(keys) if first[key] == row]
        second = [(members.names[row].as_py(), SECOND) for row, key in enumerate(keys) if first[key] != row]
        lone = [(key, LONE) for key in self.rows if key not in first]
        columns = list(dict.fromkeys(column for key in first for column in self.rows.get(key, {})))
        rows = pa.table({column: _column([self.rows.get(keys[row], {}).get(column) for row in kept]) for column in columns})
        places = pa.array(np.array(kept, np.int64))
        return Members(members.names.take(places), members.places.take(places), (*members.refused, *self.refused, *second, *lone),
                       rows if columns else None)


def split_name(name: str) -> tuple[str, str]:
    """Key and ending as webdataset takes them.

    >>> split_name("./train/0001.seg.PNG"), split_name("a.b/0001.cls")
    (('train/0001', 'seg.png'), ('a.b/0001', 'cls'))
    """
    folder, slash, base = clean(name).rpartition("/")
    key, _, ending = base.partition(".")
    return f"{folder}{slash}{key}", ending.lower()


def _column(values: Sequence[Value | None]) -> pa.Array:
    """Of one type where all values have it, else of text."""
    kinds = {type(value) for value in values if value is not None}
    types: Mapping[type, pa.DataType] = {bool: pa.bool_(), int: pa.int64(), float: pa.float64()}
    if len(kinds) == 1 and (kind := kinds.pop()) in types and all(_is_narrow(value) for value in values):
        return pa.array(values, types[kind])
    return pa.array([None if value is None else str(value) for value in values], pa.string())


def _is_narrow(value: Value | None) -> bool:
    return not isinstance(value, int) or abs(value) < 2**63
