"""Labels that webdataset packs beside photos: the right value for each, and a name for what is left out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from stored_photos import jpeg
from test_stores import ingested, opened, tar_of

from tinysieve.ground.errors import InputError

SPLITS = {"train": (0, 8), "validation": (8, 12), "test": (12, 16)}


def shards(folder: Path, label: str) -> dict[str, str]:
    """A shard a split; photo N is a person where N is even, said by `.cls` or by the JSON."""
    for split, (first, last) in SPLITS.items():
        members: list[tuple[str, bytes]] = []
        for number in range(first, last):
            key = f"set/{number:04}"
            members.append((f"{key}.jpg", jpeg(number)))
            if label == "cls":
                members.append((f"{key}.cls", b"%d\n" % (number % 2 == 0)))
            facts = {"person": "person" if number % 2 == 0 else "background", "camera": number, "boxes": [[0, 0, 1, 1]]}
            members.append((f"{key}.json", json.dumps(facts).encode()))
        tar_of(folder / f"{split}.tar", members)
    return {split: str(folder / f"{split}.tar") for split in SPLITS}


@pytest.mark.parametrize("label", ["cls", "person"])
def test_each_photo_has_the_label_of_its_name(label: str, tmp_path: Path) -> None:
    samples = ingested(tmp_path, "wds", {"kind": "shards", "images": shards(tmp_path, label), "label": label})
    rows = {Path(row["filepath"]).stem: row for row in samples.table.to_pylist()}
    assert len(rows) == 16
    for name, row in rows.items():
        number = int(name)
        assert row["label"] == ("person" if number % 2 == 0 else "background")
        assert row["split"] == next(split for split, (first, last) in SPLITS.items() if first <= number < last)
        assert row["camera"] == number


def test_what_has_no_photo_or_is_no_label_is_named(tmp_path: Path) -> None:
    archive = tar_of(tmp_path / "a.tar", [
        ("1.jpg", jpeg(1)), ("1.seg.png", jpeg(2)), ("1.cls", b"1"), ("2.cls", b"0"), ("3.jpg", jpeg(3)), ("3.json", b"[1, 2"),
        ("4.jpg", jpeg(4)), ("4.json", b"[" * 60_000)])
    images = opened(archive, tmp_path).scan()
    assert images.photos.to_pylist() == ["1.jpg", "3.jpg", "4.jpg"]
    assert {row.filepath: row.reason for row in images.refused} == {
        "1.seg.png": "a second picture of its name, such as a mask", "2": "no photo has its name",
        "3.json": "no JSON object of single values", "4.json": "no JSON object of single values"}
    assert images.rows is not None
    assert images.rows["cls"].to_pylist() == ["1", None, None]


def test_a_tar_of_photos_alone_has_no_labels(tmp_path: Path) -> None:
    archive = tar_of(tmp_path / "a.tar", [("1.jpg", jpeg(1)), ("1.b.jpg", jpeg(2))])
    assert opened(archive, tmp_path).scan().photos.to_pylist() == ["1.b.jpg", "1.jpg"]
    with pytest.raises(InputError, match="these files hold images and no labels"):
        ingested(tmp_path, "wds", {"kind": "shards", "images": str(archive), "label": "cls"})
