"""faiss's inverted lists for sets too large to compare everything with everything; the only module that imports faiss."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinysieve.filtering.evidence.neighbors import BLOCK, Directions, FloatArray, Neighbors, Progress, RowArray, exact_neighbors
from tinysieve.ground.errors import MissingRequirement

# Lists looked into for each row, of about 2 sqrt(N): at 1.2 million rows that is 0.7 % of all, and finds nine neighbours in
# ten (benchmarks/neighbors.py). Twice as many lists cost four times the training and find less in as many probes.
PROBES = 16
_LISTS_PER_ROOT = 2
_TRAINING_ROWS_A_LIST = 40
# One byte a feature orders the candidates; a few more than asked for are measured again exactly.
_SPARE = 8
# Multiplications and additions a second that exact search reaches on two cores, for the time that an error names.
_EXACT_OPERATIONS_A_SECOND = 1e11


def approximate_neighbors(directions: Directions, k: int, progress: Progress) -> Neighbors:
    """Neighbours from the lists nearest to each row; similarities are exact, a few neighbours may be missed.

    The lists are learned from rows at even distances, with faiss's own fixed seed: the same features give the same lists.

    Args:
        directions: of N rows.
        k: 1..N-1.
        progress: told (done, total) rows, first while the lists are filled, then while they are searched.

    Raises:
        MissingRequirement: faiss is not installed; says what exact search would take instead.
    """
    index = _filled(directions, progress)
    # Rows of one list are asked together: they share most candidates, which are then read and rooted once.
    order = _by_list(index)
    rows, similarity = np.empty((len(directions), k), np.int32), np.empty((len(directions), k), np.float32)
    wanted = min(k + 1 + _SPARE, len(directions))
    for start in range(0, len(directions), BLOCK):
        queries = order[start : start + BLOCK]
        asked = directions.take(queries)
        nearest = index.search(asked, wanted)[1]
        rows[queries], similarity[queries], short = _measured(directions, asked, queries, nearest, k)
        if short.any():
            exact = exact_neighbors(directions, queries[short], k, lambda done, total: None)
            rows[queries[short]], similarity[queries[short]] = exact.rows, exact.similarity
        progress(len(directions) + start + len(asked), 2 * len(directions))
    return Neighbors(rows, similarity)


def _filled(directions: Directions, progress: Progress) -> Any:
    faiss = _faiss(directions)
    count, size = len(directions), directions.features.shape[1]
    lists = max(1, round(_LISTS_PER_ROOT * np.sqrt(count)))
    quantizer = faiss.IndexFlatIP(size)
    index = faiss.IndexIVFScalarQuantizer(quantizer, size, lists, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
    index.cp.min_points_per_centroid = 1
    taught = min(count, _TRAINING_ROWS_A_LIST * lists)
    index.train(directions.take(np.linspace(0, count - 1, taught).astype(np.int64)))
    for start in range(0, count, BLOCK):
        index.add(directions.take(slice(start, start + BLOCK)))
        progress(min(start + BLOCK, count), 2 * count)
    index.nprobe = PROBES
    return index


def _by_list(index: Any) -> NDArray[np.int64]:
    """int64 [N]: all rows, those of the first list first."""
    import faiss

    lists = index.invlists
    members = [faiss.rev_swig_ptr(lists.get_ids(number), lists.list_size(number))
               for number in range(index.nlist) if lists.list_size(number)]
    return np.concatenate(members).astype(np.int64)


def _measured(directions: Directions, asked: FloatArray, queries: np.ndarray, nearest: np.ndarray,
              k: int) -> tuple[RowArray, FloatArray, np.ndarray]:
    """Rows, exact similarities, and bool [n] of the queries for which fewer than k were found."""
    missing = (nearest < 0) | (nearest == queries[:, np.newaxis])
    unique, place = np.unique(np.where(missing, 0, nearest), return_inverse=True)
    vectors = directions.take(unique)
    exact = np.empty(nearest.shape, np.float32)
    for column in range(nearest.shape[1]):
        exact[:, column] = np.einsum("nd,nd->n", asked, vectors[place.reshape(nearest.shape)[:, column]])
    exact = np.clip(np.where(missing, -2, np.rint(exact * 2**19) / 2**19), -2, 1).astype(np.float32)
    order = np.lexsort((nearest, -exact), axis=1)[:, :k]
    rows = np.take_along_axis(nearest, order, axis=1).astype(np.int32)
    return rows, np.take_along_axis(exact, order, axis=1), (~missing).sum(axis=1) < k


def _faiss(directions: Directions) -> Any:
    try:
        import faiss
    except ImportError as error:
        count, size = directions.features.shape
        hours = 2 * count * count * size / _EXACT_OPERATIONS_A_SECOND / 3600
        raise MissingRequirement(
            f"{count:,} samples need faiss for their neighbours, and it is not installed",
            why=f"exact search without it takes about {hours:,.1f} h on two cores, and about 0.5 GB",
            fix="pip install 'tinysieve[neighbors]', or set filter.neighbors.exact_up_to higher to search exactly",
        ) from error
    return faiss
