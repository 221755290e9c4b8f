"""Selection `coverage`: a photo from every corner of the feature space, then a second from each, and so on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.classes import Codes
from tinysieve.filtering.evidence.typicality import cells
from tinysieve.filtering.filter import FEATURES, Evidence
from tinysieve.filtering.selection.way import Rows, Way

# A cell holds about so many photos, and there are at most so many cells: k-means grows with both.
CELL, MOST_CELLS = 20, 1000


class Coverage(Way):
    """Turn by turn from the cells of k-means, nearest to the centre first, so that rare looks get as many as common ones."""

    name = "coverage"
    describes = "turn by turn from every cluster"
    needs = (FEATURES,)

    def order(self, evidence: Evidence, rows: Rows, labels: Codes, rng: np.random.Generator) -> Rows:
        """See `Way`."""
        count = min(max(1, len(rows) // CELL), MOST_CELLS)
        return rows[turn_by_turn(*cells(evidence.features[rows], count, rng, starts=1))]


def turn_by_turn(cell: NDArray[np.integer], distance: NDArray[np.floating]) -> Rows:
    """Places in the order in which cells take turns, each giving what is nearest to its centre.

    Args:
        cell: int [N], which cell each belongs to.
        distance: float [N], to the centre of that cell; within a turn the nearer comes first.

    >>> turn_by_turn(np.array([0, 0, 0, 1]), np.array([.3, .1, .2, .5])).tolist()
    [1, 3, 2, 0]
    """
    order = np.lexsort((distance, cell))
    sizes = np.bincount(cell)
    turn = np.empty(len(cell), np.int64)
    turn[order] = np.arange(len(cell)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.lexsort((distance, turn))
