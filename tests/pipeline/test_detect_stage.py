"""The detect stage on real photos: how often the configured detector looks, and at what."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from tinysieve.filtering.evidence.boxes import Boxes
from tinysieve.filtering.evidence.crop_rule import largest_in_each
from tinysieve.pipeline.config.read import load_config
from tinysieve.pipeline.engine.stages import Run, run_stages
from tinysieve.pipeline.main_job import stages_until
from tinysieve.pipeline.stages.detect import DETECT, DETECTIONS

PHOTOS = 80
CONFIG = """\
run: {run}
dataset:
  source: {{kind: table, images: {images}, table: {table}, split: null}}
  rule: any
filter:
  detector: {{kind: ultralytics, weights: {weights}, look_again_below: 0.7}}
policy: {{kind: consensus}}
train: {{recipe: demo}}
"""


def silent(_outlook: object) -> None:
    """Progress that nobody watches."""


def boxes_of(config: Path, override: str) -> Boxes:
    """What the stage wrote."""
    loaded = load_config(config, (override,))
    run = Run(loaded, loaded.run)
    run_stages(run, stages_until(run.config, "detect"), silent)
    return DETECTIONS.of(run)


def real_photos(shared: Path, tmp_path: Path) -> Path:
    """A configuration of the first photos of VOC 2007."""
    photos, voc = tmp_path / "photos", shared / "data/voc2007_person"
    photos.mkdir()
    rows = (voc / "labels.csv").read_text().splitlines()[: PHOTOS + 1]
    for row in rows[1:]:
        shutil.copy(voc / "images" / row.split(",")[0], photos)
    (tmp_path / "labels.csv").write_text("\n".join(rows) + "\n")
    config = tmp_path / "config.yaml"
    weights = shared / "models/yolo11n_int8_openvino_model"
    config.write_text(CONFIG.format(run=tmp_path / "run", images=photos, table=tmp_path / "labels.csv", weights=weights))
    return config


def test_only_doubtful_photos_are_seen_otherwise_with_a_second_look(shared: Path, tmp_path: Path) -> None:
    if find_spec("openvino") is None:
        pytest.skip("needs the extra 'detect' (openvino)")
    config = real_photos(shared, tmp_path)
    once, twice = (boxes_of(config, f"filter.detector.look_again_below={looks}") for looks in ("0", "0.7"))
    best = largest_in_each(once.confidence, once.offsets)
    doubtful = (best > 0) & (best < 0.7)
    assert 0 < doubtful.sum() < PHOTOS / 2
    moved = best != largest_in_each(twice.confidence, twice.offsets)
    assert not moved[~doubtful].any()
    assert moved[doubtful].mean() > 0.8
    assert np.array_equal(once.sample_ids, twice.sample_ids)


def test_other_classes_are_kept_beside_and_change_no_box_that_counts(shared: Path, tmp_path: Path) -> None:
    """With two looks too; and a configuration from before the setting has the key that it had."""
    if find_spec("openvino") is None:
        pytest.skip("needs the extra 'detect' (openvino)")
    config = real_photos(shared, tmp_path)
    plain, every = (boxes_of(config, f"filter.detector.other_classes={word}") for word in ("false", "true"))
    assert set(plain.class_id.tolist()) == {0}
    assert {every.classes.name_of(number) for number in every.class_id.tolist()} > {"person", "car", "chair"}
    assert every.classes.wanted == ("person",)
    assert np.array_equal(every.confidence[every.counted], plain.confidence)
    assert np.array_equal(every.xyxy[every.counted], plain.xyxy)
    settings = DETECT.settings(load_config(config))
    assert settings == {"kind": "ultralytics", "names": None, "min_confidence": 0.05, "look_again_below": 0.7,
                        "allow_download": False}
