"""The map of the data: which samples it shows, that it keeps neighbours together, and that it is the same every time."""

from __future__ import annotations

import numpy as np
import pytest

from tinysieve.dataset.classes import ClassNames
from tinysieve.pipeline.report.data_map import FEWEST_FOR_TSNE, DataMap, make_map, map_rows, principal_components
from tinysieve.pipeline.report.map_chart import map_charts


def two_clusters(count: int) -> np.ndarray:
    """Features of two kinds of images, far apart in direction; even rows are of the first kind."""
    rng = np.random.default_rng(5)
    centres = np.eye(20)[[0, 1]] * 5
    return (centres[np.arange(count) % 2] + rng.normal(scale=0.3, size=(count, 20))).astype(np.float16)


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    return two_clusters(FEWEST_FOR_TSNE + 40)


@pytest.mark.parametrize(("changed", "most"), [(0, 10), (3, 10), (5, 10), (60, 10), (100, 200)])
def test_changed_samples_come_first_and_take_half_at_most(changed: int, most: int) -> None:
    before, after = np.zeros(100, np.int8), np.zeros(100, np.int8)
    after[:changed] = 1
    rows = map_rows(before, after, most, np.random.default_rng(0))
    assert (np.diff(rows) > 0).all()
    assert (rows < changed).sum() == min(changed, most // 2)
    assert (rows >= changed).sum() == min(100 - changed, most - min(changed, most // 2))


def test_neighbours_stay_neighbours_and_the_map_is_the_same_every_time(features: np.ndarray) -> None:
    labels = np.zeros(len(features), np.int8)
    made, again = (make_map(features, labels, labels, seed=3) for _ in range(2))
    assert np.array_equal(made.places, again.places)
    distances = np.linalg.norm(made.places[:, None] - made.places[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (made.rows[distances.argmin(axis=1)] % 2 == made.rows % 2).all()
    assert made.method.startswith("t-SNE of")


def test_few_samples_are_laid_out_by_their_components() -> None:
    for count in (1, 2, 30):
        labels = np.zeros(count, np.int8)
        made = make_map(two_clusters(count), labels, labels, seed=0)
        assert made.places.shape == (count, 2)
        assert "principal components" in made.method
    first = made.places[:, 0]
    assert (np.sign(first[::2]) == np.sign(first[0])).all()
    assert (np.sign(first[1::2]) == -np.sign(first[0])).all()


def test_components_keep_distances_and_their_signs_are_fixed() -> None:
    """All components are a rotation of the centred unit rows; turning every feature around changes nothing."""
    features = np.random.default_rng(0).normal(size=(12, 5))
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    found = principal_components(features, 5)
    between, expected = (np.linalg.norm(one[:, None] - one, axis=2) for one in (found, unit))
    assert np.allclose(between, expected)
    assert np.allclose(principal_components(-features, 5), found)
    assert np.isfinite(principal_components(np.zeros((4, 3)), 2)).all()


def test_charts_say_in_words_how_many_of_each() -> None:
    before = np.array([1, 1, 0, 0, 1, -1], np.int8)
    after = np.array([1, 0, 0, 1, -2, -1], np.int8)
    made = DataMap(np.arange(6), np.random.default_rng(0).normal(size=(6, 2)), before, after, 100, 3, "hand")
    label, change = map_charts(made, ClassNames())
    assert label.alt.endswith("by label now: background 2, person 2, no label or dropped 2")
    assert change.alt.endswith("by what changed: as it came 3, to background 1, to person 1, dropped 1")
    assert "6 images of 100" in label.alt
    assert map_charts(made, ClassNames())[0].svg == label.svg
