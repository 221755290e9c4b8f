"""A task with other classes than person and background: nothing but the configuration says what they are called."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from tinysieve.dataset.classes import NEGATIVE, POSITIVE, ClassNames
from tinysieve.dataset.folder_tree import copy, export_tree
from tinysieve.filtering.decisions.human_review import read_answers
from tinysieve.filtering.decisions.policy import refuse_large_change
from tinysieve.filtering.evidence.boxes import read_boxes
from tinysieve.filtering.opinion import opine
from tinysieve.ground.errors import ChangeTooLarge, InputError
from tinysieve.pipeline.config.read import load_config
from tinysieve.pipeline.engine.stages import Run, run_stages
from tinysieve.pipeline.main_job import stages_until
from tinysieve.pipeline.model_files.model_file import labels_beside
from tinysieve.pipeline.review.choices import choices
from tinysieve.pipeline.review.label_studio import write_label_studio
from tinysieve.pipeline.review.queue import import_answers, read_file
from tinysieve.pipeline.review.review_pictures import photos_of
from tinysieve.pipeline.review.session import sheet_of
from tinysieve.pipeline.stages.ingest import samples_of, store_of, versions_of

CATS = ClassNames("cat", "no_cat")
OF_THE_FIRST_TASK = re.compile(rb"\b(person|persons|background)\b", re.IGNORECASE)
CONFIG = """\
run: {folder}/run
workers: 2
task: {{positive: cat, negative: no_cat, detector_classes: [cat]}}
dataset:
  source: {{kind: table, images: {folder}/images, table: {folder}/labels.csv, filepath: file, label: cat, split: split}}
  rule: any
filter:
  detector: {{kind: boxes, file: {folder}/boxes.csv}}
  presence_head: false
policy: {{kind: default}}
train: {{recipe: demo}}
"""


@pytest.fixture(scope="module")
def cats(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Twelve pictures of noise, half of them said to show a cat; boxes of a cat where one is, of a person where none is."""
    folder = tmp_path_factory.mktemp("cats")
    rng = np.random.default_rng(0)
    (folder / "images").mkdir()
    rows, boxes = [], []
    for number in range(12):
        Image.fromarray(rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)).save(folder / "images" / f"{number}.png")
        rows.append((f"{number}.png", number % 2, ("train", "val", "test")[number // 2 % 3]))
        boxes.append((f"{number}.png", 5, 5, 35, 35, 0.9, ("person", "cat")[number % 2]))
    for name, header, lines in (("labels.csv", ("file", "cat", "split"), rows),
                                ("boxes.csv", ("file", "x1", "y1", "x2", "y2", "confidence", "class"), boxes)):
        with (folder / name).open("w", newline="") as stream:
            csv.writer(stream).writerows([header, *lines])
    (folder / "config.yaml").write_text(CONFIG.format(folder=folder))
    run = Run(load_config(folder / "config.yaml", ()), folder / "run")
    run_stages(run, stages_until(run.config, "detect"), lambda status: None)
    return run


@pytest.fixture
def queue(cats: Run, tmp_path: Path) -> Path:
    """A review queue of the train split, and one filter that doubts every label in it."""
    samples = samples_of(cats)
    cats.at("opinions").mkdir(exist_ok=True)
    opine("out_of_fold", "out_of_fold", [(np.ones(len(samples), bool), POSITIVE, "it says so")], np.full(len(samples), 0.9),
          "nothing").save(cats.at("opinions") / "out_of_fold.parquet")
    lines = [f"{row['sample_id']},cat,boxes: one box" for row in samples.table.to_pylist() if row["split"] == "train"]
    path = tmp_path / "queue.csv"
    path.write_text("\n".join(["sample_id,proposed,reason", *lines]) + "\n")
    return path


def test_ingest_calls_labels_as_the_task_does(cats: Run) -> None:
    samples = samples_of(cats)
    assert samples.classes == CATS
    assert set(samples.table["label"].to_pylist()) == {"cat", "no_cat"}
    assert samples.labels.tolist() == [int(name.removesuffix(".png")) % 2 for name in samples.table["filepath"].to_pylist()]
    for file in cats.at("ingest").rglob("*"):
        if file.suffix in (".json", ".csv", ".parquet"):
            assert not OF_THE_FIRST_TASK.search(file.read_bytes()), file.name


def test_only_boxes_of_the_class_count_and_the_others_are_kept(cats: Run) -> None:
    boxes = read_boxes(cats.at("detect") / "detections.parquet")
    assert {boxes.classes.name_of(number) for number in boxes.class_id.tolist()} == {"cat", "person"}
    named = dict(zip(boxes.sample_ids.to_pylist(), boxes.counted.tolist(), strict=True))
    samples = samples_of(cats)
    assert [named[one] for one in samples.sample_ids.to_pylist()] == (samples.labels == POSITIVE).tolist()


def test_the_tree_has_a_folder_for_each_class(cats: Run, tmp_path: Path) -> None:
    samples = samples_of(cats)
    made = export_tree(samples, versions_of(cats).load("0"), store_of(cats.config), tmp_path / "tree", copy,
                       lambda done, total: None)
    assert made.images == {f"{split}/{name}": 2 for split in ("train", "val", "test") for name in ("cat", "no_cat")}
    assert {path.parent.name for path in (tmp_path / "tree").rglob("*.png")} == {"cat", "no_cat"}
    assert not OF_THE_FIRST_TASK.search((tmp_path / "tree/version.json").read_bytes())


def test_the_review_page_shows_the_classes_and_their_keys(cats: Run, queue: Path) -> None:
    page = sheet_of(cats, queue).html({"thumbnail": "", "photo": "", "token": None, "reviewer": "ann", "decided": [], "key": ""})
    shown = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])  # type: ignore[index]
    assert [(one["word"], one["keys"][0]) for one in shown["choices"]] == [
        ("cat", "c"), ("no_cat", "n"), ("drop", "d"), ("skip", "s")]
    assert "<kbd>c</kbd> <kbd>p</kbd></dt><dd>cat</dd>" in page
    assert {card[4] for card in shown["cards"]} == {"cat", "no_cat"}
    # The one box that counts is that of the class; a box around something else is not shown as it.
    assert [len(card[8]) for card in shown["cards"]] == [int(card[4] == "cat") for card in shown["cards"]]
    assert not re.search(r"\bperson\b", page)


def test_label_studio_asks_for_the_classes(cats: Run, queue: Path, tmp_path: Path) -> None:
    handover = write_label_studio(sheet_of(cats, queue), photos_of(cats), tmp_path / "out")
    values = {one.get("value"): one.get("hotkey") for one in ElementTree.parse(handover.labeling).getroot().iter("Choice")}
    assert values == {"cat": "c", "no_cat": "n", "drop": "d", "skip": "s"}
    assert not re.search(r"\bperson\b", handover.tasks.read_text() + handover.labeling.read_text())


def test_answers_in_the_words_of_the_task_come_back(cats: Run, queue: Path, tmp_path: Path) -> None:
    samples = samples_of(cats)
    row = int(np.flatnonzero(samples.in_split("train") & (samples.labels == NEGATIVE))[0])
    answers = tmp_path / "decisions.csv"
    answers.write_text(f"sample_id,decision\n{samples.sample_ids[row].as_py()},Cat\n")
    imported = import_answers(cats, read_file(cats, answers, "ann"), False)
    assert (imported.changed, int(imported.version.labels[row])) == (1, POSITIVE)
    answers.write_text(f"sample_id,decision\n{samples.sample_ids[row].as_py()},person\n")
    with pytest.raises(InputError, match="the decision is cat, no_cat, drop, skip or undo, not 'person'"):
        read_answers(answers, "ann", samples.classes)


def test_the_stop_names_the_class(cats: Run, queue: Path, tmp_path: Path) -> None:
    samples = samples_of(cats)
    answers = tmp_path / "decisions.csv"
    answers.write_text("sample_id,decision\n" + "".join(f"{one},no_cat\n" for one in samples.sample_ids.to_pylist()))
    from tinysieve.filtering.decisions.answers import resolve_answers

    decisions = resolve_answers(read_answers(answers, "ann", samples.classes), samples, samples.labels).agreed()
    with pytest.raises(ChangeTooLarge, match="samples labelled cat "):
        refuse_large_change(samples.labels, decisions, np.ones(len(samples), bool), 0.5, samples.classes)


@pytest.mark.parametrize(("positive", "negative", "keys"), [
    ("person", "background", [("p",), ("b", "n")]), ("cat", "no_cat", [("c", "p"), ("n",)]),
    ("dog", "street", [("p",), ("n",)]), ("helmet", "head", [("p",), ("n",)]), ("8-bit", "ünder", [("p",), ("n",)])])
def test_each_key_decides_one_thing(positive: str, negative: str, keys: list[tuple[str, ...]]) -> None:
    made = choices(ClassNames(positive, negative))
    assert [choice.keys for choice in made][:2] == keys
    every = [key for choice in made for key in choice.keys]
    assert len(set(every)) == len(every)
    assert not set(every) & set("ujk")


@pytest.mark.parametrize(("task", "message"), [
    ("{positive: cat, negative: Cat}", "both classes are called"), ("{positive: drop, negative: x}", "cannot be the name"),
    ("{positive: a/b, negative: x}", "cannot be the name"), ("{positive: '1', negative: '0'}", "cannot be the name"),
    ("{positive: cat, detector_classes: []}", "at least 1"),
    ("{detector_classes: [zebra]}", "no presence head ships for 'zebra'")])
def test_names_that_cannot_be_are_refused_with_their_line(tmp_path: Path, task: str, message: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(CONFIG.format(folder=tmp_path).replace("{positive: cat, negative: no_cat, detector_classes: [cat]}", task)
                    .replace("presence_head: false", "presence_head: true"))
    with pytest.raises(InputError, match=message):
        load_config(path, ())


def test_the_detector_looks_for_what_the_task_is_called(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(CONFIG.format(folder=tmp_path).replace(", detector_classes: [cat]", ""))
    assert load_config(path, ()).task.detector_classes == ("cat",)


def test_labels_for_firmware_are_those_beside_the_model(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("no_cat\ncat\n")
    assert labels_beside(tmp_path / "model.tflite", 2) == ("no_cat", "cat")
    assert labels_beside(tmp_path / "model.tflite", 3) is None
    assert labels_beside(tmp_path / "elsewhere" / "model.tflite", 2) is None
