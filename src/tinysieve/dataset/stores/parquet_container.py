"""Container: a Parquet file with the images inside, as the Hugging Face hub keeps them; a row an image, labels beside it."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tinysieve.dataset.images import UndecodableImage
from tinysieve.dataset.stores.container import MAX_MEMBERS, Collected, Container, Members, Place, size_objection
from tinysieve.dataset.stores.image_columns import name_column, row_members
from tinysieve.dataset.stores.ranged_file import ByteStream, RangedFile
from tinysieve.dataset.stores.store import AS_A_RULE, DamagedFile, StoreSettings

# A row group is read as a whole; so much of what was read last is kept.
_GROUP_BYTES, _KEPT_BYTES = 1 << 31, 1 << 28


class ParquetContainer(Container):
    """Rows of row groups."""

    kind = "Parquet"

    def __init__(self, file: RangedFile, settings: StoreSettings = AS_A_RULE) -> None:
        super().__init__(file)
        self._settings, self._lock = settings, threading.Lock()
        self._groups: OrderedDict[int, pa.ChunkedArray] = OrderedDict()
        self._parquet = self._asked(lambda: pq.ParquetFile(ByteStream(file), pre_buffer=False))
        self._column = self._image_column()

    @staticmethod
    def begins(head: bytes, name: str) -> bool:
        return head.startswith(b"PAR1")

    def scan(self) -> Members:
        about, schema = self._parquet.metadata, self._parquet.schema_arrow
        if about.num_rows > MAX_MEMBERS:
            raise self._damaged(f"more than {MAX_MEMBERS:,} rows")
        kept = [field.name for field in schema if field.name != self._column.partition(".")[0] and not _holds_bytes(field.type)]
        column = name_column(kept, self._settings.name_column, self.file.name)
        rows = self._asked(lambda: self._parquet.read(columns=kept, use_threads=False))
        if column is None:
            names: list[str | None] = self._paths()
        else:
            names = pc.cast(rows[column], pa.string()).to_pylist()
        places = np.fromiter(self._row_places(), np.dtype((np.int64, 3)), count=about.num_rows)
        columns = {key: places[:, number] for number, key in enumerate(("at", "group", "row"))}
        return row_members(names, self.file.stem, columns, rows, Collected())

    def read(self, place: Place) -> bytes:
        value = self._group(place["group"])[place["row"]]
        if not value.is_valid:
            raise UndecodableImage("the row holds no image: only a path, or nothing")
        if objection := size_objection(value.as_buffer().size):
            raise UndecodableImage(objection)
        return bytes(value.as_py())

    def _row_places(self) -> Iterator[tuple[int, int, int]]:
        number = 0
        for group in range(self._parquet.num_row_groups):
            for row in range(self._parquet.metadata.row_group(group).num_rows):
                yield number, group, row
                number += 1

    def _group(self, group: int) -> pa.ChunkedArray:
        with self._lock:
            if group not in self._groups:
                self._refuse_large(group)
                table = self._asked(lambda: self._parquet.read_row_group(group, columns=[self._column], use_threads=False))
                self._groups[group] = _leaf(table, self._column)
                while len(self._groups) > 1 and sum(values.nbytes for values in self._groups.values()) > _KEPT_BYTES:
                    self._groups.popitem(last=False)
            self._groups.move_to_end(group)
            return self._groups[group]

    def _refuse_large(self, group: int) -> None:
        size = self._parquet.metadata.row_group(group).total_byte_size
        if size > _GROUP_BYTES:
            raise DamagedFile(f"row group {group} holds {size:,} bytes", where=self.file.name,
                              why=f"a group is read as a whole, and {_GROUP_BYTES:,} bytes is the limit",
                              fix="write the file with row groups of some hundred images")

    def _image_column(self) -> str:
        """As `image.bytes`, or `image` where the column itself is bytes."""
        schema = self._parquet.schema_arrow
        candidates = {field.name: _bytes_of(field) for field in schema if _bytes_of(field)}
        asked = self._settings.image_column
        declared = [name for name in _declared_images(schema) if name in candidates]
        fitting = [asked] if asked is not None else declared or list(candidates)
        if len(fitting) == 1 and fitting[0] in candidates:
            return candidates[fitting[0]]
        what = f"no image column '{asked}'" if asked is not None else "several image columns" if candidates else "no image column"
        raise DamagedFile(what, where=self.file.name, why=f"its columns: {', '.join(schema.names)}",
                          fix=f"set dataset.store.image_column to one of: {', '.join(candidates)}" if candidates else
                          "a table without images names files: give them with dataset.source.images and use kind: table")

    def _paths(self) -> list[str | None]:
        """What the image column says of the files that the images were."""
        struct = self._column.partition(".")[0]
        if self._column == struct or self._parquet.schema_arrow.field(struct).type.get_field_index("path") < 0:
            return [None] * self._parquet.metadata.num_rows
        table = self._asked(lambda: self._parquet.read(columns=[f"{struct}.path"], use_threads=False))
        return pc.cast(_leaf(table, f"{struct}.path"), pa.string()).to_pylist()  # type: ignore[no-any-return]

    def _asked(self, ask: Any) -> Any:
        try:
            return ask()
        except (pa.ArrowException, OSError, ValueError) as error:
            raise self._damaged(f"it is no sound Parquet file: {error}") from error

    def _damaged(self, what: str) -> DamagedFile:
        return DamagedFile(what, where=self.file.name, why="a Parquet file that was cut off has lost its directory",
                           fix="get it again and compare its size with the published one")


def _bytes_of(field: pa.Field) -> str:
    if _is_bytes(field.type):
        return str(field.name)
    if pa.types.is_struct(field.type) and (place := field.type.get_field_index("bytes")) >= 0:
        return f"{field.name}.bytes" if _is_bytes(field.type.field(place).type) else ""
    return ""


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _holds_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_nested(kind):
        return any(_holds_bytes(kind.field(place).type) for place in range(kind.num_fields))
    return _is_bytes(kind)


def _leaf(table: pa.Table, path: str) -> pa.ChunkedArray:
    column = table.column(0)
    return pc.struct_field(column, path.partition(".")[2]) if "." in path else column


def _declared_images(schema: pa.Schema) -> list[str]:
    """The columns that the hub's own note in the file calls images."""
    try:
        features = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
        return [name for name, kind in features.items() if isinstance(kind, dict) and kind.get("_type") == "Image"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []
