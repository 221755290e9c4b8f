"""Container: TFRecord with a tf.train.Example a record, as TFDS writes data sets; read without TensorFlow.

A record is its length (8 bytes), the length's checksum (4), the bytes, and theirs (4); the checksums are CRC-32C, masked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from tinysieve.dataset.image_formats import format_of
from tinysieve.dataset.images import MAX_FILE_BYTES, UndecodableImage
from tinysieve.dataset.stores.container import Collected, Container, Members, Place
from tinysieve.dataset.stores.crc32c import crc32c
from tinysieve.dataset.stores.image_columns import name_column, row_members
from tinysieve.dataset.stores.ranged_file import RangedFile
from tinysieve.dataset.stores.store import AS_A_RULE, DamagedFile, StoreSettings
from tinysieve.dataset.stores.tf_example import NoExample, Value, read_example

_HEAD, _FOOT, _MASK = 12, 4, 0xA282EAD8
_IMAGE_NAMES = ("image", "image/encoded")
_LONGEST_TEXT = 10_000
_NO_EXAMPLE = "its record is no tf.train.Example: "


class TFRecordContainer(Container):
    """Records at offsets."""

    kind = "TFRecord"

    def __init__(self, file: RangedFile, settings: StoreSettings = AS_A_RULE) -> None:
        super().__init__(file)
        self._settings = settings

    @staticmethod
    def begins(head: bytes, name: str) -> bool:
        return len(head) >= _HEAD and _masked(head[:8]) == int.from_bytes(head[8:_HEAD], "little")

    def scan(self) -> Members:
        collected, places, rows = Collected(), [], []
        for number, (at, length) in enumerate(self._records()):
            if length > MAX_FILE_BYTES:
                collected.refuse(f"{self.file.stem}/{number}", f"too large: a record of {length:,} bytes")
                continue
            try:
                rows.append(_texts(read_example(self.file.read_at(at + _HEAD, length))))
                places.append((at, length))
            except NoExample as error:
                collected.refuse(f"{self.file.stem}/{number}", f"{_NO_EXAMPLE}{error}")
        columns = list(dict.fromkeys(name for row in rows for name in row))
        column = name_column(columns, self._settings.name_column, self.file.name) if rows else None
        names = [None if column is None or row.get(column) is None else str(row[column]) for row in rows]
        table = pa.table({name: _column([row.get(name) for row in rows]) for name in columns}) if rows else None
        return row_members(names, self.file.stem, {"at": [at for at, _ in places], "size": [size for _, size in places]},
                           table, collected)

    def read(self, place: Place) -> bytes:
        record = self.file.read_at(place["at"] + _HEAD, place["size"] + _FOOT)
        data = record[:-_FOOT]
        if _masked(data) != int.from_bytes(record[-_FOOT:], "little"):
            raise UndecodableImage("damaged in the file: the checksum of its record is another")
        return self._image_of(read_example(data))

    def _image_of(self, features: dict[str, Value]) -> bytes:
        asked = self._settings.image_column
        for name in _IMAGE_NAMES if asked is None else (asked,):
            if values := features.get(name):
                if len(values) == 1 and isinstance(values[0], bytes):
                    return values[0]
                raise UndecodableImage(f"the feature '{name}' is no single image")
        raise UndecodableImage(f"the record has no feature {asked or ' or '.join(_IMAGE_NAMES)}")

    def _records(self) -> Iterator[tuple[int, int]]:
        at = 0
        while at < self.file.size:
            head = self.file.read_at(at, _HEAD)
            if _masked(head[:8]) != int.from_bytes(head[8:], "little"):
                raise DamagedFile("the length of a record does not fit its checksum", where=f"{self.file.name} at byte {at:,}",
                                  why="nothing behind it can be found", fix="get the file again")
            length = int.from_bytes(head[:8], "little")
            yield at, length
            at += _HEAD + length + _FOOT
        if at != self.file.size:
            self.file.read_at(at - _FOOT, _FOOT)


def _column(values: list[Any]) -> pa.Array:
    """Of one type, or as words: nothing keeps a feature from being a number in one record and a word in another."""
    try:
        return pa.array(values)
    except pa.ArrowException:
        return pa.array([None if value is None else str(value) for value in values], pa.string())


def _masked(data: bytes) -> int:
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF


def _texts(features: dict[str, Value]) -> dict[str, Any]:
    """What a row keeps: single numbers and words."""
    row: dict[str, Any] = {}
    for name, values in features.items():
        value = values[0] if len(values) == 1 else None
        if isinstance(value, bytes):
            if len(value) <= _LONGEST_TEXT and not format_of(value):
                row[name] = value.decode("utf-8", "replace")
        elif value is not None:
            row[name] = value
    return row
