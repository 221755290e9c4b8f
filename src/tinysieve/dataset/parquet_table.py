"""A Parquet file from outside as a table: few bytes of it can hold any number of equal values, so sizes are looked at first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tinysieve.dataset.table_text import MAX_COLUMNS
from tinysieve.ground.errors import InputError

# On average; of a column with more nothing is read.
MAX_ROW_BYTES = 4096
MAX_VALUES_BYTES = 4_000_000_000


def read_parquet(path: Path, schema: pa.Schema) -> tuple[pa.Table, list[str]]:
    """The columns as they are stored, but for those of so many bytes that they are no part of a table; and the names of these.

    Args:
        schema: the file's, with each name once.

    Raises:
        InputError: more columns, those within columns counted, or more values than any table needs.
    """
    about = pq.read_metadata(path)
    _refuse_large(about, path)
    heavy = _heavy(about)
    kept = [name for name in schema.names if name not in heavy]
    table, unpacked = _unpacked(pq.read_table(path, columns=kept, read_dictionary=_texts(schema, kept)), schema)
    return table, heavy + unpacked


def _refuse_large(about: pq.FileMetaData, path: Path) -> None:
    values = sum(about.row_group(group).column(column).num_values
                 for group in range(about.num_row_groups) for column in range(about.num_columns))
    if about.num_columns > MAX_COLUMNS or 8 * values > MAX_VALUES_BYTES:
        many, limit = ((f"{about.num_columns:,} columns within columns", MAX_COLUMNS) if about.num_columns > MAX_COLUMNS
                       else (f"{values:,} values", MAX_VALUES_BYTES // 8))
        raise InputError(many, where=str(path), why=f"{limit:,} is the limit", fix="keep the rows and columns that are needed")


def _texts(schema: pa.Schema, names: Sequence[str]) -> list[str]:
    """Columns of texts that are stored as such: of each text that repeats, one is kept in memory at first."""
    return [name for name in names if _is_text(schema.field(name).type)]


def _is_text(kind: pa.DataType) -> bool:
    checks = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    return any(is_kind(kind) for is_kind in checks)


def _unpacked(table: pa.Table, schema: pa.Schema) -> tuple[pa.Table, list[str]]:
    """Dictionaries as texts again where `schema` has texts; without columns that are `_heavy` then, and their names."""
    columns, heavy = {}, []
    for name in table.column_names:
        column, wanted = table[name], schema.field(name).type
        if pa.types.is_dictionary(column.type) and _is_text(column.type.value_type):
            if _mean_bytes(column) > MAX_ROW_BYTES:
                heavy.append(name)
                continue
            column = column if wanted == column.type else column.cast(column.type.value_type).cast(wanted)
        columns[name] = column
    return pa.table(columns, schema=pa.schema([schema.field(name) for name in columns], schema.metadata)), heavy


def _mean_bytes(column: pa.ChunkedArray) -> float:
    """Bytes of a row's text, on average, of a column of dictionaries."""
    total = sum(pc.sum(pc.binary_length(chunk.dictionary.cast(pa.large_binary())).take(chunk.indices)).as_py() or 0
                for chunk in column.chunks)
    return total / max(len(column), 1)


def _heavy(about: pq.FileMetaData) -> list[str]:
    """Columns of so many bytes a row that they are no part of a table, such as embedded images."""
    sizes = Counter[str]()
    for group in range(about.num_row_groups):
        for column in range(about.num_columns):
            chunk = about.row_group(group).column(column)
            if chunk.physical_type == "BYTE_ARRAY":
                sizes[chunk.path_in_schema.partition(".")[0]] += chunk.total_uncompressed_size
    return [name for name, size in sizes.items() if size > MAX_ROW_BYTES * about.num_rows]
