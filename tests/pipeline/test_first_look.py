"""`init` and `check`: every layout is read right without a word changed, or what is there is said in a sentence."""

from __future__ import annotations

import json
import tarfile
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from layouts import LAYOUTS, SPLITS, named, photo, rows, table, tree
from typer.testing import CliRunner

from tinysieve.ground.errors import InputError
from tinysieve.pipeline.cli import app
from tinysieve.pipeline.commands import first_look
from tinysieve.pipeline.config.read import load_config
from tinysieve.pipeline.engine.stages import Run, run_stages
from tinysieve.pipeline.first_look.class_words import meanings
from tinysieve.pipeline.first_look.first_config import FirstConfig, write_first_config
from tinysieve.pipeline.first_look.losses import look_ahead
from tinysieve.pipeline.main_job import stages_until
from tinysieve.pipeline.stages.ingest import samples_of

MEANT = {"train": "train", "val": "validation", "test": "test"}
AS_NAMED = {file: (MEANT[split], "person" if kind == "p" else "background") for split, kind, file in named()}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def first(path: Path, **settings: str) -> FirstConfig:
    return write_first_config(path, Path("made.yaml"), lambda ways: 0, **settings)


def ingested(config: Path) -> dict[str, tuple[str, str | None]]:
    """Split and label of each photo, by the name of its file."""
    loaded = load_config(config)
    run = Run(loaded, loaded.run)
    run_stages(run, stages_until(loaded, "ingest"), lambda decision: None)
    return {Path(row["filepath"]).name: (row["split"], row["label"]) for row in samples_of(run).table.to_pylist()}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_is_read_right_by_what_init_writes(tmp_path: Path, name: str) -> None:
    make, splits_given = LAYOUTS[name]
    make(tmp_path / "my data")
    made = first(tmp_path / "my data")
    config = load_config(made.file)
    assert [row for row in look_ahead(config).lost if "earlier row" not in row.reason] == []
    came = ingested(made.file)
    labels = {file: "person" if kind == "p" else "background" for _, kind, file in named()}
    assert {file: label for file, (_, label) in came.items() if not file.startswith("u_")} == labels
    assert all(came[file] == ("unlabeled", None) for file in came if file.startswith("u_"))
    if splits_given:
        assert {file: came[file][0] for file in labels} == {file: MEANT[split] for split, _, file in named()}
    assert config.policy.kind == "consensus"
    assert config.filter.detector.kind == "presence_head"


def test_what_is_counted_before_is_what_comes(tmp_path: Path) -> None:
    tree("{split}/{kind}", p="person", b="background")(tmp_path / "d")
    look = first(tmp_path / "d").look
    assert look.photos == len(list(named())) == len(ingested(Path("made.yaml")))
    assert look.counts[("validation", "person")] == 3


def test_annotators_vote_where_photos_have_several_rows(tmp_path: Path) -> None:
    table("images", repeat=3)(tmp_path / "d")
    made = first(tmp_path / "d")
    assert [judge.name for judge in load_config(made.file).filter.active][-1] == "annotators"
    assert any("36 rows more than photos" in line for line in made.lines)


def test_persons_are_trained_from_the_weights_that_know_them(tmp_path: Path) -> None:
    tree("{split}/{kind}", p="human", b="background")(tmp_path / "d")
    assert load_config(first(tmp_path / "d").file).train.recipe == "finetune"


def test_another_class_is_the_task(tmp_path: Path) -> None:
    tree("{split}/{kind}", p="cats", b="no_cats")(tmp_path / "d")
    config = load_config(first(tmp_path / "d").file)
    assert (config.task.positive, config.task.negative, config.task.detector_classes) == ("cats", "no_cats", ("cat",))
    assert config.train.recipe == "seed"
    assert set(ingested(Path("made.yaml")).values()) >= {("test", "cats"), ("train", "no_cats")}


def test_a_class_without_a_head_is_said_and_still_ingests(tmp_path: Path) -> None:
    tree("{split}/{kind}", p="helmet", b="background")(tmp_path / "d")
    made = first(tmp_path / "d")
    assert any("no presence head ships for 'helmet'" in line for line in made.lines)
    assert ("test", "helmet") in ingested(made.file).values()


def test_two_classes_alike_are_asked_about(tmp_path: Path) -> None:
    tree("{split}/{kind}", p="dog", b="cat")(tmp_path / "d")
    asked: list[str] = []
    write_first_config(tmp_path / "d", Path("a.yaml"), lambda ways: asked.extend(ways) or 1)
    assert asked == ["class folders cat, dog: 'cat' is cat, 'dog' dog", "class folders cat, dog: 'dog' is dog, 'cat' cat"]
    assert load_config(Path("a.yaml")).task.positive == "dog"
    assert load_config(first(tmp_path / "d", positive="dog").file).task.positive == "dog"
    with pytest.raises(InputError, match="no folder and no column says 'horse'"):
        write_first_config(tmp_path / "d", Path("b.yaml"), lambda ways: 0, positive="horse")


@pytest.mark.parametrize(("words", "positives"), [
    (["0", "1", "2"], ["class 1", "class 2", "class 0"]), (["0", "1", ""], ["person"]), (["Human", "Dog"], ["person"]),
    (["defect", "none"], ["defect"]), (["mask", "without mask"], ["mask"]), (["only"], []), (["person"], []),
    (["0_background", "1_person"], ["person"]), (["01-cat", "02-no_cat"], ["01-cat", "02-no_cat"]),
    (["person", "background", "unsure"], ["person"]), (["lamp", "unknown"], ["lamp", "unknown"]),
    (["0.04", "0.93"], []), (["0.5", "1"], []),
])
def test_words_and_the_classes_that_they_may_mean(words: list[str], positives: list[str]) -> None:
    assert [meaning.names.positive for meaning in meanings(words)] == positives


@pytest.mark.parametrize(("header", "cells", "odd"), [
    ("filename,person,split", ("1,", "0,val"), "column 'split' may say splits"),
    ("filename,person,fold", ("1,0", "0,1"), "column 'fold' may say splits"),
    ("filename,person,is_test", ("1,0", "0,1"), "column 'is_test' may say splits"),
    ("filename,num_people", ("3", "0"), "read as table labels.csv, column 'num_people' is the label: 0 is background, more"),
    ("filename,label", ("person", "background"), ""),
])
def test_what_a_column_may_say_is_said(tmp_path: Path, header: str, cells: tuple[str, str], odd: str) -> None:
    """Splits drawn over those of a table would put its test photos into training; a count is no number of a class."""
    table("images")(tmp_path / "d")
    names = sorted(path.name for path in (tmp_path / "d/images").iterdir())
    rows = (f"{name},{cells['_b' in name or name.startswith('b')]}\n" for name in names)
    (tmp_path / "d/labels.csv").write_text(header + "\n" + "".join(rows))
    lines = first(tmp_path / "d").lines
    assert any(odd in line for line in lines)
    assert sum("may say splits" in line for line in lines) == ("may say splits" in odd)


def test_a_configuration_is_never_overwritten_unasked(tmp_path: Path) -> None:
    tree("{kind}", p="person", b="background")(tmp_path / "d")
    Path("made.yaml").write_text("mine")
    with pytest.raises(InputError, match=r"made\.yaml exists") as caught:
        first(tmp_path / "d")
    assert "--overwrite" in caught.value.fix
    assert Path("made.yaml").read_text() == "mine"
    write_first_config(tmp_path / "d", Path("made.yaml"), lambda ways: 0, overwrite=True)
    assert load_config(Path("made.yaml")).dataset.source.name == "folders"


def test_the_run_folder_is_new_and_never_among_the_photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree("{kind}", p="person", b="background")(tmp_path / "d")
    assert load_config(first(tmp_path / "d").file).run == Path("runs/d")
    (tmp_path / "runs/d").mkdir(parents=True)
    assert load_config(write_first_config(Path("d"), Path("b.yaml"), lambda ways: 0).file).run == Path("runs/d-2")
    monkeypatch.chdir(tmp_path / "d")
    assert load_config(write_first_config(Path(), Path("c.yaml"), lambda ways: 0).file).run == Path("../runs/d-2")


def invoke(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(words))
    return result.exit_code, str(result.exception) if isinstance(result.exception, InputError) else result.output


def test_the_commands_on_a_table_with_losses(tmp_path: Path) -> None:
    """A row without a photo, a photo that is none, and one that nothing reads."""
    table("images", name="labels.csv")(tmp_path / "d")
    with (tmp_path / "d/labels.csv").open("a") as file:
        file.write("gone.jpg,1,train\nempty.jpg,0,train\nold.ppm,0,train\n")
    (tmp_path / "d/images/empty.jpg").touch()
    (tmp_path / "d/images/old.ppm").write_bytes(b"P6\n1 1\n255\n\0\0\0")
    code, said = invoke("init", "d", "--yes")
    assert code == 0
    assert "18 photos in d/images" in said
    assert "train:      3 person, 3 background" in said
    assert "next: tinysieve check -c tinysieve.yaml" in said
    code, said = invoke("check", "-c", "tinysieve.yaml")
    assert "lost: 1: no such file\n  d/labels.csv:20: 'gone.jpg'" in said
    assert "lost: 1: empty file" in said
    assert "lost: 1: PPM is not read: convert it to JPEG or PNG" in said
    counted = json.loads(invoke("check", "-c", "tinysieve.yaml", "--json")[1])
    assert counted["photos"] == 18
    assert sorted(row["filepath"] for row in counted["lost"]) == ["empty.jpg", "gone.jpg", "old.ppm"]
    assert not Path("runs").exists()


def test_photos_outside_the_classes_and_links_elsewhere_are_listed(tmp_path: Path) -> None:
    tree("{split}/{kind}", p="person", b="background")(tmp_path / "d")
    photo(tmp_path / "d/docs/x.png")
    photo(tmp_path / "elsewhere.png")
    (tmp_path / "d/train/person/link.png").symlink_to(tmp_path / "elsewhere.png")
    reasons = {row.filepath: row.reason for row in look_ahead(load_config(first(tmp_path / "d").file)).lost}
    assert reasons == {"docs/x.png": "outside the folders of the classes", "train/person/link.png": "path leaves the image root"}


def linked(root: Path, kind: str) -> None:
    """Photos as DVC, hub caches and `export --links` leave them (a link a file), or class folders that are links."""
    tree("{split}/{kind}", p="person", b="background")(root.parent / "real/store")
    for split in SPLITS:
        for label in ("person", "background"):
            folder = root / split / label
            real = root.parent / "real/store" / split / label
            folder.parent.mkdir(parents=True, exist_ok=True)
            if kind == "folders":
                folder.symlink_to(real)
                continue
            folder.mkdir()
            for file in real.iterdir():
                (folder / file.name).symlink_to(file)


@pytest.mark.parametrize("kind", ["files", "folders"])
def test_links_elsewhere_say_where_they_lead_and_are_read_when_that_is_named(tmp_path: Path, kind: str) -> None:
    """No configuration is written that an ingest would refuse."""
    linked(tmp_path / "d", kind)
    with pytest.raises(InputError) as caught:
        first(tmp_path / "d")
    assert "follow" in caught.value.fix
    assert not Path("made.yaml").exists()
    if kind == "files":
        assert str(tmp_path / "real/store") in caught.value.fix
    command = ["init", str(tmp_path / "d"), "--out", "made.yaml", "--follow-links", str(tmp_path / "real")]
    assert CliRunner().invoke(app, command).exit_code == 0
    assert ingested(Path("made.yaml")) == AS_NAMED
    closed = Path("made.yaml").read_text().replace(f"follow_links: [{tmp_path / 'real'}]", "follow_links: []")
    Path("made.yaml").write_text(closed)
    ran = CliRunner().invoke(app, ["check", "-c", "made.yaml"])
    assert isinstance(ran.exception, InputError)
    assert "follow_links" in ran.exception.fix


@pytest.mark.parametrize(("text", "words"), [
    ("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n", "git lfs pull"),
    ("/annex/objects/MD5E-s1--0.png\n", "git annex get"), ("<!DOCTYPE html><title>404</title>", "fetch it again"),
    (None, "dvc pull"),
])
def test_what_stands_in_the_place_of_photos_says_how_to_fetch_them(tmp_path: Path, text: str | None, words: str) -> None:
    tree("{split}/{kind}", p="person", b="background")(tmp_path / "d")
    made = first(tmp_path / "d")
    file = tmp_path / "d/train/person/p_train_0.png"
    file.unlink()
    file.symlink_to(tmp_path / "gone.png") if text is None else file.write_text(text)
    assert words in look_ahead(load_config(made.file)).lost[0].reason
    assert file.name not in ingested(made.file)
    assert words in Path(load_config(made.file).run, "ingest/quarantine.csv").read_text()


def test_without_a_terminal_two_readings_are_an_error(tmp_path: Path) -> None:
    tree("{split}/{kind}", p="dog", b="cat")(tmp_path / "d")
    assert "it can be read in 2 ways" in invoke("init", "d")[1]
    assert not Path("tinysieve.yaml").exists()


def test_on_a_terminal_a_person_is_asked_until_the_answer_is_one_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([7, 2])
    monkeypatch.setattr(first_look.sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(first_look.typer, "prompt", lambda *words, **settings: next(answers))
    tree("{split}/{kind}", p="dog", b="cat")(tmp_path / "d")
    first_look.init(Path("d"), out=Path("a.yaml"))
    assert load_config(Path("a.yaml")).task.positive == "dog"


def pack(folder: Path, packed: Path) -> None:
    """The files of a folder as a zip or tar archive."""
    if packed.suffix == ".zip":
        with zipfile.ZipFile(packed, "w") as made:
            for file in sorted(folder.rglob("*.png")):
                made.write(file, file.relative_to(folder))
    else:
        with tarfile.open(packed, "w:gz" if packed.suffix == ".gz" else "w") as made:
            made.add(folder, ".")


@pytest.mark.parametrize("name", ["x.zip", "x.tar", "x.tar.gz"])
def test_class_folders_in_an_archive_are_read_where_they_lie(tmp_path: Path, name: str) -> None:
    tree("{split}/{kind}", p="person", b="background")(tmp_path / "d")
    pack(tmp_path / "d", tmp_path / name)
    made = first(Path(name))
    assert made.look.lost == ()
    assert ingested(made.file) == AS_NAMED
    assert load_config(made.file).run == Path("runs/x")


def test_a_table_beside_an_archive_names_its_photos(tmp_path: Path) -> None:
    table("images", name="labels.csv")(tmp_path / "d")
    pack(tmp_path / "d", tmp_path / "d/photos.tar")
    assert ingested(first(Path("d/photos.tar")).file) == AS_NAMED


@pytest.mark.parametrize("ending", ["cls", "json"])
def test_a_folder_of_webdataset_archives_is_shards(tmp_path: Path, ending: str) -> None:
    (tmp_path / "d").mkdir()
    for split in SPLITS:
        with tarfile.open(tmp_path / f"d/{split}-000000.tar", "w") as made:
            for _, kind, file in (entry for entry in named() if entry[0] == split):
                photo(tmp_path / file)
                beside = (tmp_path / file).with_suffix(f".{ending}")
                beside.write_text(str(int(kind == "p")) if ending == "cls" else json.dumps({"person": int(kind == "p")}))
                made.add(tmp_path / file, file)
                made.add(beside, beside.name)
    assert ingested(first(Path("d")).file) == AS_NAMED


def test_archives_called_like_splits_are_not_read_as_one(tmp_path: Path) -> None:
    tree("{split}/{kind}", p="person", b="background")(tmp_path / "d")
    (tmp_path / "packed").mkdir()
    for split in SPLITS:
        pack(tmp_path / "d" / split, tmp_path / f"packed/{split}.zip")
    with pytest.raises(InputError, match="3 archives whose names say splits") as caught:
        first(Path("packed"))
    assert "validation: packed/val.zip" in caught.value.fix


def test_a_table_that_lacks_a_split_is_read_and_the_split_drawn(tmp_path: Path) -> None:
    LAYOUTS["wake vision"][0](tmp_path / "w")
    (tmp_path / "w/wake_vision_test.csv").unlink()
    LAYOUTS["open images"][0](tmp_path / "o")
    for split in ("validation", "test"):
        (tmp_path / f"o/{split}-annotations-human-imagelabels.csv").unlink()
    for folder, known in (("w", 12), ("o", 6)):
        made = write_first_config(tmp_path / folder, Path(f"{folder}.yaml"), lambda ways: 0)
        assert {split for split, _ in ingested(made.file).values()} >= {"train", "validation", "test"}
        labels = [(file, label) for file, (_, label) in ingested(made.file).items() if label]
        assert len(labels) == known
        assert all(AS_NAMED[file][1] == label for file, label in labels)


def test_shards_of_a_hub_are_read_with_their_columns(tmp_path: Path) -> None:
    (tmp_path / "d/data").mkdir(parents=True)
    photo(tmp_path / "any.png")
    for split in SPLITS:
        cells = [(kind, file) for part, kind, file in named() if part == split]
        pictures = []
        for _, file in cells:
            photo(tmp_path / file)
            pictures.append({"bytes": (tmp_path / file).read_bytes(), "path": file})
        shard = pa.table({"image": pictures, "person": [int(kind == "p") for kind, _ in cells]})
        pq.write_table(shard, tmp_path / f"d/data/{split}-00000-of-00001.parquet")
    made = first(Path("d"))
    assert made.look.lost == ()
    assert load_config(made.file).dataset.source.name == "shards"
    assert {split for split, _ in ingested(made.file).values()} == set(MEANT.values())
    assert made.look.counts[("test", "person")] == 3


def detection_set(root: Path) -> None:
    for split in SPLITS:
        photo(root / f"images/{split}/a_{split}.png")
        (root / f"labels/{split}").mkdir(parents=True)
        (root / f"labels/{split}/a_{split}.txt").write_text("0 .5 .5 .2 .2\n")


def bare(root: Path) -> None:
    photo(root / "a.png")


def coco_folders(root: Path) -> None:
    for split in ("train2017", "val2017"):
        photo(root / f"{split}/a_{split}.png")


def only_persons(root: Path) -> None:
    for number in range(4):
        photo(root / f"{number}.png")
    rows(root / "t.csv", "filename,person", [[f"{number}.png", 1] for number in range(4)])


@pytest.mark.parametrize(("make", "path", "message"), [
    (detection_set, "d", "3 photos with boxes and without labels: d/labels"),
    (bare, "d", "1 photos, and nothing that says what they show"), (bare, "d/gone", "d/gone does not exist"),
    (coco_folders, "d", "2 photos, and nothing that says what they show"),
    (only_persons, "d/t.csv", "no column names photos, or none has two classes; its columns: filename, person"),
])
def test_what_has_no_labels_is_said_with_what_to_do(tmp_path: Path, make: object, path: str, message: str) -> None:
    assert callable(make)
    make(tmp_path / "d")
    with pytest.raises(InputError, match=message) as caught:
        first(Path(path))
    assert caught.value.fix
    assert not Path("made.yaml").exists()


def test_a_large_folder_is_looked_at_by_name_and_first_bytes_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree("{split}/{kind}", p="person", b="background")(tmp_path / "d")
    monkeypatch.setattr("tinysieve.dataset.images.decode", lambda data: pytest.fail("a photo was decoded"))
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes",
                        lambda path: read(path) if path.suffix == ".yaml" else pytest.fail(f"{path} was read whole"))
    look = first(tmp_path / "d").look
    assert (look.lost, look.photos) == ((), 18)
