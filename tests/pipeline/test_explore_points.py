"""Points in the plane: look-alikes together, and no second computation."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from tinysieve.pipeline.explore.points import kept_points, points_file, umap_points


def two_clouds(each: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    centres = np.repeat(rng.normal(size=(2, 32)) * 5, each, axis=0)
    return (centres + rng.normal(size=(2 * each, 32))).astype(np.float16)


@pytest.mark.skipif(find_spec("umap") is None, reason="needs umap-learn: pip install 'tinysieve[explore]'")
@pytest.mark.filterwarnings("ignore")
def test_two_clouds_of_features_are_two_clouds_of_points() -> None:
    points = umap_points(two_clouds(30), seed=0)
    inside = max(np.linalg.norm(cloud - cloud.mean(axis=0), axis=1).max() for cloud in (points[:30], points[30:]))
    assert np.linalg.norm(points[:30].mean(axis=0) - points[30:].mean(axis=0)) > 2 * inside


def test_a_handful_of_images_needs_no_map() -> None:
    assert umap_points(two_clouds(2), seed=0).shape == (4, 2)
    assert umap_points(two_clouds(2)[:1], seed=0).shape == (1, 2)


def test_points_that_are_kept_are_not_made_again_and_other_features_have_others(tmp_path: Path) -> None:
    features = two_clouds(2)
    made = kept_points(features, tmp_path, seed=0)
    np.save(points_file(features, tmp_path, 0), made + 1)
    assert np.array_equal(kept_points(features, tmp_path, seed=0), made + 1)
    others = (points_file(features, tmp_path, 1), points_file(features[::-1], tmp_path, 0))
    assert len({points_file(features, tmp_path, 0), *others}) == 3
