"""Names that nearly match: taken where they can mean one file only, and said; otherwise the pairs are."""

from __future__ import annotations

import unicodedata

import pyarrow as pa
import pytest

from tinysieve.dataset.sources.listing import Listing, make_listing
from tinysieve.dataset.sources.near_names import take_near_names
from tinysieve.ground.errors import InputError


def named(*rows: str) -> Listing:
    return make_listing(pa.array(rows), pa.array(["train"] * len(rows)), pa.array(["person"] * len(rows)))


def nfd(text: str) -> str:
    return unicodedata.normalize("NFD", text)


@pytest.mark.parametrize(("row", "file", "words"), [
    ("café.jpg", nfd("café.jpg"), "another Unicode form"), (nfd("café.jpg"), "café.jpg", "another Unicode form"),
    ("A.JPG", "a.jpg", "upper and lower case"), ("images/sub/a.jpg", "sub/a.jpg", "other folders in front"),
    ("/data/x/sub/a.jpg", "sub/a.jpg", "other folders in front"), ("a.jpg", "sub/a.jpg", "other folders in front"),
    (r"C:\photos\sub\a.jpg", "sub/a.jpg", "other folders in front"), (r"sub\a.jpg", "sub/a.jpg", "other signs"),
    ("https://host/x/sub/a%20b.jpg?size=1", "sub/a b.jpg", "other folders in front"),
    ("../images/a.jpg", "a.jpg", "folders in front"), ("a", "a.jpg", "another ending"), ("a.png", "a.jpg", "another ending"),
    ("x/y/A", "y/a.JPEG", "another ending and other folders"),
    (" a.jpg ", "a.jpg", "other signs"),
    (f"/X/{nfd('Café')}.JPG", "café.jpg", "other folders in front and other upper and lower case"),
    ("a.b", "a.b.jpg", "another ending"),
    ("/data/upload/3/0a1b2c3d-a.jpg", "sub/a.jpg", "mark of an upload"), ("0a1b2c3d-A.jpg", "a.jpg", "mark of an upload"),
    ("36", "000036.jpg", "its number without the zeros"), ("36.0", "sub/0036.png", "its number without the zeros"),
    ("36.jpg", "000036.jpg", "its number without the zeros"),
    ("'a.jpg'", "a.jpg", "other signs"), ('"a.jpg"', "a.jpg", "other signs"), ("b'sub/a.jpg'", "sub/a.jpg", "other signs"),
    ("PosixPath('sub/a.jpg')", "sub/a.jpg", "other signs"), ("\u200ba.jpg", "a.jpg", "other signs"),
])
def test_a_row_that_means_one_file_gets_its_name(row: str, file: str, words: str) -> None:
    listing = take_near_names(named("there.jpg", row), pa.array(["there.jpg", file]))
    assert listing.table["filepath"].to_pylist() == ["there.jpg", file]
    assert len(listing.notes) == 1
    assert words in listing.notes[0]
    assert listing.notes[0].startswith("1 photo is named")


@pytest.mark.parametrize(("rows", "files"), [
    (["a.jpg"], ["x/a.jpg", "y/a.jpg"]), (["A.jpg", "a.JPG"], ["a.jpg"]), (["x/a.jpg", "y/a.jpg"], ["a.jpg"]),
    (["a"], ["a.jpg", "a.png"]), (["A.JPG"], ["a.jpg", "a.JPG"]),
    (["36"], ["x/036.jpg", "y/0036.jpg"]), (["0a1b2c3d-a.jpg", "9a1b2c3d-a.jpg"], ["a.jpg"]),
    (["x/0a1b2c3d-a.jpg"], ["a.jpg", "y/a.jpg"]),
])
def test_what_could_mean_several_stops_with_the_pairs(rows: list[str], files: list[str]) -> None:
    with pytest.raises(InputError, match="could mean several") as caught:
        take_near_names(named(*rows), pa.array(files))
    assert all(repr(name) in caught.value.what for name in (*rows, *files))


@pytest.mark.parametrize(("rows", "files"), [
    (["train/a.jpg", "b.jpg"], ["val/a.jpg", "b.jpg"]), (["a.jpg"], ["b.jpg"]), (["a.jpg"], []), (["a1.jpg"], ["a.jpg"]),
    (["x/36.jpg"], ["000036.jpg"]), (["1a-a.jpg"], ["a.jpg"]), (["36b.jpg"], ["36.jpg"]),
])
def test_other_names_stay_lost(rows: list[str], files: list[str]) -> None:
    listing = take_near_names(named(*rows), pa.array(files, pa.string()))
    assert listing.table["filepath"].to_pylist() == rows
    assert listing.notes == ()


@pytest.mark.parametrize(("row", "file"), [
    ("P_0.PNG", "p_0.png"), (nfd("é.jpg"), "é.jpg"), (r"sub\a.jpg", "sub/a.jpg"), ("'a.jpg'", "a.jpg")])
def test_another_spelling_of_a_named_photo_is_one_more_row_about_it(row: str, file: str) -> None:
    """Left out, its label would be lost, and with it a contradiction."""
    listing = take_near_names(named(file, row, "b.jpg"), pa.array([file, "b.jpg"]))
    assert listing.table["filepath"].to_pylist() == [file, file, "b.jpg"]
    assert len(listing.notes) == 1
    assert "one more row about the photo" in listing.notes[0]


@pytest.mark.parametrize("row", ["a.png", "x/a.jpg", "0a1b2c3d-a.jpg", "/data/a.jpg"])
def test_a_named_photo_is_nobody_elses_where_more_than_the_spelling_differs(row: str) -> None:
    listing = take_near_names(named("a.jpg", row), pa.array(["a.jpg"]))
    assert listing.table["filepath"].to_pylist() == ["a.jpg", row]
    assert listing.notes == ()


def test_two_photos_whose_names_differ_in_case_keep_their_rows() -> None:
    names = ["a.jpg", "A.jpg", "A.JPG"]
    assert take_near_names(named(*names), pa.array(names[:2])).table["filepath"].to_pylist() == names


def test_where_all_rows_and_all_files_lie_below_other_folders_only_what_is_below_counts() -> None:
    files = ["photos/train/a.jpg", "photos/val/a.jpg"]
    listing = take_near_names(named("/home/me/set/train/a.jpg", "/home/me/set/val/a.jpg"), pa.array(files))
    assert listing.table["filepath"].to_pylist() == files
    assert "2 photos are named by the table below another folder" in listing.notes[0]


def test_all_rows_of_one_photo_are_taken_together() -> None:
    listing = take_near_names(named("A.jpg", "A.jpg", "b.jpg"), pa.array(["a.jpg", "b.jpg"]))
    assert listing.table["filepath"].to_pylist() == ["a.jpg", "a.jpg", "b.jpg"]
