"""Embeddings read by Ray Data, for those whose files or machines are too many for one process. Needs the extra `scale`.

Only the filtering runs on the cluster: the few hundred rows that a task wants come back here, so the scores are the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tinysieve.dataperf.embedding_rows import EMBEDDING, IMAGE_ID, EmbeddingRows, concatenated, rows_of
from tinysieve.dataperf.embedding_store import open_parquet
from tinysieve.dataset.executors.ray_session import LOCAL, join, ray_package
from tinysieve.ground.errors import InputError

_ROWS_AT_A_TIME = 1024


@dataclass(frozen=True)
class RayEmbeddings:
    """Any Ray dataset with the columns ImageID and embedding.

    Args:
        dataset: ray.data.Dataset.
        source: its name in errors.
    """

    dataset: Any
    source: str

    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self.dataset.columns() or ())

    def count(self) -> int:
        """How many rows it holds."""
        return int(self.dataset.count())

    def dim(self) -> int:
        """Numbers in the first row's embedding.

        Raises:
            InputError: there is no row.
        """
        first = self.dataset.select_columns([EMBEDDING]).take(1)
        if not first:
            raise InputError(f"{self.source} has no row", why="training needs embeddings")
        return len(first[0][EMBEDDING])

    def rows(self, wanted: Iterable[str]) -> EmbeddingRows:
        """Every row whose id is wanted, filtered where it lies."""
        values, dim = pa.array(sorted(set(wanted)), pa.string()), self.dim()

        def keep(table: pa.Table) -> pa.Table:
            return table.filter(pc.is_in(pc.cast(table[IMAGE_ID], pa.string()), value_set=values))

        kept = self._both().map_batches(keep, batch_format="pyarrow")
        return concatenated([self._rows_of(table, dim) for table in kept.iter_batches(batch_format="pyarrow") if len(table)], dim)

    def batches(self) -> Iterator[EmbeddingRows]:
        """All rows, a thousand or so at a time."""
        dim = self.dim()
        for table in self._both().iter_batches(batch_size=_ROWS_AT_A_TIME, batch_format="pyarrow"):
            yield self._rows_of(table, dim)

    def _both(self) -> Any:
        return self.dataset.select_columns([IMAGE_ID, EMBEDDING])

    def _rows_of(self, table: pa.Table, dim: int) -> EmbeddingRows:
        ids, embeddings = (pa.concat_arrays(table[name].chunks) for name in (IMAGE_ID, EMBEDDING))
        return rows_of(ids, embeddings, dim, self.source)


def open_ray(path: Path) -> RayEmbeddings:
    """The parts of a Parquet file or directory as a Ray dataset, on the cluster of RAY_ADDRESS or on this machine.

    Raises:
        MissingRequirement: Ray is not installed.
        InputError: nothing to read at the path.
    """
    parts = [str(part.resolve()) for part in open_parquet(path).parts]
    ray = ray_package()
    if not ray.is_initialized():
        join(os.environ.get("RAY_ADDRESS", LOCAL))
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True
    return RayEmbeddings(ray.data.read_parquet(parts), str(path))
