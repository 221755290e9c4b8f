"""The shipped heads: exact map, plausible box, one head a class, and the accuracy that models/README.md states."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from part_pass import PlannedPhotos

from tinysieve.dataset.images import Pixels, decode
from tinysieve.filtering.evidence import presence_head
from tinysieve.filtering.evidence.backbones.lite0_backbone import Lite0Backbone
from tinysieve.filtering.evidence.embedding_parts import EmbeddingParts
from tinysieve.filtering.evidence.presence_head import (
    PresenceDetector,
    PresenceHead,
    coarse_box,
    head_fingerprint,
    head_names,
    load_head,
)
from tinysieve.ground.errors import InputError, MissingRequirement

VOC_CLASSES = ("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog",
               "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor")
PERSON_SHA256 = "afa765d70e24fd34c53333d0d82e9a7b60c22ecb90cafd80ec770a4550aa8c99"


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


def stored(name: str) -> bytes:
    return files("tinysieve.models").joinpath("presence_heads", f"{name}.npz").read_bytes()


def test_a_head_ships_for_each_of_vocs_classes_and_all_are_small() -> None:
    assert head_names() == VOC_CLASSES
    assert sum(len(stored(name)) for name in head_names()) < 100_000


@pytest.mark.parametrize("name", VOC_CLASSES)
def test_every_head_is_reproducible_and_fits_the_installed_backbone(name: str) -> None:
    head, backbone = load_head(name), Lite0Backbone(workers=1)
    assert head.to_bytes() == stored(name)
    assert head.weights.shape == (backbone.dim,)
    assert np.isfinite(head.weights).all()
    assert np.isfinite(head.bias)
    assert head.backbone == backbone.fingerprint


def test_heads_and_their_fingerprints_differ_from_class_to_class() -> None:
    assert len({load_head(name).weights.tobytes() for name in head_names()}) == len(VOC_CLASSES)
    assert len({head_fingerprint(name) for name in head_names()}) == len(VOC_CLASSES)


def test_persons_head_is_the_default_and_the_one_that_earlier_runs_used() -> None:
    assert load_head().to_bytes() == load_head("person").to_bytes()
    # The hash of the head that shipped alone: another one would change the results of runs that exist.
    assert hashlib.sha256(stored("person")).hexdigest() == PERSON_SHA256
    assert head_fingerprint() == head_fingerprint("person") == "3566feee666fc195"


@pytest.mark.parametrize("name", ["hard_hat", "Cat", "", "../presence_heads/cat", "cat.npz"])
def test_a_class_without_a_head_is_refused_with_a_list_of_those_that_have_one(name: str) -> None:
    with pytest.raises(InputError) as caught:
        load_head(name)
    assert f"'{name}'" in str(caught.value)
    assert all(known in str(caught.value) for known in VOC_CLASSES)
    assert "kind: ultralytics" in str(caught.value)
    with pytest.raises(InputError):
        head_fingerprint(name)


def test_an_installation_without_heads_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence_head, "HEADS", "nowhere")
    with pytest.raises(MissingRequirement, match="not installed"):
        load_head("cat")


def test_a_cat_is_seen_by_the_head_for_cats_and_not_by_that_for_cars() -> None:
    # Chelsea's face fills the photo, 451 x 300 pixels.
    cat = photo("chelsea.png")
    rows, none = PresenceDetector(workers=1, positive="cat").detect([cat, photo("coffee.png")])
    assert rows[0, 4] > 0.9
    assert rows[0, 5] == 0
    assert len(none) == 0 or none[0, 4] < 0.3
    cars = PresenceDetector(min_confidence=0.0, workers=1, positive="car").detect([cat])[0]
    assert cars[0, 4] < 0.1


def test_another_head_has_another_fingerprint_and_another_backbone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    before = head_fingerprint()
    other = PresenceHead(np.ones(1280, np.float32), 0.0, "another")
    monkeypatch.setattr(presence_head, "_head_bytes", lambda positive: other.to_bytes())
    assert head_fingerprint() != before
    with pytest.raises(InputError, match="belongs to backbone another"):
        PresenceDetector()


def test_the_stated_accuracies_are_what_the_shipped_files_reach(shared: Path, tmp_path: Path) -> None:
    folder = shared / "data" / "voc2007_person"
    with (folder / "labels.csv").open(newline="") as file:
        test = [row for row in csv.DictReader(file) if row["split"] == "test"]
    photos = PlannedPhotos.of(folder / "images", [row["filename"] for row in test], tmp_path, len(test))
    parts = EmbeddingParts(tmp_path / "parts", lambda threads: Lite0Backbone(workers=threads))
    photos.make(parts)
    features = parts.read(photos.chunks[0])[1]
    stated = json.loads(files("tinysieve.models").joinpath("presence_head.json").read_text())
    assert sorted(stated) == list(VOC_CLASSES)
    for name, fact in stated.items():
        truth = np.array([name in {entry.split(":")[0] for entry in row["classes"].split("|")} for row in test])
        right = (load_head(name).probabilities(features) >= 0.5) == truth
        assert (len(test), int(truth.sum())) == (fact["images"]["test"]["images"], fact["images"]["test"]["positives"])
        # Other processors round differently: two images may sit on the fence.
        assert abs(int(right.sum()) - fact["images"]["test"]["accuracy"] * len(test)) <= 2, name
