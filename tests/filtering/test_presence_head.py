"""The shipped head: exact map, plausible box, and the accuracy that models/README.md states."""

from __future__ import annotations

import csv
import importlib.util
import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from tinysieve.dataset.images import Pixels, decode
from tinysieve.filtering.evidence import presence_head
from tinysieve.filtering.evidence.backbones.lite0_backbone import Lite0Backbone
from tinysieve.filtering.evidence.embeddings import embed_all
from tinysieve.filtering.evidence.presence_head import PresenceDetector, PresenceHead, coarse_box, head_fingerprint, load_head
from tinysieve.ground.errors import InputError


@pytest.fixture(scope="module")
def detector() -> PresenceDetector:
    return PresenceDetector(workers=2)


def photo(name: str) -> Pixels:
    spec = importlib.util.find_spec("skimage")
    if spec is None or spec.origin is None:
        pytest.skip("needs scikit-image's photos")
    return decode(Path(spec.origin).parent / "data" / name)


def test_an_astronaut_is_seen_and_boxed_and_coffee_is_not(detector: PresenceDetector) -> None:
    astronaut, coffee = detector.detect([photo("astronaut.png"), photo("coffee.png")])
    assert astronaut.shape == (1, 6)
    assert astronaut[0, 4] > 0.9
    assert astronaut[0, 5] == 0
    x1, y1, x2, y2 = astronaut[0, :4]
    # Her face is at (220, 120) of 512 x 512 pixels.
    assert 0 <= x1 < 220 < x2 <= 512
    assert 0 <= y1 < 120 < y2 <= 512
    assert len(coffee) == 0 or coffee[0, 4] < 0.3


def test_an_image_is_judged_alone_and_below_the_floor_has_no_box(detector: PresenceDetector) -> None:
    images = [photo("astronaut.png"), photo("coffee.png"), photo("astronaut.png")[:300]]
    for together, alone in zip(detector.detect(images), (detector.detect([one])[0] for one in images), strict=True):
        np.testing.assert_array_equal(together, alone)
    assert detector.detect([]) == []
    assert all(len(rows) == 0 for rows in PresenceDetector(min_confidence=1.0, workers=1).detect(images))


def test_the_map_averages_to_the_logit() -> None:
    rng = np.random.default_rng(0)
    head = PresenceHead(rng.normal(size=5).astype(np.float32), 0.3, "any")
    maps = rng.random((4, 7, 7, 5), np.float32)
    p_positive = head.probabilities(maps.mean((1, 2)))
    np.testing.assert_allclose(head.activation_maps(maps).mean((1, 2)), np.log(p_positive / (1 - p_positive)), atol=1e-5)


def test_probabilities_survive_any_logit_and_any_number_of_rows() -> None:
    head = PresenceHead(np.ones(1, np.float32), 0.0, "any")
    logits = np.array([[-1e4], [0], [1e4]], np.float16)
    np.testing.assert_array_equal(head.probabilities(logits), [0, 0.5, 1])
    assert head.probabilities(np.empty((0, 1))).shape == (0,)
    np.testing.assert_array_equal(head.probabilities(np.zeros((65_537, 1))), np.full(65_537, 0.5))
    with pytest.raises(InputError, match=r"takes \[n, 1\]"):
        head.probabilities(np.zeros((2, 3)))


def test_the_box_is_that_of_the_active_cells() -> None:
    activation = np.full((7, 7), -1, np.float32)
    activation[2:5, 1:3] = 1
    # Interpolated from -1 to 1 across one cell, 0.3 is reached 0.65 of the way: 0.15 of a cell inside the active ones,
    # so at the first of the eight steps a cell whose centre lies beyond that, one step in.
    np.testing.assert_allclose(coarse_box(activation) * 56, [8 + 1, 16 + 1, 24 - 1, 40 - 1])


def test_of_two_areas_the_larger_is_boxed() -> None:
    activation = np.full((7, 7), -1, np.float32)
    activation[0, 0], activation[4:7, 3:7] = 2, 1
    x1, y1, x2, y2 = coarse_box(activation)
    assert x1 > 0.4
    assert y1 > 0.5
    assert (x2, y2) == (1, 1)


def test_turning_the_map_turns_the_box_and_a_flat_map_is_the_whole_image() -> None:
    activation = np.random.default_rng(3).normal(size=(7, 7)).astype(np.float32)
    x1, y1, x2, y2 = coarse_box(activation)
    np.testing.assert_allclose(coarse_box(activation[:, ::-1]), [1 - x2, y1, 1 - x1, y2], atol=1e-6)
    np.testing.assert_array_equal(coarse_box(np.full((7, 7), -2, np.float32)), [0, 0, 1, 1])


def test_the_file_is_small_reproducible_and_fits_the_installed_backbone() -> None:
    stored = files("tinysieve.models").joinpath("presence_head.npz").read_bytes()
    assert len(stored) < 30_000
    assert load_head().to_bytes() == stored
    assert load_head().backbone == Lite0Backbone(workers=1).fingerprint


def test_another_head_has_another_fingerprint_and_another_backbone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    before = head_fingerprint()
    other = PresenceHead(np.ones(1280, np.float32), 0.0, "another")
    monkeypatch.setattr(presence_head, "_head_bytes", other.to_bytes)
    assert head_fingerprint() != before
    with pytest.raises(InputError, match="belongs to backbone another"):
        PresenceDetector()


def test_the_stated_accuracy_is_what_the_shipped_file_reaches(shared: Path, tmp_path: Path) -> None:
    folder = shared / "data" / "voc2007_person"
    with (folder / "labels.csv").open(newline="") as file:
        test = [row for row in csv.DictReader(file) if row["split"] == "test"]
    paths = [folder / "images" / row["filename"] for row in test]
    features = embed_all(Lite0Backbone(), paths, [path.name for path in paths], tmp_path, 256, lambda done, total: None)
    right = (load_head().probabilities(features) >= 0.5) == np.array([row["person"] == "1" for row in test])
    stated = json.loads(files("tinysieve.models").joinpath("presence_head.json").read_text())["images"]["test"]
    assert len(test) == stated["images"]
    # Other processors round differently: two images may sit on the fence.
    assert abs(int(right.sum()) - stated["accuracy"] * len(test)) <= 2
