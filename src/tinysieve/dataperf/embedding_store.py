"""Where embeddings lie: a Parquet file, or a directory that Spark, Ray or anything else wrote, part by part.

The sets are large (1.2 million rows of 256 doubles) and a task wants a few hundred rows. Of each part the ids are read
first; a row group without a wanted id is never opened further, and of the others a few thousand rows are in memory at a time.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tinysieve.dataperf.embedding_rows import EMBEDDING, IMAGE_ID, EmbeddingRows, concatenated, finite_matrix, rows_of
from tinysieve.ground.errors import InputError

_ROWS_AT_A_TIME = 1024
_THREADS = min(4, os.cpu_count() or 1)


class EmbeddingStore(Protocol):
    """Whatever can be asked for the embeddings of some images."""

    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        ...

    def dim(self) -> int:
        """Numbers in the first row's embedding."""
        ...

    def count(self) -> int:
        """How many rows it holds."""
        ...

    def rows(self, wanted: Iterable[str]) -> EmbeddingRows:
        """Every row whose id is wanted."""
        ...

    def batches(self) -> Iterator[EmbeddingRows]:
        """All rows, some at a time."""
        ...


@dataclass(frozen=True)
class ParquetEmbeddings:
    """Embeddings in Parquet parts, in the order of their names, as Spark lists them."""

    parts: tuple[Path, ...]

    def columns(self) -> tuple[str, ...]:
        """Names of the columns of the first part."""
        with _opened(self.parts[0]) as part:
            return tuple(part.schema_arrow.names)

    def dim(self) -> int:
        """Numbers in the first row's embedding.

        Raises:
            InputError: there is no row.
        """
        for path in self.parts:
            with _opened(path, (EMBEDDING,)) as part:
                for batch in part.iter_batches(1, columns=[EMBEDDING]):
                    return finite_matrix(batch.column(0), None, str(path)).shape[1]
        raise InputError(f"{self.parts[0].parent} has no row", why="training needs embeddings")

    def count(self) -> int:
        """Rows of all parts, from their footers."""
        total = 0
        for path in self.parts:
            with _opened(path) as part:
                total += part.metadata.num_rows
        return total

    def rows(self, wanted: Iterable[str]) -> EmbeddingRows:
        """Every row whose id is wanted, parts in parallel; the others are not kept.

        Raises:
            InputError: a part cannot be read, or a wanted embedding is no list of D finite numbers.
        """
        values = pa.array(sorted(set(wanted)), pa.string())
        dim = self.dim()
        with ThreadPoolExecutor(_THREADS) as pool:
            chunks = [rows for part in pool.map(lambda path: _wanted_rows(path, values, dim), self.parts) for rows in part]
        return concatenated(chunks, dim)

    def batches(self) -> Iterator[EmbeddingRows]:
        """All rows, a thousand or so at a time."""
        dim = self.dim()
        for path in self.parts:
            with _opened(path, (IMAGE_ID, EMBEDDING)) as part:
                for batch in part.iter_batches(_ROWS_AT_A_TIME, columns=[IMAGE_ID, EMBEDDING]):
                    yield rows_of(batch.column(IMAGE_ID), batch.column(EMBEDDING), dim, str(path))


def open_parquet(path: Path) -> ParquetEmbeddings:
    """A Parquet file, or the parts of a directory without its side files (`_SUCCESS`, `.crc` and the like).

    Raises:
        InputError: nothing there, no part in the directory, or its writer has not finished.
    """
    if path.is_file():
        return ParquetEmbeddings((path,))
    if not path.is_dir():
        raise InputError(f"{path} does not exist", fix="use a Parquet file, or a directory written by Spark")
    if (path / "_temporary").exists():
        raise InputError(f"{path} is not finished: it still has _temporary", why="rows would be missing",
                         fix="wait until it is complete")
    parts = tuple(sorted(file for file in path.rglob("*") if file.is_file() and not _hidden(file.relative_to(path))))
    if not parts:
        raise InputError(f"{path} has no Parquet part", fix="use the directory with part-*.parquet")
    return ParquetEmbeddings(parts)


def read_columns(path: Path, names: list[str]) -> pa.Table:
    """Some columns of a small Parquet file or directory, parts in the order of their names.

    Raises:
        InputError: a part cannot be read or its columns are others than the first part's.
    """
    tables = []
    for part_path in open_parquet(path).parts:
        with _opened(part_path, tuple(names)) as part:
            tables.append(part.read(columns=names))
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise InputError(f"the parts of {path} are inconsistent: {error}") from error


def _wanted_rows(path: Path, values: pa.Array, dim: int) -> list[EmbeddingRows]:
    chunks: list[EmbeddingRows] = []
    with _opened(path, (IMAGE_ID, EMBEDDING)) as part:
        for group in range(part.num_row_groups):
            ids = part.read_row_group(group, columns=[IMAGE_ID], use_threads=False).column(0)
            ids = _strings(pa.concat_arrays(ids.chunks), path)
            mask = pc.is_in(ids, value_set=values).to_numpy(zero_copy_only=False)
            if mask.any():
                chunks += _masked(part, group, ids, mask, dim, str(path))
    return chunks


def _masked(part: pq.ParquetFile, group: int, ids: pa.Array, mask: NDArray[np.bool_], dim: int,
            where: str) -> Iterator[EmbeddingRows]:
    start, last = 0, int(np.flatnonzero(mask)[-1])
    for batch in part.iter_batches(_ROWS_AT_A_TIME, row_groups=[group], columns=[EMBEDDING], use_threads=False):
        hits = np.flatnonzero(mask[start : start + len(batch)])
        if len(hits):
            yield rows_of(ids.take(pa.array(start + hits)), batch.column(0).take(pa.array(hits)), dim, where)
        start += len(batch)
        if start > last:
            return


def _strings(ids: pa.Array, path: Path) -> pa.Array:
    if not (pa.types.is_string(ids.type) or pa.types.is_large_string(ids.type) or pa.types.is_dictionary(ids.type)):
        raise InputError(f"{IMAGE_ID} is {ids.type}, not text", where=str(path), fix="write the ids as strings")
    return ids.cast(pa.string())


def _hidden(relative: Path) -> bool:
    return any(name.startswith(("_", ".")) for name in relative.parts)


@contextmanager
def _opened(path: Path, needed: tuple[str, ...] = ()) -> Iterator[pq.ParquetFile]:
    """Open a part; what its reader complains about becomes an error with the file's name."""
    try:
        with pq.ParquetFile(path) as part:
            if missing := [name for name in needed if name not in part.schema_arrow.names]:
                raise InputError(f"{path} has no column {missing[0]}, unlike the parts before it")
            yield part
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} cannot be read: {error}", fix="use a complete Parquet file") from error
