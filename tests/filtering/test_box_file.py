"""A user's box file is evidence only when every number in it makes sense, and nothing in it has to be guessed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from tinysieve.dataset.table_file import open_table
from tinysieve.filtering.evidence.box_classes import NUMBERINGS, BoxClasses
from tinysieve.filtering.evidence.box_file import ImageSizes, ImportedBoxes, read_box_file
from tinysieve.filtering.evidence.box_files.listed_boxes import Stated
from tinysieve.filtering.evidence.boxes import Boxes, read_boxes, write_boxes
from tinysieve.ground.errors import InputError

TABLE = ImageSizes(["00a", "00b", "00c"], ["a.jpg", "b.jpg", "c.jpg"], np.array([100, 200, 50]), np.array([50, 80, 50]))
# All that a table of bare corners lacks.
PERSONS = Stated(class_of_all="person", confidence=1.0)
COCO80, COCO91 = Stated(names=NUMBERINGS["coco80"]), Stated(names=NUMBERINGS["coco91"])


def csv_with(folder: Path, *lines: str) -> Path:
    path = folder / "boxes.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def counted(got: ImportedBoxes) -> dict[str, int]:
    """Counting boxes by sample id."""
    owner = np.repeat(got.boxes.sample_ids.to_pylist(), got.boxes.counts)
    return {name: int((owner[got.boxes.counted] == name).sum()) for name in got.boxes.sample_ids.to_pylist()}


def test_boxes_are_grouped_by_image_and_empty_rows_count_as_examined(tmp_path: Path) -> None:
    path = csv_with(tmp_path, "filepath,x1,y1,x2,y2,confidence,class",
                    "b.jpg,0,0,10,10,0.9,Person", "a.jpg,,,,,,", "b.jpg,5,5,20,20,0.4,dog", "b.jpg,1,1,2,2,1,person")
    got = read_box_file(path, TABLE, Stated())
    assert got.boxes.sample_ids.to_pylist() == ["00a", "00b"]
    assert got.boxes.counts.tolist() == [0, 3]
    assert got.boxes.counted.tolist() == [True, False, True]
    assert got.boxes.confidence.tolist() == pytest.approx([0.9, 0.4, 1.0])
    assert got.notes[0] == "2 of 3 boxes are of class person; others: dog"
    assert got.notes[1].startswith("1 of 3 photos have no row: they count as not examined")


def test_what_the_numbers_mean_survives_the_file_of_evidence(tmp_path: Path) -> None:
    path = csv_with(tmp_path, "filepath,x1,y1,x2,y2,confidence,class", "a.jpg,0,0,9,9,1,7", "b.jpg,0,0,9,9,1,3")
    got = read_box_file(path, TABLE, Stated(names={3: "person", 7: "car"}))
    write_boxes(got.boxes, tmp_path / "detections.parquet")
    back = read_boxes(tmp_path / "detections.parquet")
    assert (back.counted.tolist(), back.classes) == ([False, True], BoxClasses(((3, "person"), (7, "car")), ("person",)))
    cars = read_box_file(tmp_path / "detections.parquet", TABLE, Stated(wanted=("car",)))
    assert cars.boxes.counted.tolist() == [True, False]


def test_photos_without_a_row_are_empty_only_when_that_is_stated(tmp_path: Path) -> None:
    path = csv_with(tmp_path, "filepath,x1,y1,x2,y2,confidence,class", "b.jpg,0,0,9,9,1,person")
    assert read_box_file(path, TABLE, Stated()).boxes.sample_ids.to_pylist() == ["00b"]
    whole = read_box_file(path, TABLE, Stated(complete=True))
    assert (whole.boxes.sample_ids.to_pylist(), whole.boxes.counts.tolist()) == (["00b", "00a", "00c"], [1, 0, 0])
    assert "count as examined and empty" in whole.notes[1]


@pytest.mark.parametrize(("header", "row", "stated"), [
    ("filename,x1,y1,x2,y2,confidence,class", "b.jpg,50,20,100,60,0.5,0", COCO80),
    ("filename,x1,y1,x2,y2,confidence,class", "b.jpg,50,20,100,60,0.5,0.0", COCO80),
    ("filename,x1,y1,x2,y2,confidence,class", "b.jpg,50,20,100,60,0.5,1", COCO91),
    ("filename,x1,y1,x2,y2,conf,cls", "b.jpg,50,20,100,60,0.5,person", Stated()),
    ("image,xmin,ymin,xmax,ymax,confidence,class,name", "b.jpg,50,20,100,60,0.5,0,person", Stated()),
    ("Image_Path,XMin,YMin,XMax,YMax,Score,Label", "photos/b.jpg,50,20,100,60,0.5,person", Stated()),
    ("filename;x1;y1;x2;y2;score;class_id;class_name", "b.jpg;50;20;100;60;0.5;3;person", Stated()),
    ("filename,left,top,width,height,score,category", "b.jpg,50,20,50,40,0.5,person", Stated()),
    ("filename,x_center,y_center,width,height,score,category", "b.jpg,75,40,50,40,0.5,person", Stated()),
    ("filename,x,y,w,h,score,category", "b.jpg,50,20,50,40,0.5,person", Stated(layout="corner_size")),
    ("filename,x,y,w,h,score,category", "b.jpg,75,40,50,40,0.5,person", Stated(layout="center_size")),
    ("filename,xywhn,score,category", '"b.jpg","[0.375, 0.5, 0.25, 0.5]",0.5,person', Stated()),
    ("filename,xyxy,score,category", '"b.jpg","[50. 20. 100. 60.]",0.5,person', Stated()),
    ("filename,box,score,category", "\"b.jpg\",\"{'x1': 50, 'y1': 20, 'x2': 100, 'y2': 60}\",0.5,person", Stated()),
])
def test_every_usual_header_gives_the_same_box(tmp_path: Path, header: str, row: str, stated: Stated) -> None:
    got = read_box_file(csv_with(tmp_path, header, row), TABLE, stated).boxes
    assert got.xyxy.tolist() == [pytest.approx([50, 20, 100, 60], abs=1e-3)]
    assert (got.confidence.tolist(), got.counted.tolist()) == ([0.5], [True])


@pytest.mark.parametrize(("header", "row", "message"), [
    ("filename,x1,y1,x2,y2,confidence", "a.jpg,0,0,9,9,1", "no column with the class"),
    ("filename,x1,y1,x2,y2,class", "a.jpg,0,0,9,9,person", "no column with the confidence"),
    ("filename,x1,y1,x2,y2,confidence,class", "a.jpg,0,0,9,9,1,80", "has a class number without a name"),
    ("filename,x1,y1,x2,y2,confidence,category_id", "a.jpg,0,0,9,9,1,1", "numbers from 1 on"),
    ("filename,x1,y1,x2,y2,confidence,class", "a.jpg,0,0,9,9,1,human", "no box is of class 'person'"),
    ("filename,x1,y1,x2,y2,confidence,det_class", "a.jpg,0,0,9,9,1,person", "'det_class' looks like the class"),
    ("filename,x1,y1,x2,y2,probability,class", "a.jpg,0,0,9,9,1,person", "'probability' looks like the confidence"),
    ("filename,x1,y1,x2,y2,confidence,score,class", "a.jpg,0,0,9,9,1,1,person", "two columns of confidences"),
    ("filename,x1,y1,x2,y2,confidence,class,label", "a.jpg,0,0,9,9,1,person,dog", "class and label name different"),
    ("filename,x1,y1,x2,y2,confidence,class", "a.jpg,0,0,9,9,1,", "has no class"),
    ("filename,x,y,w,h,confidence,class", "a.jpg,40,20,10,10,1,person", "could mean several things"),
])
def test_what_would_have_to_be_guessed_is_refused(tmp_path: Path, header: str, row: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_box_file(csv_with(tmp_path, header, row), TABLE, Stated())


def test_a_number_among_names_and_a_number_with_two_names_are_refused(tmp_path: Path) -> None:
    head = "filename,x1,y1,x2,y2,confidence,class"
    with pytest.raises(InputError, match="line 3 has a number where others have the name"):
        read_box_file(csv_with(tmp_path, head, "a.jpg,0,0,9,9,1,person", "b.jpg,0,0,9,9,1,0"), TABLE, Stated())
    with pytest.raises(InputError, match="class 0, which is both 'dog' and 'person'"):
        read_box_file(csv_with(tmp_path, f"{head},name", "a.jpg,0,0,9,9,1,0,person", "b.jpg,0,0,9,9,1,0,dog"), TABLE, Stated())
    with pytest.raises(InputError, match="line 2 has a class number without a name"):
        read_box_file(csv_with(tmp_path, head, "a.jpg,0,0,9,9,1,4"), TABLE, Stated(names={0: "person"}))


def test_a_layout_is_concluded_where_only_one_fits(tmp_path: Path) -> None:
    """Half of a box around a corner of the photo would lie outside."""
    head = "filename,x,y,w,h,confidence,class"
    got = read_box_file(csv_with(tmp_path, head, "a.jpg,0,0,50,40,1,person"), TABLE, Stated())
    assert got.boxes.xyxy.tolist() == [[0, 0, 50, 40]]
    assert "left upper corner" in got.notes[-1]
    got = read_box_file(csv_with(tmp_path, head, "a.jpg,75,25,50,50,1,person"), TABLE, Stated())
    assert got.boxes.xyxy.tolist() == [[50, 0, 100, 50]]


def test_units_are_what_the_setting_says(tmp_path: Path) -> None:
    shares = csv_with(tmp_path, "sample_id,x1,y1,x2,y2", "00b,0.5,0.25,1,1")
    normalised = Stated(unit="normalised", class_of_all="person", confidence=1.0)
    assert read_box_file(shares, TABLE, normalised).boxes.xyxy.tolist() == [[100, 20, 200, 80]]
    with pytest.raises(InputError, match="at most 1 pixel"):
        read_box_file(shares, TABLE, PERSONS)
    pixels = csv_with(tmp_path, "sample_id,x1,y1,x2,y2", "00b,100,20,200,80")
    with pytest.raises(InputError, match="outside its image when read as normalised"):
        read_box_file(pixels, TABLE, normalised)


def test_unknown_images_are_counted_and_named(tmp_path: Path) -> None:
    path = csv_with(tmp_path, "filepath,x1,y1,x2,y2", "a.jpg,0,0,9,9", "x.jpg,0,0,9,9", "x.jpg,1,0,9,9", "y.jpg,,,,")
    got = read_box_file(path, TABLE, PERSONS)
    assert (got.unknown_count, got.unknown) == (2, ("x.jpg", "y.jpg"))
    assert got.boxes.sample_ids.to_pylist() == ["00a"]
    with pytest.raises(InputError, match="none of its 1 images"):
        read_box_file(csv_with(tmp_path, "filepath,x1,y1,x2,y2", "x.jpg,0,0,9,9"), TABLE, PERSONS)


@pytest.mark.parametrize("name", ["/data/set/train/B.JPG", "C:\\set\\train\\b.jpg", "train/b", "https://x.org/s/train/b.jpg"])
def test_names_are_matched_by_the_end_of_their_path(tmp_path: Path, name: str) -> None:
    table = ImageSizes(["1", "2"], ["train/b.jpg", "val/b.jpg"], np.array([100, 200]), np.array([50, 80]))
    got = read_box_file(csv_with(tmp_path, "filepath,x1,y1,x2,y2", f"{name},0,0,9,9"), table, PERSONS)
    assert got.boxes.sample_ids.to_pylist() == ["1"]
    assert "1 photos are matched by the end of their path only" in got.notes
    with pytest.raises(InputError, match=r"'b\.jpg' could be any of 2 photos"):
        read_box_file(csv_with(tmp_path, "filepath,x1,y1,x2,y2", "b.jpg,0,0,9,9"), table, PERSONS)


def test_a_little_outside_is_cut_at_the_border_and_counted(tmp_path: Path) -> None:
    got = read_box_file(csv_with(tmp_path, "filepath,x1,y1,x2,y2", "a.jpg,-1,0,101,50"), TABLE, PERSONS)
    assert got.boxes.xyxy.tolist() == [[0, 0, 100, 50]]
    assert got.clipped_count == 1


@pytest.mark.parametrize(("row", "message"), [
    ("a.jpg,nan,0,9,9,1", "line 3 has a corner that is no number"),
    ("a.jpg,inf,0,9,9,1", "no number"),
    ("a.jpg,9,0,1,9,1", "line 3 has reversed corners"),
    ("a.jpg,0,,9,9,1", "some empty corners"),
    ("a.jpg,0,0,9,9,85", "confidence that is not in"),
    ("a.jpg,0,0,9,9,nan", "confidence that is not in"),
    ("a.jpg,0,0,9,9,", "confidence that is not in"),
    ("a.jpg,zero,0,9,9,1", "no number"),
    ("a.jpg,0,0,900,9,1", "outside its image"),
])
def test_broken_rows_stop_the_run_and_are_named(tmp_path: Path, row: str, message: str) -> None:
    path = csv_with(tmp_path, "filepath,x1,y1,x2,y2,confidence", "b.jpg,0,0,9,9,1", row)
    with pytest.raises(InputError, match=message):
        read_box_file(path, TABLE, Stated(class_of_all="person"))


def test_missing_columns_and_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no column y2"):
        read_box_file(csv_with(tmp_path, "filepath,x1,y1,x2", "a.jpg,0,0,9"), TABLE, PERSONS)
    with pytest.raises(InputError, match="sample_id or filepath"):
        read_box_file(csv_with(tmp_path, "photo,x1,y1,x2,y2", "a.jpg,0,0,9,9"), TABLE, PERSONS)
    with pytest.raises(InputError, match="does not exist"):
        read_box_file(tmp_path / "none.csv", TABLE, PERSONS)
    with pytest.raises(InputError, match="units 'share'"):
        read_box_file(tmp_path / "none.csv", TABLE, Stated(unit="share"))


@pytest.mark.parametrize(("encoding", "separator"), [("cp1252", ","), ("utf-16", ";"), ("utf-8-sig", "\t")])
def test_a_box_table_is_read_in_any_encoding_with_the_lines_of_the_file(tmp_path: Path, encoding: str, separator: str) -> None:
    text = "filepath,x1,y1,x2,y2,confidence,class,Größe\n\na.jpg,1,2,30,40,0.5,person,\nb.jpg,9,0,{},9,1,person,3\n"
    path = tmp_path / "boxes.csv"
    path.write_bytes(text.format(20).replace(",", separator).encode(encoding))
    assert read_box_file(path, TABLE, Stated()).boxes.xyxy.tolist() == [[1, 2, 30, 40], [9, 0, 20, 9]]
    path.write_bytes(text.format(1).replace(",", separator).encode(encoding))
    with pytest.raises(InputError, match="line 4 has reversed corners"):
        read_box_file(path, TABLE, Stated())
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_tables_are_read_as_all_tables_are(tmp_path: Path, encoding: str, separator: str) -> None:
    """Encodings, separators and line ends as programs write them; a page of Windows is said, and nothing is lost."""
    table = ImageSizes(["1", "2"], ["caf\u00e9.jpg", "b.jpg"], np.array([100, 200]), np.array([50, 80]))
    lines = ("filename,x1,y1,x2,y2,confidence,class", "caf\u00e9.jpg,1,2,3,4,0.5,person", "", "b.jpg,,,,,,")
    path = tmp_path / "boxes.csv"
    path.write_bytes("\r\n".join(lines).replace(",", separator).encode(encoding))
    got = read_box_file(path, table, Stated())
    assert (got.boxes.sample_ids.to_pylist(), got.boxes.counts.tolist()) == (["1", "2"], [1, 0])
    assert got.boxes.xyxy.tolist() == [[1, 2, 3, 4]]
    assert any("read as Windows-1252" in note for note in got.notes) == (encoding == "cp1252")


@pytest.mark.parametrize("data", [
    b"filename,x1,y1,x2,y2\n\x81\x8d.jpg,0,0,9,9\n", b"", b"\0\1\2\3" * 9, b"PAR1 and nothing", b"\x1f\x8b packed",
    b'filename,x1,y1,x2,y2\n"a.jpg,0,0,9,9\n', b"filename,x1,y1,x2,y2\na.jpg,0\n", b"filename" + b",x1" * 9 + b"\n"])
def test_bytes_that_are_no_table_are_an_error_of_the_file(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "boxes.csv").write_bytes(data)
    with pytest.raises(InputError, match=r"boxes\.csv"):
        read_box_file(tmp_path / "boxes.csv", TABLE, PERSONS)


def test_a_pipe_is_no_box_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "boxes.csv")
    (tmp_path / "labels").mkdir()
    os.mkfifo(tmp_path / "labels/a.txt")
    (tmp_path / "labels/classes.txt").write_text("person\n")
    for path in (tmp_path / "boxes.csv", tmp_path / "labels"):
        with pytest.raises(InputError):
            read_box_file(path, TABLE, PERSONS)


LAUGHS = "x0: &x0 [lol]\n" + "".join(f"x{level}: &x{level} [{', '.join([f'*x{level - 1}'] * 9)}]\n" for level in range(1, 12))
HOSTILE_NAMES = [LAUGHS + "names: *x11", "names: &n [*n]", "names: {0: person, 0: dog}", "names: {0: person, '0': dog}",
                 "names: !!python/object/apply:os.system ['true']", "names: " + "[" * 2_000, "#" * 600_000,
                 "names: {[a]: person}"]


@pytest.mark.parametrize("text", HOSTILE_NAMES)
def test_names_of_classes_come_from_bounded_plain_yaml(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.txt").write_text("0 0.5 0.5 0.1 0.1 0.9\n")
    (tmp_path / "data.yaml").write_text(text)
    with pytest.raises(InputError) as caught:
        read_box_file(tmp_path, TABLE, Stated())
    assert caught.value.where.startswith(str(tmp_path / "data.yaml"))


def test_lists_of_names_in_a_code_page_are_an_error_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("0 0.5 0.5 0.1 0.1 0.9\n")
    (tmp_path / "classes.txt").write_bytes(b"caf\xe9\n")
    with pytest.raises(InputError, match="save it as UTF-8"):
        read_box_file(tmp_path, TABLE, Stated())


def test_our_own_detections_are_a_box_file_too(tmp_path: Path) -> None:
    path = tmp_path / "detections.parquet"
    write_boxes(Boxes.from_lists(["zz", "00c"], [np.zeros((0, 6)), np.array([[1, 2, 3, 4, 0.5, 0]])]), path)
    got = read_box_file(path, TABLE, Stated())
    assert (got.boxes.sample_ids.to_pylist(), got.boxes.counts.tolist()) == (["00c"], [1])
    assert got.unknown == ("zz",)
    with pytest.raises(InputError, match="no class 'cat'"):
        read_box_file(path, TABLE, Stated(wanted=("cat",)))


@pytest.mark.parametrize(("number", "counted"), [("0", True), ("0.0", True), ("2", False)])
def test_numbers_without_names_are_cocos_and_that_is_said(tmp_path: Path, number: str, counted: bool) -> None:
    path = csv_with(tmp_path, "filename,x1,y1,x2,y2,conf,class", f"a.jpg,0,0,9,9,1,{number}")
    got = read_box_file(path, TABLE, Stated())
    assert got.boxes.counted.tolist() == [counted]
    assert any("read as COCO's 80 classes" in note for note in got.notes)
    assert not any("COCO" in note for note in read_box_file(path, TABLE, Stated(names={0: "person", 2: "x"})).notes)
    with pytest.raises(InputError, match="COCO's 80 have no 'parcel'"):
        read_box_file(path, TABLE, Stated(wanted=("parcel",)))


def test_yolo_folders_are_read_with_the_names_beside_them(tmp_path: Path) -> None:
    labels = tmp_path / "labels"
    labels.mkdir()
    (labels / "b.txt").write_text("1 0.375 0.5 0.25 0.5 0.5\n0 0.5 0.5 0.1 0.1 0.9\n")
    (labels / "a.txt").write_text("")
    with pytest.raises(InputError, match="nothing says what they mean"):
        read_box_file(labels, TABLE, Stated())
    (tmp_path / "data.yaml").write_text("names: {0: dog, 1: person}\n")
    got = read_box_file(labels, TABLE, Stated())
    assert counted(got) == {"00a": 0, "00b": 1}
    assert got.boxes.xyxy[got.boxes.counted].tolist() == [pytest.approx([50, 20, 100, 60])]
    (labels / "c.txt").write_text("0 0.1 0.1 0.2 0.2 0.3 0.3 0.1 0.1\n")
    with pytest.raises(InputError, match="a line is not class, x, y"):
        read_box_file(labels, TABLE, Stated())


PIXELS, PERCENT, SHARES = [50, 20, 50, 40], {"x": 25, "y": 25, "width": 25, "height": 50}, [0.25, 0.25, 0.25, 0.5]


@pytest.mark.parametrize(("made", "stated"), [
    ({"images": [{"id": 5, "file_name": "b.jpg"}, {"id": 6, "file_name": "a.jpg"}], "categories": [
        {"id": 1, "name": "person"}, {"id": 18, "name": "dog"}], "annotations": [
        {"id": 1, "image_id": 5, "category_id": 1, "bbox": PIXELS, "score": 0.5}]}, Stated()),
    ([{"image_id": "b", "category_id": 1, "bbox": PIXELS, "score": 0.5}], COCO91),
    ([{"image_id": "b", "category_id": 0, "bbox": PIXELS, "score": 0.5}], COCO80),
    ([{"id": 1, "data": {"image": "/data/upload/3/0a1b2c3d-b.jpg"}, "annotations": [{"result": [
        {"type": "rectanglelabels", "score": 0.5, "value": PERCENT | {"rectanglelabels": ["Person"], "rotation": 0}}]}]}],
     Stated()),
    ([{"id": 1, "data": {"img": "/data/local-files/?d=photos/b.jpg"}, "annotations": [], "predictions": [{"result": [
        {"type": "rectanglelabels", "score": 0.5, "value": PERCENT | {"rectanglelabels": ["person"]}}]}]}], Stated()),
    ({"classes": ["dog", "person"], "labels": {"b": [{"label": 1, "bounding_box": SHARES, "confidence": 0.5}], "a": []}},
     Stated()),
    ({"samples": [{"filepath": "data/b.jpg", "seen": {"_cls": "Detections", "detections": [
        {"label": "person", "bounding_box": SHARES, "confidence": 0.5}]}}]}, Stated()),
], ids=["coco", "coco91-results", "coco80-results", "label-studio", "label-studio-predictions",
         "fiftyone-labels", "fiftyone-samples"])
def test_exports_in_json_give_the_same_box(tmp_path: Path, made: object, stated: Stated) -> None:
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps(made))
    got = read_box_file(path, TABLE, stated)
    assert got.boxes.xyxy.tolist() == [pytest.approx([50, 20, 100, 60])]
    assert (got.boxes.counted.tolist(), got.boxes.confidence.tolist()) == ([True], [0.5])
    assert counted(got)["00b"] == 1


@pytest.mark.parametrize("made", [
    {"images": [{"id": 5}], "annotations": []}, {"images": [5], "annotations": []}, {"images": None, "annotations": []},
    {"images": [{"id": [], "file_name": "b.jpg"}], "annotations": []}, {"images": [], "annotations": [7]},
    {"images": [{"id": 5, "file_name": "b.jpg"}], "categories": [{"id": 1}], "annotations": []},
    {"images": [{"id": 5, "file_name": "b.jpg"}], "annotations": {"a": 1}},
    [{"image_id": "b", "category_id": [], "bbox": PIXELS, "score": 0.5}], {"classes": 3, "labels": {"b": [{"label": 1}]}},
    {"samples": [3]}, {"samples": [{"filepath": 3, "seen": {"_cls": "Detections", "detections": [1]}}]},
    [{"id": 1, "data": [], "annotations": [3]}]])
def test_json_that_lacks_something_is_an_error_of_the_file(tmp_path: Path, made: object) -> None:
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps(made))
    with pytest.raises(InputError):
        read_box_file(path, TABLE, COCO80)


def test_results_without_names_and_json_of_another_form_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps([{"image_id": "b", "category_id": 1, "bbox": PIXELS, "score": 0.5}]))
    with pytest.raises(InputError, match="numbers of categories"):
        read_box_file(path, TABLE, Stated())
    path.write_text('{"what": 1}')
    with pytest.raises(InputError, match="unknown form"):
        read_box_file(path, TABLE, Stated())


def test_annotations_of_people_count_as_certain_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "boxes.json").write_text(json.dumps({
        "images": [{"id": 5, "file_name": "b.jpg"}], "categories": [{"id": 1, "name": "person"}],
        "annotations": [{"image_id": 5, "category_id": 1, "bbox": PIXELS}]}))
    got = read_box_file(tmp_path / "boxes.json", TABLE, Stated())
    assert got.boxes.confidence.tolist() == [1.0]
    assert "1 boxes have no confidence and count as certain, as annotations of people do" in got.notes


@pytest.mark.parametrize(("name", "text", "stated"), [
    ("coco.json", json.dumps({"images": [{"id": 1, "file_name": "b.jpg", "width": 2000, "height": 800}],
                              "categories": [{"id": 1, "name": "person"}],
                              "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [500, 200, 500, 400]}]}),
     Stated()),
    ("tf.csv", "filename,width,height,class,xmin,ymin,xmax,ymax\nb.jpg,2000,800,person,500,200,1000,600\n",
     Stated(confidence=1.0)),
    ("sized.csv", "filename,image_width,image_height,class,left,top,width,height\nb.jpg,2000,800,person,500,200,500,400\n",
     Stated(confidence=1.0)),
])
def test_boxes_of_larger_photos_are_scaled_to_those_here(tmp_path: Path, name: str, text: str, stated: Stated) -> None:
    """The photo is 200 x 80 here and 2000 x 800 in the file: every corner is a tenth."""
    (tmp_path / name).write_text(text)
    got = read_box_file(tmp_path / name, TABLE, stated)
    assert got.boxes.xyxy.round(3).tolist() == [[50, 20, 100, 60]]
    assert any("1 boxes are scaled" in note for note in got.notes)


def test_boxes_of_a_photo_of_another_shape_are_refused_and_sizes_of_boxes_are_none_of_photos(tmp_path: Path) -> None:
    head = "filename,width,height,class,xmin,ymin,xmax,ymax\n"
    (tmp_path / "turned.csv").write_text(head + "b.jpg,100,200,person,10,20,50,60\n")
    with pytest.raises(InputError, match="line 2 belongs to a photo of another shape"):
        read_box_file(tmp_path / "turned.csv", TABLE, Stated(confidence=1.0))
    (tmp_path / "boxes.csv").write_text(head + "b.jpg,40,40,person,10,20,50,60\nb.jpg,20,10,person,0,0,20,10\n")
    got = read_box_file(tmp_path / "boxes.csv", TABLE, Stated(confidence=1.0))
    assert got.boxes.xyxy.tolist() == [[10, 20, 50, 60], [0, 0, 20, 10]]


@pytest.mark.parametrize(("kind", "value"), [
    ("polygonlabels", {"points": [[1, 1], [2, 2], [3, 1]], "polygonlabels": ["person"]}),
    ("rectangle", {"x": 10, "y": 10, "width": 20, "height": 20}), ("brushlabels", {"rle": [], "brushlabels": ["person"]})])
def test_a_task_whose_marks_are_no_boxes_is_not_an_empty_photo(tmp_path: Path, kind: str, value: object) -> None:
    task = {"id": 1, "data": {"img": "b.jpg"}, "annotations": [{"result": [{"type": kind, "value": value}]}]}
    (tmp_path / "ls.json").write_text(json.dumps([task]))
    with pytest.raises(InputError, match=f"marks of the kind '{kind}'"):
        read_box_file(tmp_path / "ls.json", TABLE, Stated())


def test_choices_beside_boxes_pass_and_several_annotations_are_said(tmp_path: Path) -> None:
    box = {"type": "rectanglelabels", "value": {"x": 25, "y": 20, "width": 25, "height": 40, "rectanglelabels": ["person"]}}
    looks = [{"result": []}, {"result": [box, {"type": "choices", "value": {"choices": ["day"]}}]}]
    (tmp_path / "ls.json").write_text(json.dumps([{"id": 1, "data": {"img": "b.jpg"}, "annotations": looks}]))
    got = read_box_file(tmp_path / "ls.json", TABLE, Stated())
    assert got.boxes.xyxy.tolist() == [[50, 16, 100, 48]]
    assert any("1 tasks have several annotations" in note for note in got.notes)


@pytest.mark.parametrize("where", ["images", "categories"])
def test_an_id_of_two_things_is_refused(tmp_path: Path, where: str) -> None:
    made = {"images": [{"id": 1, "file_name": "b.jpg"}], "categories": [{"id": 1, "name": "person"}], "annotations": []}
    made[where].append({"id": 1, "file_name": "a.jpg", "name": "dog"})
    (tmp_path / "coco.json").write_text(json.dumps(made))
    with pytest.raises(InputError, match="the id 1 stands for"):
        read_box_file(tmp_path / "coco.json", TABLE, Stated())


@pytest.mark.parametrize("column", ["tag", "Object", "type", "detected_object", "species"])
def test_a_column_that_may_be_the_class_is_never_passed_over(tmp_path: Path, column: str) -> None:
    (tmp_path / "b.csv").write_text(f"filename,x1,y1,x2,y2,conf,{column}\nb.jpg,1,1,9,9,.9,dog\n")
    with pytest.raises(InputError, match="looks like the class of the boxes and is not read: dog") as caught:
        read_box_file(tmp_path / "b.csv", TABLE, Stated(class_of_all="person"))
    assert "if not, remove it" in caught.value.fix
    assert len(read_box_file(tmp_path / "b.csv", TABLE, Stated(("dog",), class_of_all="Dog")).boxes.confidence) == 1


@pytest.mark.parametrize("column", ["confirmed", "config", "problem", "labeled_by", "labeler", "label_source", "is_labelled"])
def test_a_column_about_the_work_of_labelling_is_no_matter(tmp_path: Path, column: str) -> None:
    (tmp_path / "b.csv").write_text(f"filename,x1,y1,x2,y2,conf,class,{column}\nb.jpg,1,1,9,9,.9,person,x\n")
    assert read_box_file(tmp_path / "b.csv", TABLE, Stated()).boxes.counted.tolist() == [True]


@pytest.mark.parametrize("column", ["class_conf", "probability", "mask_score", "superclass", "label_2", "labels"])
def test_a_second_column_of_classes_or_confidences_is_refused(tmp_path: Path, column: str) -> None:
    (tmp_path / "b.csv").write_text(f"filename,x1,y1,x2,y2,conf,class,{column}\nb.jpg,1,1,9,9,.9,person,x\n")
    with pytest.raises(InputError, match="of the boxes and is not read"):
        read_box_file(tmp_path / "b.csv", TABLE, Stated())


@pytest.mark.parametrize(("name", "text"), [
    ("cvat.xml", '<?xml version="1.0"?><annotations><image name="b.jpg"><box label="person" xtl="1"/></image></annotations>'),
    ("voc/b.xml", "<annotation><filename>b.jpg</filename><object><name>person</name></object></annotation>")])
def test_boxes_in_xml_are_refused_with_what_to_export(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    for path in {tmp_path / name, (tmp_path / name).parent} - {tmp_path}:
        with pytest.raises(InputError, match="boxes in XML, as CVAT and Pascal VOC write them") as caught:
            read_box_file(path, TABLE, Stated())
        assert "COCO" in caught.value.fix
    with pytest.raises(InputError, match="is no table: it is XML"):
        open_table(tmp_path / name)


@pytest.mark.parametrize("word", ["nan", "NA", "null", "<NA>"])
def test_a_missing_class_in_words_is_none(tmp_path: Path, word: str) -> None:
    (tmp_path / "b.csv").write_text(f"filename,x1,y1,x2,y2,conf,class\nb.jpg,1,1,9,9,.9,person\nb.jpg,1,1,9,9,.9,{word}\n")
    with pytest.raises(InputError, match="line 3 has no class"):
        read_box_file(tmp_path / "b.csv", TABLE, Stated())


def test_a_box_around_a_depiction_does_not_count_and_its_photo_was_examined(tmp_path: Path) -> None:
    lines = "".join(f"{name},Person,1,0.1,0.5,0.1,0.9,{depicted}\n" for name, depicted in (("a", 1), ("b", 0)))
    (tmp_path / "b.csv").write_text("ImageID,LabelName,Confidence,XMin,XMax,YMin,YMax,IsDepiction\n" + lines)
    got = read_box_file(tmp_path / "b.csv", TABLE, Stated(unit="normalised"))
    assert got.boxes.counted.tolist() == [True]
    assert len(got.boxes.sample_ids) == 2
    assert any("1 boxes are around depictions" in note for note in got.notes)
