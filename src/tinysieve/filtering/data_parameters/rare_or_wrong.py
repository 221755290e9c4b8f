"""The second axis: of the samples that look hard, which are wrongly labelled, and which are only rare?

A temperature cannot tell: the model contradicts both. What can tell is whether anything speaks against the label other than that
the model did not learn it: look-alikes with another label, or a second half of the data that makes it forget the label at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.classes import Codes
from tinysieve.dataset.samples import Mask
from tinysieve.filtering.data_parameters.triage import HARD
from tinysieve.filtering.evidence.neighbors import NOBODY, Neighbors

# What lies further from its look-alikes than all but this share of the samples has none to speak of.
SPARSE_SHARE = 0.1


def contradicted_by_neighbors(neighbors: Neighbors, labels: NDArray[np.integer]) -> NDArray[np.float32]:
    """How many of a sample's look-alikes have another label; none speaks where the samples lie too far apart to be alike.

    Args:
        neighbors: of M samples, among themselves.
        labels: int [M].

    Returns:
        float32 [M] in [0, 1]: 1 all look-alikes have another label; 0 none has, nobody is near, or the neighbourhood is one of
        the sparsest tenth (mean similarity). Neighbourhoods as sparse as the first beyond that tenth are heard.
    """
    there = neighbors.rows != NOBODY
    heard = np.maximum(there.sum(axis=1), 1)
    other = (there & (labels[neighbors.rows] != np.asarray(labels)[:, np.newaxis])).sum(axis=1)
    density = np.where(there, neighbors.similarity, 0).sum(axis=1) / heard
    return np.where(density >= np.quantile(density, SPARSE_SHARE), other / heard, 0).astype(np.float32)


def forgotten(retention: NDArray[np.floating]) -> NDArray[np.float32]:
    """1 - retention, float32 [M] in [0, 1]: see `second_split_retention`."""
    return (1 - retention).astype(np.float32)


def wrong_not_rare(codes: Codes, against: NDArray[np.floating]) -> Mask:
    """bool [M]: hard, and more speaks against the label than for it.

    Args:
        codes: int8 [M], triage.
        against: float [M] in [0, 1], from either of the two above.

    >>> wrong_not_rare(np.array([HARD, HARD, 0], np.int8), np.array([0.9, 0.2, 0.9])).tolist()
    [True, False, False]
    """
    return np.asarray((codes == HARD) & (against > 0.5))
