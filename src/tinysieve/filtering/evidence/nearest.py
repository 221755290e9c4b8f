"""The nearest neighbours of every sample: exact where that is bearable, faiss's inverted lists where it would take hours.

Votes of neighbours, data values, near-duplicates and typicality all read the one table that is made here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinysieve.filtering.evidence.neighbor_lists import approximate_neighbors
from tinysieve.filtering.evidence.neighbors import Directions, Neighbors, Progress, exact_neighbors
from tinysieve.ground.errors import InputError


def nearest(features: NDArray[np.floating], k: int, exact_up_to: int, progress: Progress) -> Neighbors:
    """The k most similar other rows of every row.

    Args:
        features: float [N, D], may be a float16 memory map.
        k: 1..N-1.
        exact_up_to: with more rows faiss searches its inverted lists (see `approximate_neighbors`).
        progress: told (done, total) rows.

    Raises:
        InputError: k out of range, or features that are no finite matrix.
        MissingRequirement: faiss is needed and not installed.
    """
    directions = Directions.of(features)
    if not 1 <= k < len(directions):
        raise InputError(f"{k} neighbours of {len(directions)} samples", why="a sample is no neighbour of itself",
                         fix="ask for at least 1 and for fewer than there are samples")
    if len(directions) <= exact_up_to:
        return exact_neighbors(directions, np.arange(len(directions)), k, progress)
    return approximate_neighbors(directions, k, progress)
