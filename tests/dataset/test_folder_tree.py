"""A version as a tree of folders: what goes where, names that are hostile or stand twice, and all or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinysieve.dataset.classes import DROPPED, NEGATIVE, POSITIVE, UNLABELED
from tinysieve.dataset.folder_tree import copy, export_tree, hard_link, safe_names, symbolic_link
from tinysieve.dataset.image_store import content_id
from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.sources.folders import list_folders
from tinysieve.dataset.sources.image_folder import scan_images
from tinysieve.dataset.stores.folder_store import FolderStore
from tinysieve.dataset.versions import Version, first_version
from tinysieve.ground.errors import InputError

NAMES = ("a/1.jpg", "b/1.jpg", "b/2.JPG", "c/ü;rm -rf.jpg", "c/.hidden.jpg", "t/9.jpg", "u/8.jpg", "u/7.jpg", "v/6.jpg")
SPLITS = ("train",) * 5 + ("test", "unlabeled", "unlabeled", "validation")
LABELS = (POSITIVE, POSITIVE, NEGATIVE, POSITIVE, DROPPED, NEGATIVE, POSITIVE, UNLABELED, POSITIVE)


def nothing(done: int, total: int) -> None:
    """No progress shown."""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A file for each name, with the name as its bytes."""
    root = tmp_path / "images"
    for name in NAMES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return root


def samples(names: tuple[str, ...] = NAMES) -> SampleTable:
    count = len(names)
    return SampleTable(pa.table({
        "sample_id": [content_id(name.encode()) for name in names], "filepath": list(names), "width": [10] * count,
        "height": [10] * count, "split": list(SPLITS[:count]), "label": pa.nulls(count, pa.string()),
        "pixel_row": range(count)}))


def version() -> Version:
    first = first_version(samples())
    return Version("f00d", first.id, np.array(LABELS, np.int8), first.ledger, "")


def test_every_label_goes_to_its_folder_and_the_tree_reads_back_as_it_was(photos: Path, tmp_path: Path) -> None:
    made = export_tree(samples(), version(), FolderStore(photos), tmp_path / "tree", copy, nothing)
    assert made.images == {"train/person": 4, "train/background": 1, "val/person": 1, "val/background": 0,
                           "test/person": 0, "test/background": 1}
    assert (made.unlabeled, made.dropped, made.version) == (1, 1, "f00d")
    assert json.loads((tmp_path / "tree" / "version.json").read_text())["version"] == "f00d"
    photos = scan_images(tmp_path / "tree").photos
    listed = list_folders(photos, tmp_path / "tree", ("train",)).table.to_pylist()
    read = {(tmp_path / "tree" / row["filepath"]).read_text(): (row["split"], row["label"]) for row in listed}
    words = {POSITIVE: "person", NEGATIVE: "background"}
    assert read == {name: ("train" if split == "unlabeled" else split, words[label])
                    for name, split, label in zip(NAMES, SPLITS, LABELS, strict=True) if label >= 0}


@pytest.mark.parametrize("place", [copy, symbolic_link, hard_link])
def test_links_and_copies_hold_the_same_bytes_and_only_links_share_them(
    photos: Path, tmp_path: Path, place: Callable[[Path, Path], None]
) -> None:
    export_tree(samples(), version(), FolderStore(photos), tmp_path / "tree", place, nothing)
    out, photo = tmp_path / "tree/train/background/2.JPG", photos / "b/2.JPG"
    assert out.read_bytes() == b"b/2.JPG"
    assert out.is_symlink() == (place is symbolic_link)
    assert out.samefile(photo) == (place is not copy)


def test_relative_image_folders_give_links_that_work(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    export_tree(samples(), version(), FolderStore(Path("images")), Path("deep") / "tree", symbolic_link, nothing)
    assert (tmp_path / "deep/tree/test/background/9.jpg").read_bytes() == b"t/9.jpg"


def test_a_folder_that_holds_anything_is_refused_and_left_alone(photos: Path, tmp_path: Path) -> None:
    target = tmp_path / "tree"
    target.mkdir()
    (target / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        export_tree(samples(), version(), FolderStore(photos), target, copy, nothing)
    assert [path.name for path in target.iterdir()] == ["mine.txt"]


def test_among_the_images_is_refused(photos: Path) -> None:
    with pytest.raises(InputError, match="inside the image folder"):
        export_tree(samples(), version(), FolderStore(photos), photos / "tree", copy, nothing)


def test_a_missing_photo_leaves_nothing_behind(photos: Path, tmp_path: Path) -> None:
    (photos / "t/9.jpg").unlink()
    with pytest.raises(InputError, match="it is gone") as error:
        export_tree(samples(), version(), FolderStore(photos), tmp_path / "tree", copy, nothing)
    assert error.value.where.endswith("t/9.jpg")
    assert [path.name for path in tmp_path.iterdir()] == ["images"]


def test_a_path_that_leaves_the_image_folder_is_refused(photos: Path, tmp_path: Path) -> None:
    hostile = samples(("../secret.jpg", *NAMES[1:]))
    with pytest.raises(InputError, match="leaves the image folder"):
        export_tree(hostile, version(), FolderStore(photos), tmp_path / "tree", copy, nothing)


@given(st.lists(st.tuples(st.sampled_from(["train/person", "test/person"]), st.text(min_size=1, max_size=140)), max_size=12))
def test_names_are_harmless_and_stand_once(drawn: list[tuple[str, str]]) -> None:
    paths = [PurePosixPath("x") / (text.replace("/", "|").replace("\0", "|") + ".jpg") for _, text in drawn]
    names = safe_names([where for where, _ in drawn], paths, [f"{number:032x}" for number in range(len(drawn))])
    assert len({(where, name.lower()) for (where, _), name in zip(drawn, names, strict=True)}) == len(names)
    for name in names:
        assert name.endswith(".jpg")
        assert not name.startswith((".", "-"))
        assert not set(name) & set('/\\:*?"<>|\n ')


def test_a_name_that_windows_keeps_for_a_device_is_changed() -> None:
    assert safe_names(["train/person"], [PurePosixPath("nul.jpg")], ["0a"]) == ["nul_.jpg"]
