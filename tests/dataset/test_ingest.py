"""Ingest on folders and tables of real (and really broken) files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pytest
from PIL import Image

from tinysieve.dataset import ingest as ingest_module
from tinysieve.dataset.chunks import cut
from tinysieve.dataset.executors.local import LocalExecutor
from tinysieve.dataset.image_store import ChangedImage, read_checked
from tinysieve.dataset.images import decode, resize_bilinear
from tinysieve.dataset.ingest import IngestResult, ingest, open_pixels
from tinysieve.dataset.sources import folders
from tinysieve.dataset.sources.image_folder import scan_images
from tinysieve.dataset.sources.listing import Listing
from tinysieve.dataset.sources.match_files import Matching, match_files
from tinysieve.dataset.sources.tables import Columns, list_table, list_wake_vision
from tinysieve.dataset.stores.folder_store import LINK_NOWHERE, FolderStore
from tinysieve.dataset.test_split import check_test_split, freeze_test_split
from tinysieve.ground.errors import FrozenSplit, InputError


def photo(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((80, 60)).save(path, quality=90)


def run(listing: Listing, root: Path, folder: Path) -> IngestResult:
    matched = match_files(listing, scan_images(root).photos, root)
    return ingest(matched, FolderStore(root), folder, lambda done, total: None, LocalExecutor(2))


def list_folders(root: Path, train_folders: tuple[str, ...] = ()) -> Listing:
    return folders.list_folders(scan_images(root).photos, root, train_folders)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "images"
    for seed, (split, name) in enumerate((s, c) for s in ("train", "val", "test") for c in ("person", "background")):
        for copy in range(2):
            photo(root / split / name / f"{copy}.jpg", 10 * seed + copy)
    return root


def test_folder_tree(tree: Path, tmp_path: Path) -> None:
    result = run(list_folders(tree), tree, tmp_path / "out")
    table = result.samples.table
    assert len(table) == 12
    assert set(table["split"].to_pylist()) == {"train", "validation", "test"}
    row = table.slice(5, 1).to_pylist()[0]
    expected = resize_bilinear(decode(tree / row["filepath"]))
    assert np.array_equal(open_pixels(tmp_path / "out")[row["pixel_row"]], expected)


def test_challenge_tree_with_unlabeled(tree: Path, tmp_path: Path) -> None:
    root = tmp_path / "wv"
    for split in ("train_quality", "train_large", "validation", "test"):
        for seed, name in enumerate(("0", "1")):
            photo(root / split / name / "a.jpg", sum(split.encode()) + seed)
    photo(root / "unlabeled_images" / "u.jpg", 5)
    samples = run(list_folders(root), root, tmp_path / "out").samples
    assert samples.in_split("train").sum() == 4
    assert samples.table.filter(samples.in_split("unlabeled"))["label"].to_pylist() == [None]
    only = list_folders(root, ("train_quality",)).table["filepath"].to_pylist()
    assert not [name for name in only if name.startswith("train_large")]


def test_broken_files_are_quarantined_by_name(tree: Path, tmp_path: Path) -> None:
    good = (tree / "train/person/0.jpg").read_bytes()
    (tree / "train/person/truncated.jpg").write_bytes(good[: len(good) // 2])
    (tree / "train/person/empty.jpg").write_bytes(b"")
    (tree / "train/background/text.jpg").write_text("hello")
    outside = tmp_path / "outside.jpg"
    photo(outside, 77)
    (tree / "train/person/link.jpg").symlink_to(outside)
    result = run(list_folders(tree), tree, tmp_path / "out")
    assert (len(result.samples), result.quarantined) == (12, 4)
    reasons = {row["filepath"]: row["reason"] for row in pacsv.read_csv(tmp_path / "out/quarantine.csv").to_pylist()}
    assert reasons["train/person/empty.jpg"] == "empty file"
    assert reasons["train/background/text.jpg"] == "not an image"
    assert reasons["train/person/link.jpg"] == "path leaves the image root"
    assert "cannot be decoded" in reasons["train/person/truncated.jpg"]


def test_links_and_pipes_that_lead_to_no_photo_are_quarantined(tree: Path, tmp_path: Path) -> None:
    people = tree / "train/person"
    (people / "nowhere.jpg").symlink_to("gone.jpg")
    (people / "circle.jpg").symlink_to("circle.jpg")
    (people / "there.jpg").symlink_to("back.jpg")
    (people / "back.jpg").symlink_to("there.jpg")
    (people / "folder.jpg").symlink_to(tree / "train/background")
    os.mkfifo(people / "pipe.jpg")
    result = run(list_folders(tree), tree, tmp_path / "out")
    reasons = {row["filepath"]: row["reason"] for row in pacsv.read_csv(tmp_path / "out/quarantine.csv").to_pylist()}
    # A link to a folder is a folder: nothing to name.
    assert reasons == {"train/person/nowhere.jpg": LINK_NOWHERE,
                       "train/person/circle.jpg": "symbolic link that leads to itself",
                       "train/person/there.jpg": "symbolic link that leads to itself",
                       "train/person/back.jpg": "symbolic link that leads to itself",
                       "train/person/pipe.jpg": "not a regular file"}
    assert len(result.samples) == 12


def test_a_folder_that_is_a_circle_of_links_is_named_as_one(tree: Path, tmp_path: Path) -> None:
    """Only a table names a file below it; a version of Python that follows links otherwise gives no other reason."""
    listing = list_folders(tree)
    (tree / "train/round").symlink_to("round")
    names = listing.table["filepath"].to_pylist()
    names[names.index("train/person/0.jpg")] = "train/round/0.jpg"
    table = listing.table.set_column(listing.table.column_names.index("filepath"), "filepath", pa.array(names))
    ingest(replace(listing, table=table), FolderStore(tree), tmp_path / "out", lambda done, total: None, LocalExecutor(2))
    (broken,) = pacsv.read_csv(tmp_path / "out/quarantine.csv").to_pylist()
    assert broken == {"filepath": "train/round/0.jpg", "reason": "symbolic link that leads to itself"}


def test_a_photo_that_became_a_circle_of_links_is_no_longer_the_one_of_ingest(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").symlink_to("a.jpg")
    with pytest.raises(ChangedImage, match="not the one that ingest saw"):
        read_checked(FolderStore(tmp_path), "a.jpg", "0" * 32)


def test_names_that_are_not_utf8_are_left_out_and_named(tree: Path) -> None:
    good = (tree / "train/person/0.jpg").read_bytes()
    try:
        (tree / "train/person" / os.fsdecode(b"caf\xe9.jpg")).write_bytes(good)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    (tree / "train/person/café 写真.jpg").write_bytes(good)
    files = scan_images(tree).photos.to_pylist()
    assert len(files) == 13
    assert "train/person/café 写真.jpg" in files
    assert [(row.filepath, row.reason) for row in scan_images(tree).refused] == [
        (r"train/person/caf\xe9.jpg", "file name is not UTF-8: rename it")]


def test_copies_of_test_images_leave_train(tree: Path, tmp_path: Path) -> None:
    (tree / "train/background/leak.jpg").write_bytes((tree / "test/person/0.jpg").read_bytes())
    (tree / "train/background/copy.jpg").write_bytes((tree / "train/background/0.jpg").read_bytes())
    result = run(list_folders(tree), tree, tmp_path / "out")
    leaks = pacsv.read_csv(tmp_path / "out/leaks.csv").to_pylist()
    assert [row["removed"] for row in leaks] == ["train/background/leak.jpg"]
    assert leaks[0]["same_bytes_as"] == "test/person/0.jpg"
    ids = result.samples.table["sample_id"].to_pylist()
    assert len(ids) == 13 == len(set(ids))
    assert sum(name.endswith("-1") for name in ids) == 1


def test_the_test_split_is_frozen_once_something_is_measured_on_it(tree: Path, tmp_path: Path) -> None:
    """Before that it may change; after it train may, but a test image may not come, go, or change its label."""
    frozen = tmp_path / "frozen.parquet"
    check_test_split(run(list_folders(tree), tree, tmp_path / "first").samples, frozen)
    (tree / "test/person/1.jpg").rename(tree / "test/background/mended.jpg")
    second = run(list_folders(tree), tree, tmp_path / "second").samples
    check_test_split(second, frozen)
    freeze_test_split(second, frozen)
    photo(tree / "train/person/new.jpg", 500)
    check_test_split(run(list_folders(tree), tree, tmp_path / "third").samples, frozen)
    (tree / "test/background/mended.jpg").rename(tree / "test/person/1.jpg")
    fourth = run(list_folders(tree), tree, tmp_path / "fourth").samples
    freeze_test_split(fourth, frozen)
    with pytest.raises(FrozenSplit, match="1 images are new or relabelled, 1 are missing or were relabelled"):
        check_test_split(fourth, frozen)
    frozen.write_bytes(frozen.read_bytes()[:-40])
    with pytest.raises(FrozenSplit, match="cannot be read"):
        check_test_split(second, frozen)


def wake_vision_files(root: Path) -> dict[str, list[Path]]:
    rows = {
        "train": "filename,person,depiction\n" + "a.jpg,1,0\nb.jpg,0,1\nc.jpg,,0\nd.jpg,-1,0\ngone.jpg,1,0\n../x.jpg,1,0\n",
        "validation": "filepath,person\ne.jpg,1.0\nf.jpg,0.0\n",
        "test": "filename,person,dark\ng.jpg,1,1\nh.jpg,0,0\ni.jpg,-1,-1\n",
    }
    files = {}
    for split, text in rows.items():
        files[split] = [root / f"{split}.csv"]
        files[split][0].write_text(text)
    return files


def test_wake_vision_tables(tmp_path: Path) -> None:
    root = tmp_path / "images"
    for seed, name in enumerate("abcdefghij"):
        photo(root / f"{name}.jpg", seed)
    samples = run(list_wake_vision(wake_vision_files(tmp_path)), root, tmp_path / "out").samples
    by_name = {row["filepath"]: row for row in samples.table.to_pylist()}
    assert by_name["a.jpg"]["label"] == "person"
    assert by_name["b.jpg"]["depiction"] == "1"
    assert {name for name, row in by_name.items() if row["split"] == "unlabeled"} == {"c.jpg", "d.jpg", "j.jpg"}
    skipped = {row["filepath"]: row["reason"] for row in pacsv.read_csv(tmp_path / "out/skipped.csv").to_pylist()}
    assert skipped == {"i.jpg": "held-out row without a usable label", "../x.jpg": "path leaves the image root",
                       "gone.jpg": "no such file"}


def test_missing_rows_are_an_error_when_asked(tmp_path: Path) -> None:
    root = tmp_path / "images"
    photo(root / "a.jpg", 1)
    listing = list_wake_vision(wake_vision_files(tmp_path))
    with pytest.raises(InputError, match=r"8 rows have no image file, first: 'b.jpg'") as caught:
        match_files(listing, scan_images(root).photos, root, Matching("error"))
    assert caught.value.where == f"{tmp_path / 'train.csv'}:3"


def test_strange_labels_name_file_and_line(tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("filename,person,split\na.jpg,1,train\nb.jpg,zebra,train\n")
    with pytest.raises(InputError, match="'zebra'") as caught:
        list_table(table, Columns("filename", "person", "split"), {}, np.random.default_rng(0))
    assert caught.value.where == f"{table}:3"


def test_a_split_without_a_class_is_refused_before_anything_is_decoded(tmp_path: Path) -> None:
    names = [f"{split}-{label}.jpg" for split in ("train", "test") for label in (0, 1)]
    for seed, name in enumerate(names):
        photo(tmp_path / "images" / name, seed)
    table = tmp_path / "labels.csv"
    table.write_text("filename,person,split\n" + "".join(f"{name},{name[-5]},{name.partition('-')[0]}\n" for name in names))
    listing = list_table(table, Columns("filename", "person", "split"), {}, np.random.default_rng(0))
    with pytest.raises(InputError, match="split 'validation' holds no image labelled background") as caught:
        run(listing, tmp_path / "images", tmp_path / "out")
    assert "split: null" in caught.value.fix
    assert not (tmp_path / "out").exists()


def test_splits_are_drawn_by_seed(tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("filename,person\n" + "".join(f"{i}.jpg,{i % 2}\n" for i in range(100)))
    shares = {"validation": 0.1, "test": 0.2}
    columns = Columns("filename", "person", None)
    drawn = [list_table(table, columns, shares, np.random.default_rng(seed)).table["split"].to_pylist()
             for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert (drawn[0].count("test"), drawn[0].count("validation")) == (20, 10)


def test_interrupted_ingest_ends_in_the_same_bytes(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_module, "cut", partial(cut, limit=3))
    listing = match_files(list_folders(tree), scan_images(tree).photos, tree)

    def stop_at(limit: int) -> Callable[[int, int], None]:
        def progress(done: int, total: int) -> None:
            if done >= limit:
                raise KeyboardInterrupt
        return progress

    with pytest.raises(KeyboardInterrupt):
        ingest(listing, FolderStore(tree), tmp_path / "cut", stop_at(6), LocalExecutor(2))
    for name in ("cut", "whole"):
        ingest(listing, FolderStore(tree), tmp_path / name, lambda done, total: None, LocalExecutor(2))
    for name in ("samples.parquet", "plan.arrow", "quarantine.csv", "pixels/000003.npy", "examined/000003.parquet"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_full_disk_is_an_error_before_anything_is_decoded(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve images of 144 x 144 x 3 bytes, and one byte less than that."""
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=12 * 144 * 144 * 3 - 1))
        with pytest.raises(OSError, match="No space left") as caught:
            run(list_folders(tree), tree, tmp_path / "out")
    assert caught.value.filename == str(tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()] == ["plan.arrow"]
    assert len(run(list_folders(tree), tree, tmp_path / "out").samples) == 12


def test_voc_labels(shared: Path) -> None:
    root = shared / "data/voc2007_person/images"
    listing = list_table(root.parent / "labels.csv", Columns("filename", "person", "split"), {}, np.random.default_rng(0))
    table = match_files(listing, scan_images(root).photos, root, Matching("error")).table
    assert table.num_rows == 4952
    assert table.group_by("split").aggregate([("label", "count")]).sort_by("split")["label_count"].to_pylist() == [797, 3422, 733]
