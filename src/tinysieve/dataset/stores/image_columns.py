"""Which column holds images, which their names, and what may be taken of the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from tinysieve.dataset.stores.container import Collected, Members, clean, name_objection
from tinysieve.dataset.stores.store import DamagedFile

NAME_COLUMNS = ("filename", "file_name", "filepath", "image/filename", "__key__")


def name_column(columns: Sequence[str], asked: str | None, where: str) -> str | None:
    """The column of the images' names, None where there is none.

    Raises:
        DamagedFile: the one that was asked for is not there.
    """
    if asked is not None and asked not in columns:
        raise DamagedFile(f"no column '{asked}'", where=where,
                          fix=f"set dataset.store.name_column to one of: {', '.join(columns)}")
    return asked or next((name for name in NAME_COLUMNS if name in columns), None)


def row_members(names: Sequence[str | None], stem: str, places: Mapping[str, Any], rows: pa.Table | None,
                collected: Collected) -> Members:
    """The members of a shard whose rows hold image and labels.

    A row without a name, or with one that another row has too, is called by the shard and its number: no label is lost to that,
    since image and label stand in the same row. A row whose name leads elsewhere is refused.

    Args:
        names: what each row calls its image.
        stem: the shard's name.
        places: where each lies.
        rows: the other columns.
        collected: what was refused before.
    """
    counts = Counter(names)
    given = []
    for row, name in enumerate(names):
        objection = name_objection(name) if name else ""
        if objection:
            collected.refuse(str(name), objection)
        own = name is not None and counts[name] == 1 and clean(name)
        given.append("" if objection else clean(str(name)) if own else f"{stem}/{row}.jpg")
    kept = pa.array([bool(name) for name in given], pa.bool_())
    table = pa.table({key: pa.array(values, pa.int64()) for key, values in places.items()})
    return Members(pa.array(given, pa.string()).filter(kept), table.filter(kept), collected.bounded(),
                   None if rows is None else rows.filter(kept))
