"""The index of one archive or shard, made once and kept as a file: an archive is looked through as a whole to get it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tinysieve.dataset.stores.container import Container, Members
from tinysieve.ground.atomic_files import replacing

_REFUSED, _COLUMNS = b"tinysieve.refused", b"tinysieve.rows"
_NAME, _PLACE, _ROW = "name", "place.", "row."


def members_of(container: Container, folder: Path, settings: str) -> Members:
    """What a container holds, from the index if it was made before.

    Args:
        container: of a file whose stamp says whether it is the same.
        folder: where indexes are kept.
        settings: what else decides on the result.
    """
    file = container.file
    asked = f"{container.kind}\0{container.version}\0{file.name}\0{file.stamp}\0{settings}"
    path = folder / f"{file.stem[:60]}-{hashlib.blake2b(asked.encode(), digest_size=12).hexdigest()}.parquet"
    kept = _read(path)
    if kept is not None:
        return kept
    members = container.scan()
    with replacing(path) as temporary:
        pq.write_table(_table(members), temporary, compression="zstd")
    return members


def _table(members: Members) -> pa.Table:
    columns = {_NAME: members.names}
    columns |= {_PLACE + name: members.places[name] for name in members.places.column_names}
    if members.rows is not None:
        columns |= {_ROW + name: members.rows[name] for name in members.rows.column_names}
    return pa.table(columns).replace_schema_metadata(
        {_REFUSED: json.dumps(members.refused), _COLUMNS: json.dumps(members.rows is not None)})


def _read(path: Path) -> Members | None:
    """None where there is no index, or none that can be read: then it is made again."""
    try:
        table = pq.read_table(path)
        about = table.schema.metadata or {}
        refused = tuple((str(name), str(reason)) for name, reason in json.loads(about[_REFUSED]))
        rows = _part(table, _ROW) if json.loads(about[_COLUMNS]) else None
        return Members(table[_NAME].combine_chunks(), _part(table, _PLACE), refused, rows)
    except (OSError, pa.ArrowException, KeyError, ValueError):
        return None


def _part(table: pa.Table, prefix: str) -> pa.Table:
    names = [name for name in table.column_names if name.startswith(prefix)]
    return table.select(names).rename_columns([name.removeprefix(prefix) for name in names])
