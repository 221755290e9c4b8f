"""Strategies of selection: what each promises of its train set, and that the better ones are better where it is plain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from selection_data import write_benchmark

from tinysieve.dataperf.embedding_store import open_parquet
from tinysieve.dataperf.logistic_regression import fit
from tinysieve.dataperf.selection_scores import confusion
from tinysieve.dataperf.strategies.farthest_point import farthest_points
from tinysieve.dataperf.strategies.n_closest import NClosest
from tinysieve.dataperf.strategies.pool import Pool, load_pool
from tinysieve.dataperf.strategies.registry import STRATEGIES, make_strategy
from tinysieve.dataperf.train_set import TrainSet, read_train_set, write_train_set
from tinysieve.ground.errors import InputError

ROWS, CLASS_ROWS = 1500, 150


@pytest.fixture(scope="module")
def clusters() -> tuple[Pool, np.ndarray]:
    """A pool where the first tenth is a class of its own, fifteen of it known; and the true labels."""
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(ROWS, 12)).astype(np.float32)
    vectors[:CLASS_ROWS, 0] += 4
    pool = Pool(tuple(f"i{row}" for row in range(ROWS)), vectors, np.arange(0, CLASS_ROWS, 10), np.arange(ROWS - 5, ROWS))
    return pool, np.arange(ROWS) < CLASS_ROWS


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_draws_each_row_once_and_the_same_for_a_seed(name: str, clusters: tuple[Pool, np.ndarray]) -> None:
    pool, _ = clusters
    first, again = (make_strategy(name, {}).choose(pool, np.random.default_rng(1)) for _ in range(2))
    assert first.ids == again.ids
    assert first.labels.tolist() == again.labels.tolist()
    assert len(set(first.ids)) == len(first)
    assert 0 < first.labels.sum() < len(first) <= 500
    if name != "n_closest":  # the template draws blindly
        label = dict(zip(first.ids, first.labels.tolist(), strict=True))
        assert all(label.get(pool.ids[row], True) for row in pool.positives)
        assert not any(label.get(pool.ids[row], False) for row in pool.negatives)


def f1_of(train: TrainSet, pool: Pool, truth: np.ndarray) -> float:
    rows = np.array([int(name[1:]) for name in train.ids])
    model = fit(pool.exact(rows), train.labels)
    test = np.concatenate([np.arange(CLASS_ROWS), np.arange(CLASS_ROWS, 2 * CLASS_ROWS)])
    return confusion(model.predict(pool.exact(test)), truth[test]).scores().f1


def test_those_that_widen_the_examples_beat_random_negatives(clusters: tuple[Pool, np.ndarray]) -> None:
    pool, truth = clusters
    f1 = {name: f1_of(make_strategy(name, {}).choose(pool, np.random.default_rng(2)), pool, truth) for name in STRATEGIES}
    assert min(f1["pseudo_positives"], f1["uncertainty"]) > 0.9
    assert f1["random"] < min(f1["pseudo_positives"], f1["uncertainty"]) - 0.05


def test_n_closest_calls_the_closest_of_the_drawn_positive(clusters: tuple[Pool, np.ndarray]) -> None:
    pool, _ = clusters
    train = NClosest(200, 20).choose(pool, np.random.default_rng(0))
    rows = np.array([int(name[1:]) for name in train.ids])
    distance = np.linalg.norm(pool.exact(rows) - pool.exact(pool.positives).mean(0), axis=1)
    assert train.labels.sum() == 20
    assert distance[train.labels].max() <= distance[~train.labels].min()


def test_each_farthest_point_is_the_farthest_from_those_before() -> None:
    vectors = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    excluded = np.array([0, 7, 9])
    points = farthest_points(vectors, 12, excluded)
    assert points[0] == 1
    for count in range(1, len(points)):
        gaps = np.linalg.norm(vectors[:, None] - vectors[points[:count]], axis=2).min(1)
        gaps[excluded] = -1
        assert gaps[points[count]] == pytest.approx(gaps.max(), rel=1e-4)


def test_copies_are_no_farther_points() -> None:
    vectors = np.array([[0, 0], [0, 0], [3, 4], [3, 4]], np.float32)
    assert farthest_points(vectors, 4, np.array([], np.int64)).tolist() == [0, 2]


@pytest.mark.parametrize(("name", "settings", "message"), [
    ("randon", {}, "not a known strategy .did you mean 'random'"),
    ("random", {"sizes": "3"}, "not a known setting of random .did you mean"),
    ("random", {"size": "0"}, "size is '0'"), ("random", {"size": "many"}, "size is 'many'"),
    ("random", {"size": "9999999"}, "size is"),
    ("uncertainty", {"belief": "0.4"}, "belief is '0.4'"), ("uncertainty", {"belief": "nan"}, "belief is 'nan'"),
])
def test_wrong_settings_are_named(name: str, settings: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_strategy(name, settings)


def test_the_pool_knows_what_it_was_told(tmp_path: Path) -> None:
    write_benchmark(tmp_path)
    store = open_parquet(tmp_path / "data/emb.parquet")
    warned: list[str] = []
    pool = load_pool(store, TrainSet(("id0100", "id0003", "nowhere"), np.array([True, False, True])), warned.append)
    assert (pool.positives.tolist(), pool.negatives.tolist(), len(pool.unknown())) == ([100], [3], 118)
    assert warned == ["1 of 3 known ids have no embedding"]
    with pytest.raises(InputError, match="id0100 is both 1 and 0"):
        load_pool(store, TrainSet(("id0100", "id0100"), np.array([True, False])), warned.append)
    with pytest.raises(InputError, match="no id with Confidence 1"):
        load_pool(store, TrainSet(("id0100",), np.array([False])), warned.append)


def test_a_written_train_set_is_read_back(tmp_path: Path) -> None:
    write_train_set(TrainSet(("a", "b", "a"), np.array([True, False, True])), tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_bytes() == b"ImageID,Confidence\na,1\nb,0\na,1\n"
    assert read_train_set(tmp_path / "t.csv").ids == ("a", "b", "a")
