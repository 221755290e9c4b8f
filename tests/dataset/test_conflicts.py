"""One photo under both labels: in several rows of a table, and as two files with the same bytes."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pytest
from PIL import Image

from tinysieve.dataset.classes import PERSON_TASK
from tinysieve.dataset.executors.local import LocalExecutor
from tinysieve.dataset.ingest import IngestResult, Intake, ingest
from tinysieve.dataset.sources.annotations import OnConflict
from tinysieve.dataset.sources.folders import list_folders
from tinysieve.dataset.sources.image_folder import scan_images
from tinysieve.dataset.sources.match_files import Matching, match_files
from tinysieve.dataset.sources.tables import Columns, list_table
from tinysieve.dataset.stores.folder_store import FolderStore
from tinysieve.ground.errors import InputError

# Photo: split and labels of its rows.
SAID = {"agree": ("train", "11"), "two to one": ("train", "100"), "even": ("train", "10"), "missing": ("train", "1-"),
        "held out": ("test", "10"), "alone": ("train", "0")}


@pytest.mark.parametrize(("how", "labels"), [
    ("review", {"agree": "person", "two to one": None, "even": None, "missing": "person", "alone": "background"}),
    ("majority", {"agree": "person", "two to one": "background", "even": None, "missing": "person", "alone": "background"}),
    ("first", {"agree": "person", "two to one": "person", "even": "person", "missing": "person", "held out": "person",
               "alone": "background"}),
])
def test_rows_that_contradict_each_other(tmp_path: Path, how: OnConflict, labels: dict[str, str | None]) -> None:
    """A training photo without a label is unlabeled; a held-out one is left out."""
    text = "filename,person,split\n" + "".join(
        f"{name}.jpg,{label.replace('-', '')},{split}\n" for name, (split, said) in SAID.items() for label in said)
    (tmp_path / "t.csv").write_text(text)
    listing = list_table(tmp_path / "t.csv", Columns("filename", "person", "split"), {}, np.random.default_rng(0))
    listing = match_files(listing, pa.array([f"{name}.jpg" for name in SAID]), tmp_path, Matching(on_conflict=how))
    table = {row["filepath"].removesuffix(".jpg"): row for row in listing.table.to_pylist()}
    assert {name: row["label"] for name, row in table.items()} == labels
    assert all((row["split"] == "unlabeled") == (row["label"] is None) for row in table.values())
    assert (table["two to one"]["votes_person"], table["two to one"]["votes_background"]) == (1, 2)
    assert table["two to one"]["label_conflict"] == "1 person, 2 background"
    assert table["agree"]["label_conflict"] is None
    assert listing.notes[0].startswith("rows contradict each other about 3 photos")
    reasons = {row.reason for row in listing.skipped if row.filepath == "held out.jpg"}
    assert reasons == ({"file named by an earlier row or a held-out split"} if how == "first" else
                       {"held-out photo whose rows contradict each other"})


def test_contradictions_can_be_an_error(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("filename,person,split\na.jpg,1,train\nb.jpg,1,train\n\nb.jpg,0,train\n")
    listing = list_table(tmp_path / "t.csv", Columns("filename", "person", "split"), {}, np.random.default_rng(0))
    with pytest.raises(InputError, match=r"rows contradict each other about 1 photo, the first is 'b.jpg'") as caught:
        match_files(listing, pa.array(["a.jpg", "b.jpg"]), tmp_path, Matching(on_conflict="error"))
    assert caught.value.where == f"{tmp_path / 't.csv'}:3, {tmp_path / 't.csv'}:5"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two photos a split and class; one of train is filed under both, three times as person; one of test under both."""
    root = tmp_path / "tree"
    for seed, (split, label) in enumerate((s, c) for s in ("train", "val", "test") for c in ("person", "background")):
        (root / split / label).mkdir(parents=True)
        for copy in range(2):
            pixels = np.random.default_rng(10 * seed + copy).integers(0, 256, (20, 20, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / split / label / f"{copy}.png")
    copies = (("train", "background/0.png", ("person/p.png", "person/q.png")), ("test", "person/0.png", ("background/t.png",)))
    for split, source, targets in copies:
        for target in targets:
            (root / split / target).write_bytes((root / split / source).read_bytes())
    return root


def taken(tree: Path, out: Path, how: OnConflict) -> IngestResult:
    photos = scan_images(tree).photos
    listing = match_files(list_folders(photos, tree), photos, tree)
    return ingest(listing, FolderStore(tree), out, lambda done, total: None, LocalExecutor(1), Intake(on_conflict=how))


@pytest.mark.parametrize(("how", "label", "split"), [("review", None, "unlabeled"), ("majority", "person", "train"),
                                                     ("first", "background", "train")])
def test_one_photo_filed_under_both_labels(tree: Path, tmp_path: Path, how: OnConflict, label: str, split: str) -> None:
    result = taken(tree, tmp_path / "out", how)
    rows = {row["filepath"]: row for row in result.samples.table.to_pylist()}
    assert result.conflicts == 2
    photo = rows["train/background/0.png"]
    assert (photo["label"], photo["split"]) == (label, split)
    assert photo["label_conflict"] == ("background as train/background/0.png; person as train/person/p.png; "
                                       "person as train/person/q.png")
    assert not {"train/person/p.png", "train/person/q.png"} & set(rows)
    # Even in test: under `first` the first file counts, else neither measures anything.
    assert {"test/person/0.png", "test/background/t.png"} & set(rows) == ({"test/background/t.png"} if how == "first" else set())
    listed = pacsv.read_csv(tmp_path / "out/conflicts.csv")["filepath"].to_pylist()
    assert sorted(listed) == ["test/background/t.png", "test/person/0.png", "train/background/0.png", "train/person/p.png",
                              "train/person/q.png"]


def test_two_labels_can_be_an_error(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="2 photos are there under both labels"):
        taken(tree, tmp_path / "out", "error")


def test_nothing_is_said_where_nothing_contradicts(tree: Path, tmp_path: Path) -> None:
    for name in ("train/person/p.png", "train/person/q.png", "test/background/t.png"):
        (tree / name).unlink()
    samples = taken(tree, tmp_path / "out", "review").samples
    assert len(samples) == 12
    assert samples.classes == PERSON_TASK
    assert "label_conflict" not in samples.table.column_names


def test_copies_within_a_split_are_said(tree: Path, tmp_path: Path) -> None:
    """A test split that holds a photo twice measures it twice; a copy in another split is a leak, and goes."""
    assert taken(tree, tmp_path / "before", "review").notes == ()
    shutil.copy(tree / "test/person/1.png", tree / "test/person/zz copy.png")
    result = taken(tree, tmp_path / "out", "review")
    assert len(result.notes) == 1
    assert "1 photo is a copy of another in the same split" in result.notes[0]
    assert "'test/person/zz copy.png'" in result.notes[0]
