"""What a strategy chooses from: all embeddings, and the rows that are known to be of the class or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataperf.embedding_store import EmbeddingStore
from tinysieve.dataperf.train_set import TrainSet
from tinysieve.ground.errors import InputError

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Pool:
    """N images, of which some are known.

    Args:
        ids: N image ids.
        vectors: float32 [N, D].
        positives: rows that are of the class, at least one.
        negatives: rows that are known not to be, perhaps none.
    """

    ids: tuple[str, ...]
    vectors: NDArray[np.float32]
    positives: Rows
    negatives: Rows

    def unknown(self) -> Rows:
        """Rows of which nothing is known, ascending."""
        free = np.ones(len(self.ids), bool)
        free[self.positives] = free[self.negatives] = False
        return np.flatnonzero(free)

    def train_set(self, positives: Rows, negatives: Rows) -> TrainSet:
        """The rows with 1 and 0; positives first."""
        rows = np.concatenate([positives, negatives])
        return TrainSet(tuple(self.ids[row] for row in rows), np.arange(len(rows)) < len(positives))

    def exact(self, rows: Rows) -> NDArray[np.float64]:
        """Some vectors as the classifier takes them, float64."""
        return self.vectors[rows].astype(np.float64)


def load_pool(store: EmbeddingStore, known: TrainSet, warn: Callable[[str], None]) -> Pool:
    """All embeddings in single precision (1.2 GB for 1.2 million rows of 256), and where the known ids are.

    Args:
        store: the embeddings.
        known: ids with 1, and with 0 where such are known; without the embedding they are counted and left out.
        warn: is told of those.

    Raises:
        InputError: an id with both labels, or none with 1 has an embedding.
    """
    label = dict(zip(known.ids, known.labels.tolist(), strict=True))
    if torn := [name for name, value in zip(known.ids, known.labels.tolist(), strict=True) if label[name] != value]:
        raise InputError(f"{torn[0]} is both 1 and 0", why="an image cannot be both", fix="remove one of the rows")
    vectors, ids = np.empty((store.count(), store.dim()), np.float32), list[str]()
    for batch in store.batches():
        vectors[len(ids) : len(ids) + len(batch.ids)] = batch.vectors
        ids.extend(batch.ids)
    labels = np.array([label.get(name, -1) for name in ids], np.int8)
    if missing := len(label) - len({ids[row] for row in np.flatnonzero(labels >= 0)}):
        warn(f"{missing:,} of {len(label):,} known ids have no embedding")
    pool = Pool(tuple(ids), vectors, np.flatnonzero(labels == 1), np.flatnonzero(labels == 0))
    if not len(pool.positives):
        raise InputError("no id with Confidence 1 has an embedding", why="the class needs an example",
                         fix="the ids and the embedding file must come from the same release")
    return pool
