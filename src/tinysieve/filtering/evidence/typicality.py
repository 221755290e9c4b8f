"""How unlike the rest an image is, and how well it stands for many: both high where the word says so.

A popular tool returns its representativeness upside down (its score grows with the distance from the centre) and divides
uniqueness by the one largest distance, so that a single stray image makes all others look alike. Here both are shares of
the data set: 0.9 means that nine tenths of the images are less so. Ties get the mean of their places.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinysieve.filtering.evidence.neighbors import BLOCK, NOBODY, Directions, Neighbors
from tinysieve.ground.errors import InputError

FloatArray = NDArray[np.float32]


def uniqueness(neighbors: Neighbors, k: int = 3) -> FloatArray:
    """Share of images that are nearer to their k nearest neighbours than this one to its own.

    Args:
        neighbors: of N samples.
        k: neighbours whose similarity is averaged.

    Returns:
        float32 [N] in [0, 1], 1 most unlike everything else; a copied image is near 0.
    """
    known = neighbors.rows[:, :k] != NOBODY
    total = np.where(known, neighbors.similarity[:, :k], 0).sum(axis=1)
    similarity = np.divide(total, known.sum(axis=1), out=np.full(len(total), -1.0), where=known.any(axis=1))
    return _share_below(-similarity)


def representativeness(features: NDArray[np.floating], clusters: int, rng: np.random.Generator) -> FloatArray:
    """Share of images that are farther from the centre of their cluster than this one is from its own.

    Clusters are those of k-means (mini-batches) on the directions of the features.

    Args:
        features: float [N, D], may be a memory map.
        clusters: 1..N.
        rng: where the centres start.

    Returns:
        float32 [N] in [0, 1], 1 nearest to a centre: the image that stands for many.

    Raises:
        InputError: clusters out of range.
    """
    return _share_below(-cells(features, clusters, rng)[1])


def cells(
    features: NDArray[np.floating], clusters: int, rng: np.random.Generator, starts: int = 3
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The cluster of each image, int64 [N], and its distance to that cluster's centre, float64 [N]; as in `representativeness`.

    Of several `starts` the clusters with the least sum of squares count.

    Raises:
        InputError: clusters out of range.
    """
    from sklearn.cluster import MiniBatchKMeans

    directions = Directions.of(features)
    if not 1 <= clusters <= len(directions):
        raise InputError(f"{clusters} clusters of {len(directions)} samples", fix="ask for at least 1 and at most one a sample")
    seed = int(rng.integers(2**31))
    means = MiniBatchKMeans(clusters, random_state=seed, batch_size=BLOCK, n_init=starts)
    taught = np.linspace(0, len(directions) - 1, min(len(directions), 20 * BLOCK)).astype(np.int64)
    means.fit(directions.take(taught))
    far = [means.transform(directions.take(slice(start, start + BLOCK))) for start in range(0, len(directions), BLOCK)]
    return (np.concatenate([part.argmin(axis=1) for part in far]).astype(np.int64),
            np.concatenate([part.min(axis=1) for part in far]).astype(np.float64))


def _share_below(values: NDArray[np.floating]) -> FloatArray:
    """Rank of each value as a share in [0, 1]; equal values share the mean of their ranks."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts + 1) / 2
    return (middle[place] / max(len(values) - 1, 1)).astype(np.float32)
