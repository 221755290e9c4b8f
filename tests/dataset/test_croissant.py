"""Croissant metadata of an exported folder: its own library accepts it and reads the labels and the photos back."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tinysieve.dataset.croissant import METADATA, TABLE, About, write_croissant

ABOUT = About('Ada\'s "photos"', "cc-by-4.0", "Taken by Ada.", "0123abcd")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, place in enumerate(("train/person", "train/background", "val/person", "test/background")):
        (tmp_path / place).mkdir(parents=True)
        Image.fromarray(np.full((8, 8, 3), 40 * number, np.uint8)).save(tmp_path / place / f"a {number}, é.png")
    return tmp_path


def test_the_table_lists_each_photo_with_its_hash(folder: Path) -> None:
    write_croissant(folder, ABOUT)
    rows = list(csv.DictReader((folder / TABLE).read_text(encoding="utf-8").splitlines()))
    assert [row["file"] for row in rows] == sorted(str(path.relative_to(folder)) for path in folder.glob("*/*/*"))
    for row in rows:
        assert f"{row['split']}/{row['label']}/" in row["file"]
        assert row["sha256"] == hashlib.sha256((folder / row["file"]).read_bytes()).hexdigest()
    metadata = json.loads((folder / METADATA).read_text(encoding="utf-8"))
    assert metadata["distribution"][0]["sha256"] == hashlib.sha256((folder / TABLE).read_bytes()).hexdigest()


def test_the_same_folder_gives_the_same_bytes(folder: Path) -> None:
    first = write_croissant(folder, ABOUT).read_bytes()
    assert write_croissant(folder, ABOUT).read_bytes() == first


def test_a_licence_that_nobody_named_is_left_out(folder: Path) -> None:
    write_croissant(folder, About("photos", "unknown", "", "0"))
    assert "license" not in json.loads((folder / METADATA).read_text())


@pytest.mark.filterwarnings("ignore")
def test_its_own_library_reads_labels_and_photos(folder: Path) -> None:
    croissant = pytest.importorskip("mlcroissant", exc_type=ImportError)
    dataset = croissant.Dataset(jsonld=str(write_croissant(folder, ABOUT)))
    assert dataset.metadata.issues.errors == set()
    rows = list(dataset.records("labels"))
    assert {row["labels/file"].decode() for row in rows} == {str(path.relative_to(folder)) for path in folder.glob("*/*/*")}
    images = list(dataset.records("images"))
    assert sorted(int(np.asarray(row["images/image"])[0, 0, 0]) for row in images) == [0, 40, 80, 120]
