"""FiftyOne for real: its database started, a dataset built, labels changed in it, imported, and the App looked at."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import numpy as np
import pytest
from explore_run import make_explore_run
from tiny_run import ROOT

from tinysieve.dataset.classes import DROPPED, NEGATIVE, POSITIVE
from tinysieve.dataset.samples import SPLITS, SampleTable
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.engine.stages import Run
from tinysieve.pipeline.explore.app import refuse_taken
from tinysieve.pipeline.explore.columns import Column
from tinysieve.pipeline.explore.differences import differing
from tinysieve.pipeline.explore.fields import dataset_name
from tinysieve.pipeline.explore.pending import UNKNOWN, Change, answers_of, still_open
from tinysieve.pipeline.stages.ingest import samples_of, versions_of

needs_fiftyone = pytest.mark.skipif(find_spec("fiftyone") is None, reason="needs FiftyOne: pip install 'tinysieve[explore]'")
IMAGES_DRAWN = "document.querySelectorAll('[data-cy=looker], .looker, canvas').length > 0"


@dataclass(frozen=True)
class Explored:
    """A run, and commands over it with a database of its own."""

    run: Run
    config: Path
    environment: dict[str, str]

    @property
    def samples(self) -> SampleTable:
        return samples_of(self.run)

    def rows(self, split: str, label: int) -> list[str]:
        """Ids of a split with this label in version 0."""
        chosen = np.flatnonzero(self.samples.in_split(split) & (self.samples.labels == label))
        return [str(self.samples.sample_ids[int(row)].as_py()) for row in chosen]

    def label_of(self, sample_id: str) -> int:
        """In the current version."""
        return int(versions_of(self.run).load("HEAD").labels[self.samples.rows_of([sample_id])[0]])

    def tinysieve(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.python("-m", "tinysieve", *arguments, "-c", str(self.config))

    def explore(self) -> dict[str, Any]:
        """Fill the dataset; what the command says of it."""
        said = self.tinysieve("explore", "--no-app", "--json")
        assert said.returncode == 0, said.stderr
        return dict(json.loads(said.stdout))

    def drive(self, *arguments: str) -> str:
        driver = str(Path(__file__).with_name("explore_driver.py"))
        said = self.python(driver, dataset_name(self.run), *arguments)
        assert said.returncode == 0, said.stderr
        return said.stdout

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def explored(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Explored:
    base = tmp_path_factory.mktemp("explore")
    run, config = make_explore_run(shared / "data/voc2007_person", base)
    return Explored(run, config, {**os.environ, "FIFTYONE_DATABASE_DIR": str(base / "mongo")})


@pytest.fixture(scope="module")
def filled(explored: Explored) -> dict[str, Any]:
    return explored.explore()


@pytest.fixture(scope="module")
def shown(explored: Explored, filled: dict[str, Any]) -> dict[str, Any]:
    """The dataset as first filled."""
    return dict(json.loads(explored.drive("show")))


@needs_fiftyone
def test_the_dataset_shows_what_the_run_knows(explored: Explored, filled: dict[str, Any], shown: dict[str, Any]) -> None:
    samples = explored.samples
    ids, count = samples.sample_ids.to_pylist(), len(samples)
    assert (filled["samples"], filled["waiting"], shown["persistent"]) == (count, 0, True)
    words = {POSITIVE: "person", NEGATIVE: "background", -1: None}
    for row, one in enumerate(ids):
        assert shown["ground_truth.label"][one] == shown["given.label"][one] == words[int(samples.labels[row])]
        assert shown["tags"][one][0] == SPLITS[samples.split_codes[row]]
        assert ("no_label" in shown["tags"][one]) == (samples.labels[row] == -1)
        assert shown["opinion_disagreement.label"][one] == "person"
        assert shown["opinion_disagreement.confidence"][one] == pytest.approx(0.9)
        assert shown["opinion_out_of_fold.label"][one] == ("background" if row < count // 2 else None)
        assert shown["detections.detections.bounding_box"][one] == [pytest.approx([0, 0, 0.5, 1])]
        assert shown["uniqueness"][one] == pytest.approx(row / (count - 1), abs=1e-6)
        assert shown["representativeness"][one] == pytest.approx(1 - row / (count - 1), abs=1e-6)
        assert shown["metadata.width"][one] == int(samples.numbers("width")[row])
        assert Path(shown["filepath"][one]).is_file()
    issues = {explored.rows("train", label)[0] for label in (NEGATIVE, POSITIVE)}
    assert {one for one, is_issue in shown["is_label_issue"].items() if is_issue} == issues
    judged = {one for label in (NEGATIVE, POSITIVE) for one in explored.rows("train", label)}
    assert {one for one, quality in shown["label_quality"].items() if quality is not None} == judged
    sure = {one: shown["probability_of_error"][one] for one in judged}
    assert {one for one, wrong in sure.items() if wrong > 0.5} == issues
    assert shown["probability_of_error"][explored.rows("unlabeled", -1)[0]] is None
    assert sorted(shown["views"]["label issues, worst first"]) == sorted(issues)
    assert (shown["embedding"], shown["points"]) == (16, count)


@needs_fiftyone
def test_saved_views_hold_who_they_name(explored: Explored, filled: dict[str, Any], shown: dict[str, Any]) -> None:
    views, samples = shown["views"], explored.samples
    ids, labels = np.array(samples.sample_ids.to_pylist()), samples.labels
    first = np.arange(len(samples)) < len(samples) // 2
    train = ids[samples.in_split("train")]
    assert set(views["wrong_person"]) == set(ids[(labels == POSITIVE) & first])
    assert set(views["wrong_background"]) == set(ids[labels == NEGATIVE])
    assert set(views["conflicts"]) == set(ids[first])
    assert views["pseudo_labels"] == []
    assert views["near_duplicates"] == [train[0], train[1]]
    assert views["review_queue"] == [train[-1], train[-2]]
    assert filled["views"] == {name: len(inside) for name, inside in views.items()}


@needs_fiftyone
def test_a_second_fill_writes_nothing_where_nothing_changed(explored: Explored, filled: dict[str, Any],
                                                            shown: dict[str, Any]) -> None:
    assert explored.explore() == filled
    assert json.loads(explored.drive("show")) == shown


@needs_fiftyone
def test_changes_come_back_as_a_version_and_wait_until_then(explored: Explored, filled: dict[str, Any]) -> None:
    persons, backgrounds = explored.rows("train", POSITIVE), explored.rows("train", NEGATIVE)
    unlabeled = explored.rows("unlabeled", -1)[0]
    explored.drive("change", json.dumps({
        "labels": {persons[0]: "background", unlabeled: "person"},
        "tags": {persons[1]: "drop", backgrounds[0]: "background", backgrounds[1]: "my own"}}))
    # A second fill before the import must not undo what the person did.
    assert explored.explore()["waiting"] == 3
    said = explored.tinysieve("review", "import", "--fiftyone", "--reviewer", "ann", "--json")
    assert said.returncode == 0, said.stderr
    imported = json.loads(said.stdout)
    assert (imported["changed"], imported["confirmed"], imported["conflicts"]) == (3, 0, 0)
    assert [explored.label_of(one) for one in (persons[0], unlabeled, persons[1])] == [NEGATIVE, POSITIVE, DROPPED]
    ledger = versions_of(explored.run).load("HEAD").ledger.to_pylist()
    assert {row["by"] for row in ledger} == {"ann"}
    assert {row["sample_id"]: row["action"] for row in ledger} == {persons[0]: "relabel", unlabeled: "label", persons[1]: "drop"}
    after = explored.explore()
    assert (after["waiting"], after["views"]["pseudo_labels"]) == (0, 1)
    shown = json.loads(explored.drive("show"))
    assert shown["ground_truth.label"][persons[0]] == "background"
    assert shown["ground_truth.label"][persons[1]] is None
    assert shown["tags"][persons[1]] == ["train", "dropped"]
    assert shown["tags"][backgrounds[1]] == ["train", "my own"]


@needs_fiftyone
def test_nothing_is_applied_where_the_test_split_is_among_it(explored: Explored, filled: dict[str, Any]) -> None:
    before = versions_of(explored.run).load("HEAD").id
    frozen, train = explored.rows("test", POSITIVE)[0], explored.rows("train", NEGATIVE)[2]
    explored.drive("change", json.dumps({"labels": {frozen: "background", train: "person"}}))
    said = explored.tinysieve("review", "import", "--fiftyone")
    assert (said.returncode, "frozen" in said.stderr) == (2, True)
    assert versions_of(explored.run).load("HEAD").id == before


@needs_fiftyone
def test_the_app_answers_and_is_photographed(explored: Explored, filled: dict[str, Any], tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "tinysieve", "explore", "-c", str(explored.config), "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=explored.environment, stdout=subprocess.PIPE, text=True)
    try:
        lines = _lines_until(process, "Ctrl-C")
        address = next(line.split()[-1] for line in lines if line.startswith("the App:"))
        assert f"ssh -L {port}:127.0.0.1:{port}" in "".join(lines)
        with urlopen(address, timeout=60) as page:
            assert page.status == 200
        photo = explored.run.config.dataset.source.images.resolve() / explored.samples.table["filepath"][0].as_py()
        with urlopen(f"http://127.0.0.1:{port}/media?filepath={quote(str(photo))}", timeout=60) as answer:
            assert answer.read() == photo.read_bytes()
        _photograph(address, tmp_path / "app.png")
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 0


def _lines_until(process: subprocess.Popen[str], end: str) -> list[str]:
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith(end):
            return lines
    raise AssertionError(f"ended with {process.wait()}: {lines}")


def _photograph(address: str, picture: Path) -> None:
    """The App in a browser, where one is installed: it lists our fields and draws photos."""
    if find_spec("websocket") is None:
        return
    from PIL import Image

    from benchmarks.chromium import browse, find_browser

    browser = find_browser()
    if browser is None:
        return
    with browse(browser) as page:
        page.resize(1280, 900)
        page.open(address)
        page.until("document.body.innerText.includes('opinion_disagreement')")
        page.until(IMAGES_DRAWN)
        page.photograph(picture)
    colours = np.asarray(Image.open(picture).convert("RGB")).reshape(-1, 3)
    assert len(np.unique(colours, axis=0)) > 1_000, "photos have many colours, an empty page has few"


class _Held:
    """A field as a dataset hands it out."""

    def __init__(self, **parts: list[Any]) -> None:
        self.parts = parts

    def values(self, asked: str | list[str]) -> Any:
        return self.parts[asked] if isinstance(asked, str) else [self.parts[one.partition(".")[2].replace(".", "_")]
                                                                for one in asked]


def test_labels_differ_in_what_they_say_and_not_in_their_ids() -> None:
    held = _Held(label=["person", "person", None, None, "person"], tags=[[], ["drop"], None, None, []])
    column = Column("Classification", list, ("label", "tags"))
    person = {"_id": 7, "_cls": "Classification", "label": "person", "tags": []}
    # The same; a tag to be taken away; none and none; one that is new; one that goes.
    assert differing(held, "given", column, [person, person, None, person, None]) == [1, 3, 4]


def test_boxes_differ_where_one_of_them_does() -> None:
    column = Column("Detections", list, ("detections.label", "detections.confidence"))
    held = _Held(detections_label=[["person"], [], None], detections_confidence=[[0.5], [], None])
    one = {"detections": [{"label": "person", "confidence": 0.5}]}
    assert differing(held, "detections", column, [one, {"detections": []}, one]) == [2]
    assert differing(held, "detections", column, [{"detections": [{"label": "person", "confidence": 0.25}]}] * 3) == [0, 1, 2]


def test_numbers_and_vectors_differ_by_value() -> None:
    vectors = [np.zeros(3, np.float32), np.ones(3, np.float32), None]
    assert differing(_Held(x=vectors), "x", Column("VectorField", list), [np.zeros(3, np.float32)] * 3) == [1, 2]
    assert differing(_Held(x=[1, None, None]), "x", Column("IntField", list), [1, None, 2]) == [2]


def test_a_label_and_a_tag_that_contradict_each_other_are_a_conflict_with_a_place() -> None:
    changes = [Change("a", "person", POSITIVE, False), Change("a", "drop", DROPPED, True), Change("b", "", -1, False)]
    answers = answers_of(changes, "ann", "tinysieve-x")
    assert answers.codes.tolist() == [POSITIVE, DROPPED, -1]
    assert answers.place(1) == "FiftyOne dataset 'tinysieve-x', sample a, tag 'drop'"


def test_a_word_that_is_no_label_is_refused_with_its_sample() -> None:
    with pytest.raises(InputError, match="'cat'") as error:
        answers_of([Change("a", "person", POSITIVE, False), Change("b", "cat", UNKNOWN, False)], "ann", "x")
    assert "sample b" in error.value.where


def test_what_the_labels_already_show_does_not_wait(explored: Explored) -> None:
    one = explored.rows("train", POSITIVE)[0]
    samples = explored.samples
    same, other = Change(one, "person", POSITIVE, False), Change(one, "background", NEGATIVE, True)
    gone = Change("0" * 32, "person", POSITIVE, False)
    assert still_open([same, other, gone], samples, samples.labels) == [other]


def test_two_folders_of_one_name_are_two_datasets(explored: Explored, tmp_path: Path) -> None:
    again: Callable[[Path], str] = lambda folder: dataset_name(Run(explored.run.config, folder))  # noqa: E731
    assert again(tmp_path / "a/run") != again(tmp_path / "b/run")
    assert again(tmp_path / "a/run") == again(tmp_path / "a/../a/run")


def test_a_port_that_is_taken_is_refused_before_anything_is_made() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(InputError, match="is taken"):
            refuse_taken(taken.getsockname()[1])
