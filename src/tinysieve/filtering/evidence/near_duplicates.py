"""Which images are one picture: by perceptual hash confirmed on pixels, and by features; groups, and who stays of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.classes import UNLABELED
from tinysieve.dataset.images import Pixels
from tinysieve.dataset.packed_pixels import PixelRows
from tinysieve.dataset.samples import SPLITS, SampleTable
from tinysieve.filtering.evidence.neighbors import NOBODY, Neighbors
from tinysieve.filtering.evidence.perceptual_hash import PairArray, close_codes, grey_thumbnail, perceptual_hashes
from tinysieve.ground.errors import InputError

FloatArray = NDArray[np.float32]
_CHUNK = 16_384
# Whoever must stay untouched stays, then who teaches.
_STAYS_FIRST = ("test", "validation", "train", "unlabeled")


@dataclass(frozen=True, eq=False)
class LikePairs:
    """Pairs of near-duplicates.

    Args:
        pairs: int64 [P, 2], first row below second.
        similarity: float32 [P] in [0, 1], 1 the same.
    """

    pairs: PairArray
    similarity: FloatArray

    def __add__(self, other: LikePairs) -> LikePairs:
        return LikePairs(np.concatenate([self.pairs, other.pairs]), np.concatenate([self.similarity, other.similarity]))


@dataclass(frozen=True, eq=False)
class DuplicateGroups:
    """Near-duplicates joined, directly or over others.

    Args:
        group: int64 [N], the lowest row of the group; its own row where a sample has no near-duplicate.
        kept: bool [N], one of each group.
        similarity: float32 [N], to the most similar of the group; 0 where there is none.
    """

    group: NDArray[np.int64]
    kept: NDArray[np.bool_]
    similarity: FloatArray

    @property
    def shared(self) -> NDArray[np.bool_]:
        """bool [N]: the sample has a near-duplicate."""
        return np.asarray(np.bincount(self.group, minlength=len(self.group))[self.group] > 1)

    def touches(self, rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """bool [N]: one of the sample's group is among the rows, bool [N]."""
        return np.asarray(np.bincount(self.group, rows, len(self.group))[self.group] > 0)


def same_pixels(pixels: PixelRows, rows: NDArray[np.integer], radius: int, correlation: float) -> LikePairs:
    """Pairs whose hashes differ in at most `radius` bits and whose grey thumbnails correlate: copies that were
    scaled, compressed anew, brightened, made grey, or cropped by a few percent.

    Args:
        pixels: uint8 [R, H, W, 3], may be a memory map.
        rows: int [N], row of each sample in `pixels`.
        radius: bits of 64.
        correlation: least Pearson correlation of the 32 x 32 thumbnails, in [0, 1].
    """
    parts = [perceptual_hashes(_thumbnails(pixels, rows[start : start + _CHUNK])) for start in range(0, len(rows), _CHUNK)]
    hashes, telling = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    usable = np.flatnonzero(telling)
    codes, code_of = np.unique(hashes[usable], return_inverse=True)

    def alike(pairs: PairArray) -> FloatArray:
        correlations = [_correlation(pixels, rows, pairs[start : start + _CHUNK]) for start in range(0, len(pairs), _CHUNK)]
        return np.concatenate([np.zeros(0, np.float32), *correlations])

    copies, pictures = _of_one_code(usable, code_of, alike, correlation)
    near = _across(close_codes(codes, radius), usable[pictures], code_of[pictures])
    return copies + _at_least(near, alike(near), correlation)


def _of_one_code(
    usable: NDArray[np.int64], code_of: NDArray[np.int64], alike: Callable[[PairArray], FloatArray], correlation: float
) -> tuple[LikePairs, NDArray[np.int64]]:
    """Rows of one hash chained to the first of their own picture, and the places of these firsts, int64, in order.

    A chain is enough to join a group, and 10,000 copies of one picture make 9,999 pairs and not 50 million. What is no copy of
    the first row of its hash is held against the next that is none either, until every row has its picture.
    """
    chained, firsts, waiting = LikePairs(np.zeros((0, 2), np.int64), np.zeros(0, np.float32)), [], np.arange(len(usable))
    while len(waiting):
        _, first, which = np.unique(code_of[waiting], return_index=True, return_inverse=True)
        firsts.append(waiting[first])
        others = np.setdiff1d(np.arange(len(waiting)), first)
        pairs = np.stack([usable[waiting[first[which[others]]]], usable[waiting[others]]], axis=1)
        similarity = alike(pairs)
        chained += _at_least(pairs, similarity, correlation)
        waiting = waiting[others[similarity < correlation]]
    return chained, np.sort(np.concatenate([np.zeros(0, np.int64), *firsts]))


def _across(code_pairs: PairArray, rows: NDArray[np.int64], code_of: NDArray[np.int64]) -> PairArray:
    """Pairs of codes -> all pairs of the pictures (rows and their codes, int64 [P]) that have them."""
    order = np.argsort(code_of, kind="stable")
    ranked, by_code = code_of[order], rows[order]
    low, high = (np.searchsorted(ranked, code_pairs, side) for side in ("left", "right"))
    pairs = [pair for start, end in zip(low, high, strict=True)
             for pair in product(by_code[start[0]:end[0]], by_code[start[1]:end[1]])]
    return np.sort(np.array(pairs, np.int64).reshape(-1, 2), axis=1)


def _at_least(pairs: PairArray, similarity: FloatArray, least: float) -> LikePairs:
    return LikePairs(pairs[similarity >= least], similarity[similarity >= least])


def same_look(neighbors: Neighbors, similarity: float) -> LikePairs:
    """Neighbours at least so similar: bursts of one scene, mirrored and cropped copies.

    The similarity is that of directions from the mean image, and not plain cosine: where all images are of one kind (one
    camera, say) plain cosine finds all of them alike.

    Args:
        neighbors: of N rows.
        similarity: in [0, 1]; 0.9 suits EfficientNet-Lite0's features.
    """
    known = (neighbors.rows != NOBODY) & (neighbors.similarity >= np.float32(similarity))
    first, place = np.nonzero(known)
    pairs = np.sort(np.stack([first, neighbors.rows[first, place].astype(np.int64)], axis=1), axis=1)
    unique, where = np.unique(pairs, axis=0, return_index=True)
    return LikePairs(unique, neighbors.similarity[first, place][where])


def join(like: LikePairs, samples: SampleTable) -> DuplicateGroups:
    """Groups of near-duplicates, and the one of each that stays: held-out before train before unlabeled, labelled before
    not, more pixels before fewer, then the lowest sample id.

    Raises:
        InputError: a pair names a row that is not there.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(samples)
    if len(like.pairs) and not 0 <= like.pairs.min() <= like.pairs.max() < count:
        raise InputError(f"a pair of near-duplicates names row {like.pairs.max()} of {count} samples",
                         fix="make pairs and samples from one sample table")
    links = coo_array((np.ones(len(like.pairs)), (like.pairs[:, 0], like.pairs[:, 1])), shape=(count, count))
    _, component = connected_components(links, directed=False)
    _, first, number = np.unique(component, return_index=True, return_inverse=True)
    group = first[number]
    split_rank = np.array([_STAYS_FIRST.index(name) for name in SPLITS])[samples.split_codes]
    area = samples.numbers("width") * samples.numbers("height")
    ids = np.asarray(samples.sample_ids.combine_chunks().to_numpy(zero_copy_only=False), str)
    order = np.lexsort((ids, -area, samples.labels == UNLABELED, split_rank, group))
    kept = np.zeros(count, bool)
    kept[order[np.unique(group[order], return_index=True)[1]]] = True
    similarity = np.zeros(count, np.float32)
    np.maximum.at(similarity, like.pairs.ravel(), np.repeat(like.similarity, 2))
    return DuplicateGroups(group, kept, similarity)


def _thumbnails(pixels: PixelRows, rows: NDArray[np.integer]) -> Pixels:
    return np.stack([grey_thumbnail(pixels[row]) for row in rows])


def _correlation(pixels: PixelRows, rows: NDArray[np.integer], pairs: PairArray) -> FloatArray:
    unique, place = np.unique(pairs, return_inverse=True)
    grey = _thumbnails(pixels, rows[unique]).reshape(len(unique), -1).astype(np.float32)
    grey -= grey.mean(axis=1, keepdims=True)
    grey /= np.linalg.norm(grey, axis=1, keepdims=True)
    first, second = place.reshape(-1, 2).T
    return np.minimum(np.einsum("nd,nd->n", grey[first], grey[second]), 1).astype(np.float32)
