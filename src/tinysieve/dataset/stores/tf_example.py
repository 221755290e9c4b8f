"""tf.train.Example by protobuf's wire format.

Field 1 holds the features: entries (1) of a name (1) and a feature (2), which is a list of bytes (1), floats (2) or ints (3).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

Value = list[bytes] | list[float] | list[int]
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MOST_FEATURES = 4_096


class NoExample(ValueError):
    """Bytes that are no tf.train.Example."""


def read_example(data: bytes) -> dict[str, Value]:
    """Its features by name.

    Raises:
        NoExample: the bytes are none.
    """
    features: dict[str, Value] = {}
    for entry in _inside(_inside_one(memoryview(data), 1), 1):
        name, value = b"", memoryview(b"")
        for field, part in _fields(entry):
            if field == 1 and isinstance(part, memoryview):
                name = bytes(part)
            elif field == 2 and isinstance(part, memoryview):
                value = part
        features[name.decode("utf-8", "replace")] = _values(value)
        if len(features) > _MOST_FEATURES:
            raise NoExample(f"more than {_MOST_FEATURES:,} features")
    return features


def _values(feature: memoryview) -> Value:
    values: Value = []
    for kind, entries in _fields(feature):
        if not isinstance(entries, memoryview) or kind not in (1, 2, 3):
            raise NoExample("a feature that is neither bytes nor floats nor ints")
        values = _bytes_in(entries) if kind == 1 else _floats_in(entries) if kind == 2 else _ints_in(entries)
    return values


def _bytes_in(entries: memoryview) -> list[bytes]:
    return [bytes(part) for part in _inside(entries, 1)]


def _floats_in(entries: memoryview) -> list[float]:
    values: list[float] = []
    for _, part in _fields(entries):
        if isinstance(part, int):
            values += struct.unpack("<f", part.to_bytes(4, "little")) if part < 1 << 32 else []
        elif len(part) % 4:
            raise NoExample("floats of a broken length")
        else:
            values += struct.unpack(f"<{len(part) // 4}f", part)
    return values


def _ints_in(entries: memoryview) -> list[int]:
    values: list[int] = []
    for _, part in _fields(entries):
        if isinstance(part, int):
            values.append(_signed(part))
        else:
            place = 0
            while place < len(part):
                value, place = _varint(part, place)
                values.append(_signed(value))
    return values


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _inside(message: memoryview, wanted: int) -> Iterator[memoryview]:
    for field, part in _fields(message):
        if field == wanted and isinstance(part, memoryview):
            yield part


def _inside_one(message: memoryview, wanted: int) -> memoryview:
    parts = list(_inside(message, wanted))
    if len(parts) != 1:
        raise NoExample("no message with features")
    return parts[0]


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        kind = key & 7
        if kind == _VARINT:
            number, place = _varint(message, place)
            yield key >> 3, number
            continue
        if kind == _BYTES:
            length, place = _varint(message, place)
        elif kind in (_FIXED32, _FIXED64):
            length = 4 if kind == _FIXED32 else 8
        else:
            raise NoExample(f"wire type {kind}")
        if place + length > len(message):
            raise NoExample("a field that is longer than the record")
        part = message[place : place + length]
        place += length
        yield key >> 3, part if kind == _BYTES else int.from_bytes(part, "little")


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(message):
            raise NoExample("a number that is cut off")
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (1 << 64) - 1, place
    raise NoExample("a number of more than ten bytes")
