"""`tinysieve estimate`: what a run would take, by arithmetic on rates that are measured on its own images."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from stored_photos import photos, write_csv, write_folder
from typer.testing import CliRunner

from tinysieve.pipeline.cli import app
from tinysieve.pipeline.doctor.estimate import TABLE_BYTES_A_ROW, Machines, Rates, estimate, hours_of

RESULTS = Path(__file__).parents[2] / "benchmarks/results"
RATES = Rates(read=1.0, decode=4.0, detect=80.0, embed=15.0, features=1280, sampled=64)


def test_hours_follow_from_the_rates() -> None:
    """3.6 M images at 100 ms are 100 core-hours; with the detector on GPUs 20, and 3.6 M / (4 x 250) s = 1 h for it."""
    assert hours_of(3_600_000, RATES, Machines(cores=1)).hours == pytest.approx(100)
    assert hours_of(3_600_000, RATES, Machines(cores=10, gpus=4, detector_rate=250)).hours == pytest.approx(2 + 1)


@given(st.integers(1, 10**7), st.integers(1, 64))
def test_twice_the_machines_take_half_as_long_and_cost_the_same(images: int, count: int) -> None:
    few, many = (hours_of(images, RATES, Machines(8 * n, n, 71, 2.5 * n)) for n in (count, 2 * count))
    assert many.hours == pytest.approx(few.hours / 2)
    assert many.cost == pytest.approx(few.cost)


def test_room_on_the_disk_is_that_of_the_files() -> None:
    made = estimate(10, RATES, ())
    assert (made.pixel_bytes, made.feature_bytes) == (10 * 144 * 144 * 3, 10 * 1280 * 2)
    assert made.peak_disk_bytes == made.pixel_bytes + 2 * made.feature_bytes


def test_the_memory_of_the_tables_is_what_was_measured() -> None:
    measured = json.loads((RESULTS / "scale.json").read_text())
    assert measured["peak_memory_gb"] * 1e9 / measured["rows"] == pytest.approx(TABLE_BYTES_A_ROW, rel=0.05)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    rows = photos(2)
    path = tmp_path / "tinysieve.yaml"
    path.write_text(yaml.safe_dump({
        "run": str(tmp_path / "run"), "workers": 2, "dataset": {"rule": "any", "source": {
            "kind": "table", "images": str(write_folder(tmp_path / "photos", rows)),
            "table": str(write_csv(tmp_path / "labels.csv", rows, split=True))}},
        "filter": {"detector": {"kind": "presence_head"}}, "policy": {"kind": "default"}, "train": {"recipe": "demo"}}))
    return path


def test_rates_are_measured_on_the_images_of_the_configuration_and_nothing_is_written(config: Path) -> None:
    before = sorted(config.parent.rglob("*"))
    done = CliRunner().invoke(app, ["estimate", "-c", str(config), "--images", "4", "--count", "1000", "--json"])
    assert done.exit_code == 0, done.output
    made = json.loads(done.output)
    assert made["images"] == 1000
    assert made["rates"]["sampled"] == 4
    assert made["rates"]["features"] == 1280
    # Not less than an interpreter with numpy and a backbone, not more than the machine can have.
    assert 50e6 < made["rates"]["resident_bytes"] < 64e9
    assert min(made["rates"][name] for name in ("read", "decode", "detect", "embed")) > 0
    assert made["rows"][0]["hours"] == pytest.approx(
        sum(made["rates"][name] for name in ("read", "decode", "detect", "embed")) / 2 / 3600)
    assert sorted(config.parent.rglob("*")) == before


def test_machines_with_gpus_need_the_detectors_rate_and_do_not_open_it(config: Path) -> None:
    command = ["estimate", "-c", str(config), "-o", "filter={detector: {kind: ultralytics, weights: gone.pt}}", "--gpus", "8"]
    refused = CliRunner().invoke(app, command)
    assert refused.exit_code != 0
    assert "how fast the detector is on a GPU is not known" in str(refused.exception)
    done = CliRunner().invoke(app, [*command, "--detector-rate", "71", "--price", "2"])
    assert done.exit_code == 0, done.output
    assert "64 cores, 8 GPUs" in done.output
    assert "cost" in done.output
