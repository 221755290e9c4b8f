"""Types of tensors: their names in the schema and the bits that one value takes."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ai_edge_litert import schema_py_generated as schema


def enum_names(enum: type) -> dict[int, str]:
    """Names of a generated enumeration by value."""
    return {value: name for name, value in vars(enum).items() if isinstance(value, int)}


TYPE_NAMES = {value: name.lower() for value, name in enum_names(schema.TensorType).items()}
ELEMENT_BITS = {
    "int2": 2, "int4": 4, "uint4": 4, "bool": 8, "int8": 8, "uint8": 8, "float8_e4m3fn": 8, "float8_e5m2": 8,
    "int16": 16, "uint16": 16, "float16": 16, "bfloat16": 16, "int32": 32, "uint32": 32, "float32": 32,
    "int64": 64, "uint64": 64, "float64": 64, "complex64": 64, "complex128": 128,
}


def values_bytes(shape: Iterable[int], dtype: str) -> int:
    """Bytes of n values of b bits each: ceil(n * b / 8); 0 for types without a fixed size (strings, resources).

    >>> values_bytes((3, 5), "int4"), values_bytes((3, 5), "float32"), values_bytes((), "int8")
    (8, 60, 1)
    """
    return (math.prod(shape) * ELEMENT_BITS.get(dtype, 0) + 7) // 8
