"""Neighbours: the exact search against a matrix that holds everything, ties, blocks, permutations, and faiss's lists."""

from __future__ import annotations

import builtins
from pathlib import Path

import numpy as np
import pytest

from tinysieve.filtering.evidence import neighbors as module
from tinysieve.filtering.evidence.nearest import nearest
from tinysieve.filtering.evidence.neighbors import NOBODY, Directions, Neighbors
from tinysieve.ground.errors import InputError, MissingRequirement
from tinysieve.ground.progress import silent

ALWAYS_EXACT = 10**9


def blobs(count: int = 300, dim: int = 8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float16)


def all_pairs(features: np.ndarray) -> np.ndarray:
    """Cosine of signed roots around their mean, [N, N], the diagonal below everything; rounded so that copies tie."""
    rooted = np.sign(features.astype(float)) * np.sqrt(np.abs(features.astype(float)))
    centred = rooted - rooted.mean(axis=0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    similarity = np.round(unit @ unit.T, 5)
    np.fill_diagonal(similarity, -9)
    return similarity


@pytest.mark.parametrize("block", [4096, 64, 7])
def test_it_is_the_top_of_the_whole_matrix_and_copies_tie_to_the_lower_row(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(module, "BLOCK", block)
    features = blobs(120)
    features[[7, 9]] = features[100]
    found, whole = nearest(features, 12, ALWAYS_EXACT, silent), all_pairs(features)
    expected = np.argsort(-whole, axis=1, kind="stable")[:, :12]
    assert found.rows.dtype == np.int32
    assert found.similarity.dtype == np.float32
    np.testing.assert_allclose(found.similarity, np.take_along_axis(whole, expected, axis=1), atol=2e-5)
    assert (found.rows == expected).mean() > 0.99
    assert found.rows[100, :2].tolist() == [7, 9]
    assert found.rows[7, :2].tolist() == [9, 100]
    assert (found.rows != np.arange(120)[:, np.newaxis]).all()


def test_all_others_are_found_when_all_are_asked_for() -> None:
    found = nearest(blobs(20), 19, ALWAYS_EXACT, silent)
    assert (np.sort(found.rows, axis=1) == [[other for other in range(20) if other != row] for row in range(20)]).all()


def test_permuting_the_samples_permutes_the_neighbours() -> None:
    features, order = blobs(200, 16), np.random.default_rng(1).permutation(200)
    found, shuffled = nearest(features, 5, ALWAYS_EXACT, silent), nearest(features[order], 5, ALWAYS_EXACT, silent)
    np.testing.assert_array_equal(order[shuffled.rows], found.rows[order])


def test_a_memory_map_gives_the_same(tmp_path: Path) -> None:
    np.save(tmp_path / "f.npy", blobs())
    mapped = np.load(tmp_path / "f.npy", mmap_mode="r")
    np.testing.assert_array_equal(nearest(mapped, 3, ALWAYS_EXACT, silent).rows, nearest(blobs(), 3, ALWAYS_EXACT, silent).rows)


def test_a_row_that_is_the_mean_is_like_nothing() -> None:
    features = np.array([[1, 0], [-1, 0], [0, 1], [0, -1], [0, 0]], np.float32)
    assert np.abs(Directions.of(features).take(np.array([4]))).sum() == 0
    assert nearest(features, 4, ALWAYS_EXACT, silent).similarity[4].tolist() == [0, 0, 0, 0]


def test_bad_input_is_named() -> None:
    broken = blobs(10).astype(np.float32)
    broken[6, 1] = np.nan
    with pytest.raises(InputError, match="row 6"):
        nearest(broken, 2, ALWAYS_EXACT, silent)
    for k in (0, 10):
        with pytest.raises(InputError, match=f"{k} neighbours of 10 samples"):
            nearest(blobs(10), k, ALWAYS_EXACT, silent)
    with pytest.raises(InputError, match="expected"):
        nearest(np.zeros((4, 0)), 1, ALWAYS_EXACT, silent)


def test_only_the_wanted_and_never_the_own_group() -> None:
    table = Neighbors(np.array([[1, 2, 3], [0, 2, 3], [3, 1, 0], [2, 0, 1]], np.int32),
                      np.array([[0.9, 0.8, 0.7]] * 4, np.float32))
    wanted = np.array([True, True, False, True])
    kept = table.among(wanted)
    assert kept.rows.tolist() == [[1, 3, NOBODY], [0, 3, NOBODY], [3, 1, 0], [0, 1, NOBODY]]
    assert kept.similarity[0] == pytest.approx([0.9, 0.7, -1])
    grouped = table.among(wanted, groups=np.array([0, 0, 2, 3]))
    assert grouped.rows.tolist() == [[3, NOBODY, NOBODY], [3, NOBODY, NOBODY], [3, 1, 0], [0, 1, NOBODY]]


def test_lists_find_nearly_what_exact_search_finds() -> None:
    pytest.importorskip("faiss")
    rng = np.random.default_rng(2)
    features = (rng.normal(size=(20, 24))[rng.integers(20, size=3000)] + 0.4 * rng.normal(size=(3000, 24))).astype(np.float16)
    features[5] = features[2000]
    exact, lists = nearest(features, 10, ALWAYS_EXACT, silent), nearest(features, 10, 0, silent)
    recall = np.mean([len(np.intersect1d(one, two)) / 10 for one, two in zip(exact.rows, lists.rows, strict=True)])
    assert recall > 0.95
    assert (lists.rows != np.arange(3000)[:, np.newaxis]).all()
    assert lists.rows[5, 0] == 2000
    same = lists.rows[:, 0] == exact.rows[:, 0]
    np.testing.assert_allclose(lists.similarity[same, 0], exact.similarity[same, 0], atol=1e-5)
    np.testing.assert_array_equal(nearest(features, 10, 0, silent).rows, lists.rows)


def test_few_rows_in_lists_fall_back_to_exact() -> None:
    """With as many neighbours as there are others, some are in lists that nobody looks into."""
    pytest.importorskip("faiss")
    np.testing.assert_array_equal(nearest(blobs(100), 99, 0, silent).rows, nearest(blobs(100), 99, ALWAYS_EXACT, silent).rows)


def test_without_faiss_the_error_says_what_exact_search_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: object) -> object:
        if name == "faiss":
            raise ImportError(name)
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingRequirement, match="300 samples need faiss") as caught:
        nearest(blobs(), 3, 10, silent)
    assert "h on two cores" in caught.value.why
    assert "filter.neighbors.exact_up_to" in caught.value.fix
