"""Parquet from outside: what is small on disk and large in memory is not read; everything else is read as it is stored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tinysieve.dataset import parquet_table
from tinysieve.dataset.table_file import open_table
from tinysieve.ground.errors import InputError


@pytest.mark.parametrize("store_schema", [True, False])
def test_one_long_text_in_many_rows_is_not_read(tmp_path: Path, store_schema: bool) -> None:
    """A file of a few kB whose column is 100,000 x 100,000 B: as texts that would be 10 GB."""
    rows = 100_000
    label = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array(["x" * 100_000]))
    pq.write_table(pa.table({"filename": pa.array(["a"] * rows), "label": label}), tmp_path / "t.parquet",
                   compression="zstd", store_schema=store_schema)
    assert (tmp_path / "t.parquet").stat().st_size < 20_000
    file = open_table(tmp_path / "t.parquet")
    assert file.table.column_names == ["filename"]
    assert [note.partition(";")[0] for note in file.notes] == [f"{file.path}: columns of images or the like are not read: label"]


def test_texts_that_repeat_come_back_as_they_were(tmp_path: Path) -> None:
    words = ["person", None, "background", "person"]
    kinds = (pa.string(), pa.large_string(), pa.binary(), pa.dictionary(pa.int32(), pa.string()), pa.list_(pa.string()))
    columns = {str(kind): pa.array([[word] for word in words] if pa.types.is_list(kind) else words, pa.string()
                                   if pa.types.is_dictionary(kind) else kind) for kind in kinds}
    columns = {name: column.dictionary_encode() if name.startswith("dictionary") else column for name, column in columns.items()}
    table = pa.table({**columns, "number": pa.array([1, 2, None, 4])}).replace_schema_metadata({"by": "hand"})
    pq.write_table(table, tmp_path / "t.parquet")
    read = open_table(tmp_path / "t.parquet").table
    assert read.to_pydict() == table.to_pydict()
    assert read.schema.equals(pq.read_table(tmp_path / "t.parquet").schema, check_metadata=True)


def test_more_values_than_a_table_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal numbers take next to no bytes on disk and eight each in memory; the metadata says how many there are."""
    pq.write_table(pa.table({"a": pa.nulls(600, pa.int64()), "b": pa.nulls(600, pa.int64())}), tmp_path / "t.parquet")
    monkeypatch.setattr(parquet_table, "MAX_VALUES_BYTES", 8 * 1200)
    assert open_table(tmp_path / "t.parquet").table.num_rows == 600
    monkeypatch.setattr(parquet_table, "MAX_VALUES_BYTES", 8 * 1200 - 8)
    with pytest.raises(InputError, match="1,200 values"):
        open_table(tmp_path / "t.parquet")


def test_columns_within_columns_count(tmp_path: Path) -> None:
    wide = pa.struct([(f"f{place}", pa.int8()) for place in range(5_000)])
    pq.write_table(pa.table({"a": pa.array([None], wide)}), tmp_path / "t.parquet")
    with pytest.raises(InputError, match="5,000 columns within columns"):
        open_table(tmp_path / "t.parquet")
