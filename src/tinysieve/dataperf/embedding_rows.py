"""Embeddings as they come from a file's columns: lists of finite numbers, all of one length, or an error that names the row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tinysieve.ground.errors import InputError

EMBEDDING, IMAGE_ID = "embedding", "ImageID"


@dataclass(frozen=True)
class EmbeddingRows:
    """M rows in the order of the store; an id may come more than once.

    Args:
        ids: M image ids.
        vectors: float64 [M, D], all finite.
    """

    ids: tuple[str, ...]
    vectors: NDArray[np.float64]


def rows_of(ids: pa.Array, embeddings: pa.Array, dim: int, where: str) -> EmbeddingRows:
    """Rows from the two columns.

    Raises:
        InputError: an id is missing, or an embedding is no list of `dim` finite numbers; names the first such row.
    """
    if ids.null_count:
        raise InputError("a row has no ImageID", where=where)
    names = tuple(ids.cast(pa.string()).to_pylist())
    return EmbeddingRows(names, finite_matrix(embeddings, dim, where, names))


def concatenated(parts: list[EmbeddingRows], dim: int) -> EmbeddingRows:
    """All rows in one; none are none.

    >>> concatenated([], 3).vectors.shape
    (0, 3)
    """
    vectors = [part.vectors for part in parts]
    return EmbeddingRows(tuple(name for part in parts for name in part.ids),
                         np.concatenate(vectors) if vectors else np.zeros((0, dim)))


def vectors_of(column: pa.ChunkedArray, dim: int, where: str) -> NDArray[np.float64]:
    """Embeddings float64 [N, dim] of a whole column; raises InputError as `rows_of` does."""
    return finite_matrix(pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type), dim, where)


def first_dim(column: pa.ChunkedArray) -> int:
    """Numbers in the first row's embedding; 0 where there is none."""
    first = column[0].as_py() if len(column) else None
    return len(first) if isinstance(first, list) else 0


def finite_matrix(column: pa.Array, dim: int | None, where: str, names: tuple[str, ...] | None = None) -> NDArray[np.float64]:
    """Lists of numbers as float64 [M, dim]; `dim` None takes the first row's.

    Raises:
        InputError: no lists of numbers, another length than `dim`, or a value that is not finite; names the first such row.
    """
    kind = column.type
    lists = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    if not lists or not (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)):
        raise InputError(f"{EMBEDDING} is {kind}, not a list of numbers", where=where)
    lengths = pc.fill_null(pc.list_value_length(column), -1).to_numpy(zero_copy_only=False)
    dim = int(lengths[0]) if dim is None else dim
    _refuse(lengths != dim, lambda row: f"an embedding with {max(lengths[row], 0)} numbers, not {dim}", names, where)
    flat = column.flatten()
    numbers = pc.fill_null(flat.cast(pa.float64()), float("nan")).to_numpy(zero_copy_only=False).reshape(len(column), dim)
    _refuse(~np.isfinite(numbers).all(1), lambda row: "an embedding with a value that is not finite", names, where)
    return np.ascontiguousarray(numbers)


def _refuse(bad: NDArray[np.bool_], what: Callable[[int], str], names: tuple[str, ...] | None, where: str) -> None:
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise InputError(f"{'row ' + str(row) if names is None else names[row]} has {what(row)}", where=where,
                         why="the classifier needs finite values", fix="correct or remove the row")
