"""What sources say of tables and folders that are not quite as they must be."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tinysieve.dataset.classes import PERSON_TASK
from tinysieve.dataset.sources import folders
from tinysieve.dataset.sources.image_folder import scan_images
from tinysieve.dataset.sources.label_words import LabelWords
from tinysieve.dataset.sources.listing import Listing, SkippedRow, row_reasons
from tinysieve.dataset.sources.match_files import match_files
from tinysieve.dataset.sources.open_images import list_open_images
from tinysieve.dataset.sources.tables import WORDS, Columns, list_table, list_wake_vision
from tinysieve.dataset.table_file import read_table
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.config.read import load_config
from tinysieve.pipeline.engine.stages import Run
from tinysieve.pipeline.stages.ingest import INGEST, list_source, store_of

COLUMNS = Columns("filename", "person", "split")


def files(root: Path, *names: str) -> Path:
    """Empty files: a source opens none."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def listed(table: Path, text: str) -> Listing:
    table.write_text(text)
    return list_table(table, COLUMNS, {}, np.random.default_rng(0))


def settled(listing: Listing, root: Path) -> Listing:
    return match_files(listing, scan_images(root).photos, root)


def list_folders(root: Path, train_folders: tuple[str, ...] = ()) -> Listing:
    return folders.list_folders(scan_images(root).photos, root, train_folders)


def test_rows_that_all_miss_their_files_are_told_with_a_row_and_a_file(tmp_path: Path) -> None:
    root = files(tmp_path / "images", "0.jpg", "sub/a.jpg")
    listing = listed(tmp_path / "t.csv", "filename,person,split\nsub/other.jpg,1,train\nb.jpg,0,test\n")
    with pytest.raises(InputError, match=re.escape(f"none of 2 rows names a file below {root}: ")) as caught:
        settled(listing, root)
    assert "the first names 'sub/other.jpg', an existing file is '0.jpg'" in caught.value.what
    assert caught.value.where == f"{tmp_path / 't.csv'}:2"


def test_rows_over_an_empty_image_folder_are_told_so(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    with pytest.raises(InputError, match=r"none of 1 row names .* has no images"):
        settled(listed(tmp_path / "t.csv", "filename,person,split\na.jpg,1,train\n"), tmp_path / "images")


def test_a_dot_and_slash_in_front_is_taken_off(tmp_path: Path) -> None:
    root = files(tmp_path / "images", "a.jpg", "b/c.jpg")
    text = "filename,person,split\n./a.jpg,1,train\n././b/c.jpg,0,train\n.//a.jpg,1,train\n./../x.jpg,1,train\n"
    found = settled(listed(tmp_path / "t.csv", text), root)
    assert found.table["filepath"].to_pylist() == ["a.jpg", "b/c.jpg"]
    assert [row.filepath for row in found.skipped] == ["../x.jpg", "a.jpg"]


def test_a_skipped_row_is_named_by_its_line_in_the_file(tmp_path: Path) -> None:
    """Whatever was left out before it; an empty line counts, and a record of two lines begins on the first."""
    root = files(tmp_path / "images", "a.jpg", "b.jpg")
    text = ("filename,person,split,note\na.jpg,1,train,\nt.jpg,,test,\n\nb.jpg,0,train,\"two\nlines\"\n../x.jpg,1,train,\n"
            "a.jpg,1,train,\ngone.jpg,1,train,\n")
    found = settled(listed(tmp_path / "t.csv", text), root)
    assert [(row.filepath, row.where.removeprefix(f"{tmp_path / 't.csv'}:"), row.reason) for row in found.skipped] == [
        ("t.jpg", "3", "held-out row without a usable label"),
        ("../x.jpg", "7", "path leaves the image root"),
        ("a.jpg", "8", "file named by an earlier row or a held-out split"),
        ("gone.jpg", "9", "no such file")]
    assert found.table.column_names == ["filepath", "split", "label", "person", "note", "votes_background", "votes_person"]


def test_records_are_counted_in_each_file_for_itself(tmp_path: Path) -> None:
    root = files(tmp_path / "images", "a.jpg", "b.jpg")
    tables = [tmp_path / f"{number}.csv" for number in range(2)]
    tables[0].write_text("filename,person\na.jpg,1\n")
    tables[1].write_text("filename,person\nb.jpg,0\na.jpg,1\n")
    found = settled(list_wake_vision({"train": tables}), root)
    assert [row.where for row in found.skipped] == [f"{tables[1]}:3"]


def test_a_parquet_file_has_records_and_no_header(tmp_path: Path) -> None:
    root, table = files(tmp_path / "images", "a.jpg"), tmp_path / "t.parquet"
    pq.write_table(pa.table({"filename": ["a.jpg", "gone.jpg"], "person": [1, 0], "split": ["train", "train"]}), table)
    found = settled(list_table(table, COLUMNS, {}, np.random.default_rng(0)), root)
    assert [row.where for row in found.skipped] == [f"{table}: record 2"]


def test_reasons_are_counted_the_most_frequent_first() -> None:
    skipped = [SkippedRow("a", "", one) for one in ("twice", "no such file", "no such file")]
    assert list(row_reasons(skipped).items()) == [("no such file", 2), ("twice", 1)]


def test_columns_of_ours_and_columns_called_as_we_would_call_them_are_both_kept(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("filename,source_label,label,_record\na.jpg,from,1,r\n")
    listing = list_table(table, Columns("filename", "label", None), {}, np.random.default_rng(0))
    found = settled(listing, files(tmp_path / "i", "a.jpg"))
    row = found.table.to_pylist()[0]
    assert row == {"filepath": "a.jpg", "split": "train", "label": "person", "source_label": "from",
                   "source_source_label": "1", "source__record": "r"}


@pytest.mark.parametrize(("name", "columns"), [
    ("t.csv", ["filename", "person", "split", "person"]), ("t.csv", ["filename", "note", "note"]),
    ("t.csv", ["sample_id", "sample_id", "decision"]), ("t.parquet", ["filename", "person", "person"]),
])
def test_a_doubled_column_is_named(tmp_path: Path, name: str, columns: list[str]) -> None:
    if name.endswith(".csv"):
        (tmp_path / name).write_text(",".join(columns) + "\n" + ",".join("1" * len(columns)) + "\n")
    else:
        pq.write_table(pa.Table.from_arrays([pa.array(["1"])] * len(columns), names=columns), tmp_path / name)
    doubled = next(one for one in columns if columns.count(one) > 1)
    with pytest.raises(InputError, match=f'has the column "{doubled}" twice'):
        read_table(tmp_path / name)


def test_labels_count_in_any_case_and_are_quoted_as_they_stand() -> None:
    assert WORDS.read(pa.array(["Person", "BackGround"]), str).to_pylist() == ["person", "background"]
    with pytest.raises(InputError, match="'Dog'") as caught:
        WORDS.read(pa.array(["1", "Dog"]), lambda row: f"row {row}")
    assert caught.value.where == "row 1"


def test_folders_count_in_any_case(tmp_path: Path) -> None:
    files(tmp_path, "Train/Person/a.jpg", "Train/background/b.jpg", "VAL/PERSON/c.jpg", "Unlabeled/d.jpg", "Other/e.jpg")
    rows = {row["filepath"]: (row["split"], row["label"]) for row in list_folders(tmp_path, ("train",)).table.to_pylist()}
    assert rows == {"Train/Person/a.jpg": ("train", "person"), "Train/background/b.jpg": ("train", "background"),
                    "VAL/PERSON/c.jpg": ("validation", "person"), "Unlabeled/d.jpg": ("unlabeled", None)}


@pytest.mark.parametrize(("first", "second"), [
    ("Train/person", "train/background"), ("train/Person", "train/person"), ("Unlabeled/x", "unlabeled/x"),
])
def test_folders_that_differ_in_case_only_are_refused(tmp_path: Path, first: str, second: str) -> None:
    files(tmp_path, f"{first}/a.jpg", f"{second}/b.jpg", "val/person/c.jpg")
    if (tmp_path / first.swapcase()).exists():
        pytest.skip("this file system does not tell upper case from lower case")
    with pytest.raises(InputError, match="differ only in case"):
        list_folders(tmp_path)


@pytest.mark.parametrize(("count", "words"), [(1, "1 image lies outside"), (2, "2 images lie outside")])
def test_images_in_no_class_folder_are_counted_in_good_grammar(tmp_path: Path, count: int, words: str) -> None:
    files(tmp_path, "train/person/a.jpg", *(f"train/dogs/{number}.jpg" for number in range(count)))
    with pytest.raises(InputError, match=f"{words} the class folders, first: 'train/dogs/0.jpg'"):
        list_folders(tmp_path)


def test_who_has_folders_is_told_of_folders(tmp_path: Path) -> None:
    files(tmp_path / "images", "train/person/a.jpg", "train/background/b.jpg", "val/person/c.jpg")
    config = run_over(tmp_path, "kind: folders").config
    with pytest.raises(InputError, match="split 'validation' holds no image labelled background") as caught:
        list_source(config, store_of(config))
    assert "table" not in str(caught.value)
    assert "'background'" in caught.value.fix


def test_open_images_says_there_not_there_or_nothing(tmp_path: Path) -> None:
    """A photo with rows about other things only is not known to show nobody; ids have no ending."""
    root = files(tmp_path / "images", *(f"{name}.jpg" for name in "abcde"))
    (tmp_path / "t.csv").write_text("ImageID,Source,LabelName,Confidence\na,v,/m/01g317,1\na,v,/m/0k4j,0\nb,v,/m/01g317,0\n"
                                    "c,v,/m/0k4j,1\nc,v,/m/0bt9lr,1\nd,v,/m/01g317,1\nd,w,/m/01g317,0\n")
    (tmp_path / "v.csv").write_text("ImageID,Source,LabelName,Confidence\ne,v,/m/01g317,1\n")
    tables = {"train": [tmp_path / "t.csv"], "test": [tmp_path / "v.csv"]}
    found = settled(list_open_images(tables, ["/m/01g317"], LabelWords.of(PERSON_TASK)), root)
    assert {row["filepath"]: (row["split"], row["label"], row["label_conflict"]) for row in found.table.to_pylist()} == {
        "a.jpg": ("train", "person", None), "b.jpg": ("train", "background", None), "c.jpg": ("unlabeled", None, None),
        "d.jpg": ("unlabeled", None, "1 person, 1 background"), "e.jpg": ("test", "person", None)}
    assert "5 photos are named by the table with another ending" in found.notes[0]
    with pytest.raises(InputError, match="no row has the LabelName Person"):
        list_open_images(tables, ["Person"], LabelWords.of(PERSON_TASK))


def test_roboflows_tables_of_classes_lie_in_the_folders_of_their_splits(tmp_path: Path) -> None:
    root = files(tmp_path, "train/a_jpg.rf.1.jpg", "train/b_jpg.rf.2.jpg", "valid/c_jpg.rf.3.jpg")
    (tmp_path / "train/_classes.csv").write_text("filename, background, person\na_jpg.rf.1.jpg, 0, 1\nb_jpg.rf.2.jpg, 1, 0\n")
    (tmp_path / "valid/_classes.csv").write_text("filename, background, person\nc_jpg.rf.3.jpg, 1, 0\n")
    tables = {"train": [tmp_path / "train/_classes.csv"], "validation": [tmp_path / "valid/_classes.csv"]}
    found = settled(list_wake_vision(tables), root)
    assert [(row["filepath"], row["split"], row["label"]) for row in found.table.to_pylist()] == [
        ("train/a_jpg.rf.1.jpg", "train", "person"), ("train/b_jpg.rf.2.jpg", "train", "background"),
        ("valid/c_jpg.rf.3.jpg", "validation", "background")]


def test_embedded_images_are_no_paths_and_not_copied(tmp_path: Path) -> None:
    image = pa.array([{"bytes": b"x" * 99, "path": "a.jpg"}])
    pq.write_table(pa.table({"filename": ["a.jpg"], "person": [True], "image": image}), tmp_path / "t.parquet")
    rng = np.random.default_rng(0)
    listing = list_table(tmp_path / "t.parquet", Columns("filename", "person", None), {}, rng)
    assert "image" not in listing.table.column_names
    assert "columns of bytes are not kept: image" in listing.notes[0]
    assert listing.table["label"].to_pylist() == ["person"]
    with pytest.raises(InputError, match="column 'image' holds embedded images, and no paths"):
        list_table(tmp_path / "t.parquet", Columns("image", "person", None), {}, rng)


def test_images_inside_the_table_and_nowhere_else_are_said(tmp_path: Path) -> None:
    image = pa.array([{"bytes": b"x", "path": "a.jpg"}])
    pq.write_table(pa.table({"filename": ["a.jpg"], "person": [1], "image": image}), tmp_path / "t.parquet")
    (tmp_path / "images").mkdir()
    listing = list_table(tmp_path / "t.parquet", Columns("filename", "person", None), {}, np.random.default_rng(0))
    with pytest.raises(InputError, match="that folder has no images") as caught:
        settled(listing, tmp_path / "images")
    assert caught.value.why == "the table holds the images itself, as bytes"
    assert "write the images to files" in caught.value.fix


def test_a_folder_of_shards_in_place_of_a_table_names_them(tmp_path: Path) -> None:
    for number in range(4):
        pq.write_table(pa.table({"a": [1]}), tmp_path / f"train-{number}.parquet")
    with pytest.raises(InputError, match="the table is a folder") as caught:
        list_wake_vision({"train": [tmp_path]})
    named, embedded = caught.value.fix.split("; ")
    assert named == "name its files: [" + ", ".join(str(tmp_path / f"train-{n}.parquet") for n in range(3)) + ", ...]"
    assert f"kind: shards with images: '{tmp_path}/*.parquet'" in embedded


def test_a_folder_in_place_of_a_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "labels.parquet").mkdir()
    files(tmp_path / "images", "a.jpg")
    run = run_over(tmp_path, f"kind: table, table: {tmp_path / 'labels.parquet'}")
    with pytest.raises(InputError, match="the table is a folder") as caught:
        INGEST.fingerprints(run)
    assert caught.value.where == str(tmp_path / "labels.parquet")


def test_ingest_keeps_what_the_console_tells_of_skipped_rows(tmp_path: Path) -> None:
    rows = [f"{split}-{label}.png,{label},{split}" for split in ("train", "val", "test") for label in (0, 1)]
    for number, row in enumerate(rows):
        (tmp_path / "images").mkdir(exist_ok=True)
        Image.new("RGB", (40, 40), (40 * number, 0, 0)).save(tmp_path / "images" / row.partition(",")[0])
    (tmp_path / "t.csv").write_text("\n".join(["filename,person,split", *rows, "gone.png,1,train", "lost.png,1,train"]) + "\n")
    run = run_over(tmp_path, f"kind: table, table: {tmp_path / 't.csv'}")
    run.at("ingest").mkdir(parents=True)
    INGEST.work(run, run.at("ingest"))
    assert json.loads((run.at("ingest") / "ingest.json").read_text())["skipped_rows"] == {"no such file": 2}


def run_over(base: Path, source: str) -> Run:
    """A run over the images in `base / "images"`."""
    (base / "config.yaml").write_text(
        f"run: {base / 'run'}\nworkers: 1\ndataset: {{source: {{{source}, images: {base / 'images'}}}}}\n"
        "filter: {detector: {kind: presence_head}}\npolicy: {kind: default}\ntrain: {recipe: seed}\n")
    config = load_config(base / "config.yaml")
    return Run(config, config.run)
