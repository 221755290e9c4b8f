"""Folders as exporters write them, litter among them, links, and holdouts drawn for them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from tinysieve.dataset.classes import PERSON_TASK, ClassNames
from tinysieve.dataset.executors.local import LocalExecutor
from tinysieve.dataset.ingest import ingest
from tinysieve.dataset.sources.folders import OUTSIDE, list_folders
from tinysieve.dataset.sources.image_folder import scan_images
from tinysieve.dataset.sources.label_words import LabelWords
from tinysieve.dataset.sources.listing import Listing, draw_holdouts
from tinysieve.dataset.sources.match_files import match_files
from tinysieve.dataset.stores.folder_store import FolderStore
from tinysieve.ground.errors import InputError

SHARES = {"validation": 0.1, "test": 0.2}


def listed(root: Path, *names: str, words: LabelWords | None = None) -> Listing:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return list_folders(scan_images(root).photos, root, words=words or LabelWords.of(PERSON_TASK))


def rows(listing: Listing) -> dict[str, tuple[str, str]]:
    return {row["filepath"]: (row["split"], row["label"]) for row in listing.table.to_pylist()}


@pytest.mark.parametrize(("split", "meant"), [("valid", "validation"), ("val", "validation"), ("Training", "train"),
                                              ("testing", "test")])
@pytest.mark.parametrize(("folder", "label"), [
    ("non_person", "background"), ("not-person", "background"), ("No Person", "background"), ("negative", "background"),
    ("nonpersons", "background"), ("0", "background"), ("Persons", "person"), ("positive", "person"), ("1", "person"),
    ("0_background", "background"), ("1-Person", "person"), ("002.no person", "background"),
])
def test_names_of_splits_and_classes(tmp_path: Path, split: str, meant: str, folder: str, label: str) -> None:
    assert rows(listed(tmp_path, f"{split}/{folder}/a.jpg")) == {f"{split}/{folder}/a.jpg": (meant, label)}


@pytest.mark.parametrize("name", ["new\nline.jpg", "写真 😀.jpg", "comma,;'.jpg", "-dash.jpg", " led.jpg", "tab\t.jpg",
                                  "$&\\1.jpg"])
@pytest.mark.parametrize("before", ["", "data/"])
def test_any_name_of_a_file_is_read(tmp_path: Path, before: str, name: str) -> None:
    files = [f"{before}train/person/{name}", f"{before}train/background/{name}"]
    assert rows(listed(tmp_path, *files)) == {files[0]: ("train", "person"), files[1]: ("train", "background")}


@pytest.mark.parametrize("word", ["unknown", "Unsure", "not sure", "ignore", "?"])
def test_who_cannot_tell_gives_no_label(tmp_path: Path, word: str) -> None:
    """Neither as a folder nor in a table: a doubt is no background. A user's own word for a class is that class."""
    names = [f"{split}/{folder}/a.jpg" for split in ("train", "test") for folder in ("person", "background", word)]
    listing = listed(tmp_path, *names)
    assert rows(listing)[f"train/{word}/a.jpg"] == ("unlabeled", None)
    assert any("2 photos in folders that say no class: without a label" in note for note in listing.notes)
    found = match_files(listing, scan_images(tmp_path).photos, tmp_path)
    assert [row.filepath for row in found.skipped] == [f"test/{word}/a.jpg"]
    column = pa.array(["person", word, "background"])
    assert LabelWords.of(PERSON_TASK).read(column, str).to_pylist() == ["person", None, "background"]
    own = LabelWords.of(PERSON_TASK, {"person": ("person",), "background": ("background", word)})
    assert own.read(column, str).to_pylist() == ["person", "background", "background"]


@pytest.mark.parametrize(("before", "between"), [("data/", ""), ("export/set/", ""), ("a/b/c/", ""), ("", "images/"),
                                                ("data/", "photos/")])
def test_a_folder_more_is_seen_through_and_said(tmp_path: Path, before: str, between: str) -> None:
    names = [f"{before}{split}/{between}{label}/a.jpg" for split in ("train", "test") for label in ("person", "background")]
    listing = listed(tmp_path, *names)
    assert list(rows(listing).values()) == [(split, label) for split in ("test", "train") for label in ("background", "person")]
    assert "the folders are read as" in listing.notes[0]


@pytest.mark.parametrize("inner", ["train/background/person/x.jpg", "train/person/non_person/x.jpg", "train/person/0/deep/x.jpg"])
def test_a_class_folder_inside_the_other_one_is_refused(tmp_path: Path, inner: str) -> None:
    with pytest.raises(InputError, match="1 image lies in a folder of one class inside a folder of the other"):
        listed(tmp_path, "train/person/a.jpg", "train/background/b.jpg", inner)


@pytest.mark.parametrize(("names", "column"), [(("empty", "stocked"), "empty"), (("empty", "stocked"), "is_empty"),
                                               (("vacant", "taken"), "Vacant"), (("clear", "blocked"), "is_clear")])
def test_a_class_that_is_called_like_an_absence_is_read(names: tuple[str, str], column: str) -> None:
    words = LabelWords.of(ClassNames(*names))
    assert words.read_column(pa.array(["1", "0"]), str, column).to_pylist() == list(names)


@pytest.mark.parametrize("column", ["is_empty", "empty", "has_nobody", "Is Background", "vacant", "contains_no_person", "nobody"])
def test_a_column_called_like_absence_says_no_presence(column: str) -> None:
    words = LabelWords.of(PERSON_TASK)
    with pytest.raises(InputError, match="its 1 would mean person"):
        words.read_column(pa.array(["1", "0"]), str, column)


@pytest.mark.parametrize("column", ["is_person", "has_person", "label", "contains person", "labels", "class"])
def test_a_column_called_like_presence_or_nothing_is_read(column: str) -> None:
    assert LabelWords.of(PERSON_TASK).read_column(pa.array(["1", "NA", "0"]), str, column).to_pylist() == [
        "person", None, "background"]


def test_classes_without_splits_and_classes_outside_splits(tmp_path: Path) -> None:
    flat = listed(tmp_path / "vw_coco2014_96", "person/a.jpg", "non_person/b.jpg")
    assert rows(flat) == {"person/a.jpg": ("train", "person"), "non_person/b.jpg": ("train", "background")}
    outside = listed(tmp_path / "x", "person/train/a.jpg", "background/val/b.jpg")
    assert rows(outside) == {"person/train/a.jpg": ("train", "person"), "background/val/b.jpg": ("validation", "background")}


def test_words_of_the_user_and_the_star(tmp_path: Path) -> None:
    words = LabelWords.of(PERSON_TASK, {"person": ("n00007846", "human"), "background": ("*",)})
    listing = listed(tmp_path, "train/n00007846/a.jpg", "train/n02084071/b.jpg", "train/Human/c.jpg", words=words)
    assert rows(listing) == {
        "train/n00007846/a.jpg": ("train", "person"), "train/n02084071/b.jpg": ("train", "background"),
        "train/Human/c.jpg": ("train", "person")}


@pytest.mark.parametrize(("classes", "message"), [
    ({"dog": ("x",)}, "no class is called 'dog'"), ({"person": ("x",), "background": ("X",)}, "'x' stands for both"),
    ({"person": ("*",), "background": ("*",)}, r"'\*' stands for both"), ({"person": ("background",)}, "stands for both"),
])
def test_words_that_say_two_things(classes: dict[str, tuple[str, ...]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        LabelWords.of(PERSON_TASK, classes)


def test_another_task_has_its_own_words(tmp_path: Path) -> None:
    words = LabelWords.of(ClassNames("cat", "no_cat"))
    assert rows(listed(tmp_path, "train/cat/a.jpg", "train/without cats/b.jpg", words=words)) == {
        "train/cat/a.jpg": ("train", "cat"), "train/without cats/b.jpg": ("train", "no_cat")}


@pytest.mark.parametrize("column", ["background", "Non-Person", "no_person"])
def test_a_column_called_like_the_negative_class_does_not_turn_the_labels(column: str) -> None:
    words = LabelWords.of(PERSON_TASK)
    with pytest.raises(InputError, match=f"the column '{column}' holds 0, 1: its 1 would mean person"):
        words.read_column(pa.array(["1", "0"]), str, column)
    assert words.read_column(pa.array(["person", "background"]), str, column).to_pylist() == ["person", "background"]
    assert words.read_column(pa.array([1, 0]), str, "label").to_pylist() == ["person", "background"]


@pytest.mark.parametrize(("names", "message"), [
    (("train/person/a.jpg", "train/nobody/b.jpg"), "1 image lies outside the class folders, first: 'train/nobody/b.jpg'"),
    (("person/a.jpg", "dogs/b.jpg"), "1 image lies outside the class folders"),
    (("train/person/a.jpg", "train/b.jpg"), "outside the class folders"),
    (("dogs/a.jpg",), "no folder is called person, background"),
    (("a/train/person/x.jpg", "b/train/person/y.jpg"), "there are several trees: a/, b/"),
])
def test_what_cannot_be_read_is_refused(tmp_path: Path, names: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        listed(tmp_path, *names)
    assert "dataset." in caught.value.fix


def test_photos_outside_the_folders_are_counted(tmp_path: Path) -> None:
    listing = listed(tmp_path, "train/person/a.jpg", "train/background/b.jpg", "docs/c.jpg", "d.jpg")
    assert listing.notes == ("2 photos outside these folders left out, such as 'd.jpg'",)
    assert {row.filepath: row.reason for row in listing.skipped} == dict.fromkeys(("docs/c.jpg", "d.jpg"), OUTSIDE)
    found = match_files(listing, scan_images(tmp_path).photos, tmp_path)
    assert sorted(found.table["filepath"].to_pylist()) == ["train/background/b.jpg", "train/person/a.jpg"]


def test_training_folders_that_are_not_chosen_come_in_as_nothing(tmp_path: Path) -> None:
    """Not as unlabeled photos either, and nothing is lost with them."""
    listed(tmp_path, "train_quality/1/a.jpg", "train_quality/0/b.jpg", "train_large/1/c.jpg", "unlabeled_images/d.jpg")
    photos = scan_images(tmp_path).photos
    listing = match_files(list_folders(photos, tmp_path, ("train_quality",)), photos, tmp_path)
    assert listing.skipped == ()
    assert {name: split for name, (split, _) in rows(listing).items()} == {
        "train_quality/1/a.jpg": "train", "train_quality/0/b.jpg": "train", "unlabeled_images/d.jpg": "unlabeled"}


def test_holdouts_are_drawn_by_class_and_said(tmp_path: Path) -> None:
    """Of 20 photos of a class 4 for test and 2 for validation; of a split that is there nothing."""
    names = [f"train/{label}/{number}.jpg" for label in ("person", "background") for number in range(20)]
    listing = draw_holdouts(listed(tmp_path, *names), SHARES, np.random.default_rng(0))
    counts = listing.table.group_by(["split", "label"]).aggregate([([], "count_all")]).to_pylist()
    assert sorted((row["split"], row["label"], row["count_all"]) for row in counts) == [
        (split, label, count) for split, count in (("test", 4), ("train", 14), ("validation", 2))
        for label in ("background", "person")]
    assert [note.split(",")[0] for note in listing.notes[-2:]] == ["8 photos drawn as test", "4 photos drawn as validation"]
    again = draw_holdouts(listed(tmp_path, *names, "val/person/x.jpg"), SHARES, np.random.default_rng(0))
    assert again.table["split"].to_pylist().count("validation") == 1


def test_litter_is_no_photo_unless_a_row_names_it(tmp_path: Path) -> None:
    litter = (".ipynb_checkpoints/a-checkpoint.jpg", "@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg", "._a.jpg", ".Trash-1000/files/a.jpg",
              "thumbnails/a.jpg", "Trash/b.jpg", "__MACOSX/._a.jpg", "$RECYCLE.BIN/a.png", "#recycle/a.jpg", ".hidden/sub/a.jpg",
              "@Recycle/a.jpg", "_thumbs/a.jpg", "preview/a.jpg", "a.jpg.part")
    for name in ("a.jpg", "sub/b.jpg", *litter, "Thumbs.db", ".DS_Store"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    folder = scan_images(tmp_path)
    assert folder.photos.to_pylist() == ["a.jpg", "sub/b.jpg"]
    assert sorted(folder.litter) == sorted(litter)
    assert folder.notes[0].startswith("14 pictures left out")
    assert "Trash/b.jpg" in scan_images(tmp_path, keep=("trash",)).photos.to_pylist()


def picture(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (20, 20, 3), dtype=np.uint8)).save(path, "PNG")


def test_content_decides_what_is_a_photo(tmp_path: Path) -> None:
    for name in ("a.jpg_large", "b", "c.dat", "d.HEIC"):
        picture(tmp_path / name, 0)
    (tmp_path / "e.ppm").write_bytes(b"P6\n1 1\n255\n\0\0\0")
    (tmp_path / "notes").write_text("hello")
    (tmp_path / "list.txt").write_text("a.jpg")
    assert scan_images(tmp_path).photos.to_pylist() == ["a.jpg_large", "b", "c.dat", "d.HEIC", "e.ppm"]


@pytest.fixture
def linked(tmp_path: Path) -> tuple[Path, Path]:
    """A tree whose photos are links into a store, and one class folder that is a link itself."""
    store, tree = tmp_path / "store", tmp_path / "tree"
    for seed, (split, label) in enumerate((s, c) for s in ("train", "val", "test") for c in ("person", "background")):
        picture(store / f"{seed}.png", seed)
        (tree / split / label).mkdir(parents=True)
        (tree / split / label / "x.png").symlink_to(store / f"{seed}.png")
    picture(store / "more/y.png", 9)
    shutil.rmtree(tree / "train/person")
    (tree / "train/person").symlink_to(store / "more")
    (store / "more/circle").symlink_to(store / "more")
    return tree, store


def test_links_are_followed_into_named_folders_only(linked: tuple[Path, Path], tmp_path: Path) -> None:
    tree, store = linked
    folder = scan_images(tree, (store,))
    assert len(folder.photos) == 6
    listing = match_files(list_folders(folder.photos, tree), folder.photos, tree)
    result = ingest(listing, FolderStore(tree, (store,)), tmp_path / "out", lambda done, total: None, LocalExecutor(1))
    assert (len(result.samples), result.quarantined) == (6, 0)
    assert scan_images(tree).notes == ("1 links to folders are not followed, such as 'train/person': dataset.follow_links: "
                                         "[FOLDER] names where links may lead",)
    with pytest.raises(InputError, match="holds no decodable image") as caught:
        ingest(listing, FolderStore(tree), tmp_path / "none", lambda done, total: None, LocalExecutor(1))
    assert caught.value.why.startswith("6 of 6 lost files: path leaves the image root; dataset.follow_links")
    assert str(tmp_path / "none/quarantine.csv") in caught.value.why


def test_a_link_back_into_the_photos_is_not_walked_again(tmp_path: Path) -> None:
    """Every photo above it would come in a second time, and the class of the link's folder would be its label."""
    picture(tmp_path / "train/person/a.png", 0)
    picture(tmp_path / "train/background/b.png", 1)
    (tmp_path / "train/person/loop").symlink_to(tmp_path / "train")
    scan = scan_images(tmp_path, (tmp_path,))
    assert scan.photos.to_pylist() == ["train/background/b.png", "train/person/a.png"]
    assert scan.unfollowed == ("train/person/loop",)
