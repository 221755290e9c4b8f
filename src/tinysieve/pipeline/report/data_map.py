"""A flat map of the data: images that look alike lie near each other, so that wrong labels and changes show as patches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.classes import Codes

MOST_POINTS = 1_500
COMPONENTS = 30
PERPLEXITY = 30.0
# With fewer points t-SNE has no neighbourhood to keep, and the first two principal components say as much.
FEWEST_FOR_TSNE = 120
TSNE_STEPS = 500


@dataclass(frozen=True, eq=False)
class DataMap:
    """Some samples on a plane.

    Args:
        rows: int64 [n], rows of the sample table, ascending.
        places: float64 [n, 2]; distances compare, axes mean nothing.
        before, after: int8 [n], labels of version 0 and now.
        total: samples of the run.
        changed: samples of the run whose label changed.
        method: how the plane was found, in words.
    """

    rows: NDArray[np.int64]
    places: NDArray[np.float64]
    before: Codes
    after: Codes
    total: int
    changed: int
    method: str


def map_rows(before: Codes, after: Codes, most: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Rows to show, ascending: every changed one up to half of ``most``, the rest drawn from those that stayed.

    >>> shown = map_rows(np.zeros(6, np.int8), np.array([0, 1, 0, 0, 1, 0], np.int8), 4, np.random.default_rng(0))
    >>> len(shown), np.isin([1, 4], shown).all()
    (4, np.True_)
    """
    changed, same = np.flatnonzero(before != after), np.flatnonzero(before == after)
    first = changed if len(changed) <= most // 2 else rng.choice(changed, most // 2, replace=False)
    room = min(most - len(first), len(same))
    return np.sort(np.concatenate([first, rng.choice(same, room, replace=False)]))


def make_map(features: NDArray[np.floating], before: Codes, after: Codes, seed: int, most: int = MOST_POINTS) -> DataMap:
    """Choose samples and lay them out; the same features and seed give the same map.

    Args:
        features: float [N, D], rows as the labels'.
        before, after: int8 [N], labels of version 0 and now.
        seed: of the choice and of t-SNE.
        most: points at most.
    """
    rows = map_rows(before, after, most, np.random.default_rng(seed))
    components = principal_components(np.asarray(features[rows], np.float64), COMPONENTS)
    if len(rows) < FEWEST_FOR_TSNE:
        places, method = np.zeros((len(rows), 2)), "the first two principal components of the features"
        places[:, : components.shape[1]] = components[:, :2]
    else:
        places, method = _tsne(components, seed), f"t-SNE of {components.shape[1]} principal components of the features"
    return DataMap(rows, places, before[rows], after[rows], len(before), int((before != after).sum()), method)


def principal_components(features: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Directions of the features (rows scaled to length 1) on their first principal components, float64 [n, <= count].

    Each component's sign is fixed: its largest entry is positive.
    """
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    unit = features / np.where(lengths > 0, lengths, 1)
    left, strengths, _ = np.linalg.svd(unit - unit.mean(axis=0), full_matrices=False)
    components = left[:, :count] * strengths[:count]
    largest = components[np.abs(components).argmax(axis=0), np.arange(components.shape[1])]
    return components * np.where(largest < 0, -1, 1)


def _tsne(components: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    # Several threads add up in another order every time, and t-SNE makes another map of the last digit.
    with threadpool_limits(1):
        return TSNE(perplexity=PERPLEXITY, init="pca", random_state=seed, max_iter=TSNE_STEPS, n_jobs=1).fit_transform(
            components.astype(np.float32)).astype(np.float64)
