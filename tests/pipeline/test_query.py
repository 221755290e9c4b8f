"""`query`: samples of a run by a condition, worst label first."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tinysieve.ground.errors import InputError
from tinysieve.pipeline import cli
from tinysieve.pipeline.config.sections import config_of
from tinysieve.pipeline.engine.stages import Run, Stage, run_stages
from tinysieve.pipeline.label_issues.query import known_of, query
from tinysieve.pipeline.stages.ingest import INGEST, samples_of, versions_of
from tinysieve.pipeline.stages.out_of_fold import P_POSITIVE

# Of 20 training photos every second shows a person; the labels of photos 0 and 1 are swapped.
TRAIN = 20


def settings(folder: Path) -> dict[str, Any]:
    rows = [("p.png" if number == 3 else f"{number}.png", number % 2 ^ (number < 2), "train") for number in range(TRAIN)]
    rows += [(f"{split}{number}.png", number % 2, split) for split in ("validation", "test") for number in range(4)]
    (folder / "images").mkdir()
    for number, (name, _, _) in enumerate(rows):
        pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "images" / name)
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("filename", "person", "split", "note"), *((*row, "=1+1") for row in rows)])
    source = {"kind": "table", "images": str(folder / "images"), "table": str(folder / "labels.csv")}
    return {"run": str(folder / "run"), "workers": 1, "dataset": {"source": source, "rule": "any"},
            "filter": {"detector": {"kind": "presence_head"}}, "policy": {"kind": "default"}, "train": {"recipe": "demo"}}


def _probabilities(run: Run, folder: Path) -> str:
    """A classifier that knows the truth, less sure from photo to photo."""
    samples = samples_of(run)
    truth = np.arange(len(samples)) % 2
    np.save(folder / P_POSITIVE.file, np.where(truth == 1, 0.95, 0.05) + np.arange(len(samples)) * 1e-4)
    return ""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    config = config_of(settings(tmp_path))
    made = Run(config, config.run)
    run_stages(made, (INGEST, Stage(P_POSITIVE.stage, 1, (), lambda config: {}, _probabilities)), lambda status: None)
    return made


def test_label_issues_are_asked_for_and_come_worst_first(run: Run) -> None:
    table = query(run, "HEAD", "is_label_issue", "")
    assert sorted(table["filename"].to_pylist()) == ["0.png", "1.png"]
    quality = query(run, "HEAD", "split == 'train'", "")["label_quality"].to_pylist()
    assert quality == sorted(quality)
    assert query(run, "HEAD", "label_quality > 2", "").num_rows == 0
    assert query(run, "HEAD", "split != 'train' and label_quality is None", "").num_rows == 8


def test_without_probabilities_the_sample_table_answers_in_its_order(tmp_path: Path) -> None:
    config = config_of(settings(tmp_path))
    bare = Run(config, config.run)
    run_stages(bare, (INGEST,), lambda status: None)
    table = known_of(bare)
    assert "label_quality" not in table.column_names
    assert query(bare, "0", "", "").equals(table)
    assert query(bare, "HEAD", "", "-filename")["filename"][0].as_py() == "validation3.png"
    with pytest.raises(InputError, match="no column 'label_quality'"):
        query(bare, "HEAD", "label_quality < 1", "")
    with pytest.raises(InputError, match="to sort by"):
        query(bare, "HEAD", "", "quality")


def ended(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    monkeypatch.setattr(sys, "argv", ["tinysieve", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return stop.value.code


def test_the_command_prints_rows_writes_a_csv_and_runs_nothing(
        run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "c.yaml"
    config.write_text(json.dumps(run.config.model_dump(mode="json", include={"run", "dataset"}) | {
        "filter": {"detector": {"kind": "presence_head"}}, "policy": {"kind": "default"}, "train": {"recipe": "demo"}}))
    out = tmp_path / "worst.csv"
    assert ended(monkeypatch, "query", "label_quality < .5", "-c", str(config), "--limit", "1", "--csv", str(out)) == 0
    said = capsys.readouterr().out
    assert "2 samples, 1 not shown" in said
    with out.open(newline="", encoding="utf-8") as file:
        assert sorted(row["filename"] for row in csv.DictReader(file)) == ["0.png", "1.png"]
    for condition in ("__import__('os').system('true')", "select * from samples", "nowhere == 1"):
        assert ended(monkeypatch, "query", condition, "-c", str(config)) == 2, condition
    assert ended(monkeypatch, "query", "-c", str(config), "--columns", "nowhere") == 2
    assert ended(monkeypatch, "checkout", "0", "--name", "main", "-c", str(config)) == 0
    assert versions_of(run).log()[0].names == ("main",)
    capsys.readouterr()
    assert ended(monkeypatch, "query", "-c", str(config), "--version", "main", "--json") == 0
    assert json.loads(capsys.readouterr().out)["rows"] == TRAIN + 8
