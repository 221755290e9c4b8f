"""Folders to packed images: what is there, what is broken, and what must stop the run."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataset.errors import InputError
from training.folder_images import pack_folders


def silent(done: int, total: int) -> None:
    pass


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two images a class and split, each of one colour of its own."""
    root, colour = tmp_path / "data", 0
    for split in ("train", "val", "test"):
        for name in ("background", "person"):
            (root / split / name).mkdir(parents=True)
            for number in range(2):
                colour += 20
                Image.new("RGB", (30, 20), (colour, 0, 255 - colour)).save(root / split / name / f"{number}.png")
    return root


def test_every_image_is_packed_under_its_label(tree, tmp_path):
    images = pack_folders(tree, tmp_path / "work", silent)
    for split, first in (("train", 20), ("validation", 100), ("test", 180)):
        part = images.split(split)
        assert part.labels.tolist() == [0, 0, 1, 1]
        assert part.pixels[part.rows][:, 70, 70, 0].tolist() == [first + 20 * number for number in range(4)]
    assert images.pixels.shape == (12, 144, 144, 3)


def test_validation_may_be_written_out(tree, tmp_path):
    (tree / "val").rename(tree / "validation")
    assert len(pack_folders(tree, tmp_path / "work", silent).split("validation")) == 4


def test_packing_happens_once_until_a_file_changes(tree, tmp_path):
    calls: list[int] = []
    pack_folders(tree, tmp_path / "work", lambda done, total: calls.append(done))
    pack_folders(tree, tmp_path / "work", lambda done, total: calls.append(done))
    assert calls == list(range(1, 13))
    changed = tree / "train" / "person" / "0.png"
    Image.new("RGB", (30, 20), (7, 7, 7)).save(changed)
    os.utime(changed, ns=(1, 1))
    images = pack_folders(tree, tmp_path / "work", silent)
    assert np.asarray(images.pixels[2]).max() == 7


def test_a_broken_file_is_named_and_left_out(tree, tmp_path):
    (tree / "train" / "person" / "2.jpg").write_bytes(b"no image")
    images = pack_folders(tree, tmp_path / "work", silent)
    assert images.broken == (("train/person/2.jpg", "not an image"),)
    assert len(images.split("train")) == 4
    assert "not an image" in (tmp_path / "work" / "quarantine.csv").read_text()


def test_a_missing_folder_is_named(tree, tmp_path):
    (tree / "val").rename(tree / "other")
    with pytest.raises(InputError, match="val or validation"):
        pack_folders(tree, tmp_path / "work", silent)


def test_a_missing_class_is_named(tree, tmp_path):
    for path in (tree / "test" / "person").iterdir():
        path.unlink()
    with pytest.raises(InputError, match="no image of class 'person'"):
        pack_folders(tree, tmp_path / "work", silent).split("test")


def test_a_test_image_in_train_stops_the_run(tree, tmp_path):
    (tree / "train" / "person" / "9.png").write_bytes((tree / "test" / "person" / "0.png").read_bytes())
    with pytest.raises(InputError, match="1 images of train or validation are in test too"):
        pack_folders(tree, tmp_path / "work", silent)
