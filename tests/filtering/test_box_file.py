"""A user's box file is evidence only when every number in it makes sense."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinysieve.filtering.evidence.box_file import ImageSizes, read_box_file
from tinysieve.filtering.evidence.boxes import Boxes, write_boxes
from tinysieve.ground.errors import InputError

TABLE = ImageSizes(["00a", "00b", "00c"], ["a.jpg", "b.jpg", "c.jpg"], np.array([100, 200, 50]), np.array([50, 80, 50]))


def csv_with(folder: Path, *lines: str) -> Path:
    path = folder / "boxes.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_boxes_are_grouped_by_image_and_empty_rows_count_as_examined(tmp_path):
    path = csv_with(tmp_path, "filepath,x1,y1,x2,y2,confidence,class",
                    "b.jpg,0,0,10,10,0.9,person", "a.jpg,,,,,,", "b.jpg,5,5,20,20,0.4,dog", "b.jpg,1,1,2,2,1,0")
    got = read_box_file(path, TABLE, "pixels").boxes
    assert got.sample_ids.to_pylist() == ["00a", "00b"]
    assert got.counts.tolist() == [0, 3]
    assert got.class_id.tolist() == [0, -1, 0]
    assert got.confidence.tolist() == pytest.approx([0.9, 0.4, 1.0])


def test_units_are_what_the_setting_says(tmp_path):
    shares = csv_with(tmp_path, "sample_id,x1,y1,x2,y2", "00b,0.5,0.25,1,1")
    assert read_box_file(shares, TABLE, "normalised").boxes.xyxy.tolist() == [[100, 20, 200, 80]]
    with pytest.raises(InputError, match="at most 1 pixel"):
        read_box_file(shares, TABLE, "pixels")
    pixels = csv_with(tmp_path, "sample_id,x1,y1,x2,y2", "00b,100,20,200,80")
    with pytest.raises(InputError, match="outside its image when read as normalised"):
        read_box_file(pixels, TABLE, "normalised")


def test_unknown_images_are_counted_and_named(tmp_path):
    path = csv_with(tmp_path, "filepath,x1,y1,x2,y2", "a.jpg,0,0,9,9", "x.jpg,0,0,9,9", "x.jpg,1,0,9,9", "y.jpg,,,,")
    got = read_box_file(path, TABLE, "pixels")
    assert (got.unknown_count, got.unknown) == (2, ("x.jpg", "y.jpg"))
    assert got.boxes.sample_ids.to_pylist() == ["00a"]
    with pytest.raises(InputError, match="none of its 1 images"):
        read_box_file(csv_with(tmp_path, "filepath,x1,y1,x2,y2", "x.jpg,0,0,9,9"), TABLE, "pixels")


def test_a_little_outside_is_cut_at_the_border_and_counted(tmp_path):
    got = read_box_file(csv_with(tmp_path, "filepath,x1,y1,x2,y2", "a.jpg,-1,0,101,50"), TABLE, "pixels")
    assert got.boxes.xyxy.tolist() == [[0, 0, 100, 50]]
    assert got.clipped_count == 1


@pytest.mark.parametrize(("row", "message"), [
    ("a.jpg,nan,0,9,9,1", "row 2 has a corner that is no number"),
    ("a.jpg,inf,0,9,9,1", "no number"),
    ("a.jpg,9,0,1,9,1", "row 2 has reversed corners"),
    ("a.jpg,0,,9,9,1", "some empty corners"),
    ("a.jpg,0,0,9,9,85", "confidence that is not in"),
    ("a.jpg,0,0,9,9,nan", "confidence that is not in"),
    ("a.jpg,0,0,9,9,", "confidence that is not in"),
    ("a.jpg,zero,0,9,9,1", "cannot be read"),
    ("a.jpg,0,0,900,9,1", "outside its image"),
])
def test_broken_rows_stop_the_run_and_are_named(tmp_path, row, message):
    path = csv_with(tmp_path, "filepath,x1,y1,x2,y2,confidence", "b.jpg,0,0,9,9,1", row)
    with pytest.raises(InputError, match=message):
        read_box_file(path, TABLE, "pixels")


def test_missing_columns_and_files_are_named(tmp_path):
    with pytest.raises(InputError, match="no column y2"):
        read_box_file(csv_with(tmp_path, "filepath,x1,y1,x2", "a.jpg,0,0,9"), TABLE, "pixels")
    with pytest.raises(InputError, match="sample_id or filepath"):
        read_box_file(csv_with(tmp_path, "photo,x1,y1,x2,y2", "a.jpg,0,0,9,9"), TABLE, "pixels")
    with pytest.raises(InputError, match="cannot be read"):
        read_box_file(tmp_path / "none.csv", TABLE, "pixels")
    with pytest.raises(InputError, match="units 'percent'"):
        read_box_file(tmp_path / "none.csv", TABLE, "percent")


def test_our_own_detections_are_a_box_file_too(tmp_path):
    path = tmp_path / "detections.parquet"
    write_boxes(Boxes.from_lists(["zz", "00c"], [np.zeros((0, 6)), np.array([[1, 2, 3, 4, 0.5, 0]])]), path)
    got = read_box_file(path, TABLE, "pixels")
    assert (got.boxes.sample_ids.to_pylist(), got.boxes.counts.tolist()) == (["00c"], [1])
    assert got.unknown == ("zz",)
