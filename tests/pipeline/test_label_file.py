"""`export --csv` and `--parquet`: the source's own columns, and a table that reads back with nothing changed."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tinysieve.dataset.classes import DROPPED, NEGATIVE, POSITIVE
from tinysieve.dataset.decisions import DROP, RELABEL, Decisions
from tinysieve.dataset.label_table import write_label_table
from tinysieve.dataset.versions import Version, apply_decisions
from tinysieve.ground.errors import InputError
from tinysieve.ground.escaping import csv_text
from tinysieve.pipeline import cli
from tinysieve.pipeline.config.sections import config_of
from tinysieve.pipeline.engine.stages import Run, run_stages
from tinysieve.pipeline.stages.ingest import INGEST, samples_of, versions_of
from tinysieve.pipeline.stages.label_file import WrittenLabels, write_labels

HEADER = ("Photo", "reason", "label", "fold", "dark")
SPLITS = ["train"] * 8 + ["val"] * 2 + ["test"] * 4 + ["unlabeled"]


def photo(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (20, 20, 3), dtype=np.uint8)).save(path)


def source(folder: Path) -> dict[str, Any]:
    """15 photos in a table with odd names in it; besides a held-out row without a label, a copy of a test photo in train, and
    a photo under both labels."""
    rows = []
    for number, split in enumerate(SPLITS):
        name = f"a b/{number}, \"x\".png" if number % 3 else f"=é{number}.png"
        photo(folder / "images" / name, number)
        rows.append((name, f"r{number}", "" if split == "unlabeled" else str(number % 2), split, "" if number % 4 else "yes"))
    for name, seed, label, split in (("no label.png", 90, "", "test"), ("copy.png", 10, "0", "train"),
                                     ("clash.png", 1, "0", "train")):
        photo(folder / "images" / name, seed)
        rows.append((name, "", label, split, ""))
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([HEADER, *rows])
    return {"kind": "table", "images": str(folder / "images"), "table": str(folder / "labels.csv"), "filepath": "Photo",
            "label": "label", "split": "fold"}


def settings(source: dict[str, Any], folder: Path) -> dict[str, Any]:
    return {"run": str(folder), "workers": 1, "dataset": {"source": source, "rule": "any"},
            "filter": {"detector": {"kind": "presence_head"}}, "policy": {"kind": "default"}, "train": {"recipe": "demo"}}


def ingested(source: dict[str, Any], folder: Path) -> Run:
    run = Run(config_of(settings(source, folder)), folder)
    run_stages(run, (INGEST,), lambda status: None)
    return run


def mend(run: Run) -> Version:
    """One label flipped, one photo dropped, in two versions."""
    samples, store = samples_of(run), versions_of(run)
    train = np.flatnonzero(samples.in_split("train"))
    persons, others = (train[samples.labels[train] == code] for code in (POSITIVE, NEGATIVE))
    for row, action, code, why in ((persons[0], RELABEL, NEGATIVE, "no, a \"cat\""), (others[0], DROP, DROPPED, "blurred")):
        decisions = Decisions(np.array([row]), np.array([action], np.int8), np.array([code], np.int8), pa.array(["me"]),
                              np.ones(1, np.float32), pa.array([why]))
        store.save(apply_decisions(samples, store.load("HEAD"), decisions, "by hand"))
    return store.load("HEAD")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = ingested(source(tmp_path), tmp_path / "run")
    mend(made)
    return made


def state(run: Run) -> dict[str, tuple[Any, ...]]:
    """What training would see of each photo: split, label, and the source's own columns."""
    samples = samples_of(run)
    labels = samples.classes.states(versions_of(run).load("HEAD").labels).to_pylist()
    rows = samples.table.to_pylist()
    return {row["filepath"]: (row["split"], label, row["dark"] or "") for row, label in zip(rows, labels, strict=True)}


@pytest.mark.parametrize("name", ["out.csv", "deep/out.parquet"])
def test_the_table_reads_back_with_nothing_changed(run: Run, tmp_path: Path, name: str) -> None:
    made = write_labels(run, "HEAD", tmp_path / name)
    again = ingested(made.source, tmp_path / "again")
    before = state(run)
    dropped = [path for path, (_, label, _) in before.items() if label == "dropped"]
    assert len(dropped) == 1
    assert state(again) == {path: seen for path, seen in before.items() if path not in dropped}
    # And again: what came of the first round comes of every round.
    second = ingested(write_labels(again, "HEAD", tmp_path / f"2{Path(name).name}").source, tmp_path / "third")
    assert state(second) == state(again)


def test_each_row_has_its_label_reason_and_version_beside_the_own_columns(run: Run, tmp_path: Path) -> None:
    made = write_labels(run, "HEAD", tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    chain = versions_of(run).chain()
    assert list(rows[0])[:5] == ["Photo", "fold", "label", "reason", "version"]
    assert {"source_reason", "source_label", "dark"} <= set(rows[0])
    changed = [row for row in rows if row["version"] != chain[0].id]
    assert {row["label"]: (row["reason"], row["version"]) for row in changed} == {
        "dropped": ("blurred", chain[2].id), "background": ('no, a "cat"', chain[1].id)}
    own = {csv_text(row["Photo"]): row["source_reason"] for row in rows}
    assert own["=é0.png"] == "r0"
    assert (made.rows, made.version) == (len(rows), chain[2].id)


def test_files_that_ingest_left_out_do_not_come_back_as_unlabeled(run: Run, tmp_path: Path) -> None:
    made = write_labels(run, "0", tmp_path / "out.parquet")
    rows = {row["Photo"]: row for row in pq.read_table(tmp_path / "out.parquet").to_pylist()}
    assert rows["no label.png"]["label"] == rows["copy.png"]["label"] == "dropped"
    assert "held-out" in rows["no label.png"]["reason"]
    assert made.left_out == 3
    again = ingested(made.source, tmp_path / "again")
    assert len(samples_of(again)) == len(samples_of(run))


def test_an_older_version_has_its_own_labels(run: Run, tmp_path: Path) -> None:
    write_labels(run, "0", tmp_path / "out.parquet")
    table = pq.read_table(tmp_path / "out.parquet").slice(0, len(samples_of(run)))
    assert table["label"].to_pylist() == samples_of(run).table["label"].to_pylist()
    assert table["reason"].null_count == table.num_rows


def test_a_list_needs_parquet(tmp_path: Path) -> None:
    nested = pa.table({"filename": ["a"], "boxes": [[1, 2]]})
    with pytest.raises(InputError, match="boxes") as caught:
        write_label_table(nested, tmp_path / "out.csv")
    assert "--parquet" in caught.value.fix
    assert list(tmp_path.iterdir()) == []
    write_label_table(nested, tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet").equals(nested)


def test_what_is_written_says_how_it_is_read(run: Run, tmp_path: Path) -> None:
    made: WrittenLabels = write_labels(run, "HEAD", tmp_path / "out.csv")
    assert json.loads(json.dumps(made.source)) == made.source
    assert made.source["filepath"] == "Photo"


def ended(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    monkeypatch.setattr(sys, "argv", ["tinysieve", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return stop.value.code


def test_the_command_writes_both_tables_and_refuses_what_makes_no_sense(
        run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "c.yaml"
    config.write_text(json.dumps(settings(source(tmp_path), run.folder)))
    for arguments in ((), ("--parquet", "x.csv"), ("--csv", "x.parquet"), ("--csv", str(config)),
                      ("--csv", str(tmp_path / "x.csv"), "--croissant")):
        assert ended(monkeypatch, "export", "-c", str(config), *arguments) == 2, arguments
    tables = ("--csv", str(tmp_path / "a.csv"), "--parquet", str(tmp_path / "a.parquet"))
    assert ended(monkeypatch, "export", "-c", str(config), *tables) == 0
    said = capsys.readouterr().out
    assert said.count("to read it back: dataset.source:") == 2
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        assert pq.read_table(tmp_path / "a.parquet").num_rows == len(list(csv.DictReader(file)))


def test_an_exported_folder_is_described_by_the_cards_words(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "c.yaml"
    card = {"dataset_name": "Ada's photos", "dataset_license": "cc-by-4.0"}
    config.write_text(json.dumps(settings(source(tmp_path), run.folder) | {"card": card}))
    assert ended(monkeypatch, "export", str(tmp_path / "tree"), "--croissant", "-c", str(config)) == 0
    metadata = json.loads((tmp_path / "tree/croissant.json").read_text(encoding="utf-8"))
    assert (metadata["name"], metadata["license"]) == ("Ada's photos", "cc-by-4.0")
    assert versions_of(run).load("HEAD").id in metadata["description"]
    with (tmp_path / "tree/photos.csv").open(newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == len(list((tmp_path / "tree").glob("*/*/*")))
