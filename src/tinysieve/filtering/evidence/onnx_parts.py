"""Whether an ONNX file reads other files, told from its bytes without ONNX: weights may be "external data" at any path.

An ONNX file is a tree of protocol-buffer messages. Only the fields that lead to a tensor are followed.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

# Field numbers of onnx.proto: message -> field -> message within. A tensor's field 13 is its list of external data, field 14 says
# that it is external.
_WITHIN = {
    "model": {7: "graph", 20: "training", 25: "function"}, "training": {1: "graph", 2: "graph"},
    "function": {7: "node"}, "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"}, "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"}, "tensor": {},
}  # fmt: skip
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5


def external_data_objection(path: Path) -> str:
    """Why an ONNX file is not free of what lies outside of it; "" where all its weights are inside."""
    try:
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return next(_objections(data), "")
    except (ValueError, IndexError) as error:
        return f"it cannot be read as ONNX: {error}"


def _objections(data: mmap.mmap) -> Iterator[str]:
    waiting = [("model", 0, len(data))]
    while waiting:
        message, start, end = waiting.pop()
        for field, first, last in _fields(data, start, end):
            if message == "tensor" and (field == _EXTERNAL_DATA or (field == _DATA_LOCATION and _varint(data, first, last)[0])):
                yield "it names other files to be read as its weights"
            within = _WITHIN[message].get(field)
            if within is not None:
                waiting.append((within, first, last))


def _fields(data: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Field number, and where its value begins and ends."""
    while start < end:
        tag, start = _varint(data, start, end)
        field, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            _, last = _varint(data, start, end)
        elif kind == _LENGTH:
            length, start = _varint(data, start, end)
            last = start + length
        elif kind in (_EIGHT_BYTES, _FOUR_BYTES):
            last = start + (8 if kind == _EIGHT_BYTES else 4)
        else:
            raise ValueError(f"wire type {kind}")
        if last > end:
            raise ValueError("a part is longer than the whole")
        yield field, start, last
        start = last


def _varint(data: mmap.mmap, start: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if start >= end or shift > 63:
            raise ValueError("a number that does not end")
        byte = data[start]
        start += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, start
