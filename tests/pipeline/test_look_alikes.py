"""The stages with planted copies: dropped by the default policy, refused at verify when they are trained on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from tiny_run import make_images, write_config

from tinysieve.dataset.classes import DROPPED
from tinysieve.dataset.sources.tables import read_table
from tinysieve.filtering.filters.depictions import Depictions, depiction_examples
from tinysieve.ground.errors import GateMissed, InputError
from tinysieve.pipeline.config.read import load_config
from tinysieve.pipeline.engine.stages import Run, run_stages
from tinysieve.pipeline.main_job import stages_until
from tinysieve.pipeline.stages.ingest import samples_of, versions_of
from tinysieve.pipeline.stages.near_duplicates import GROUPS, LIST, leaked_rows, refuse_leaks
from tinysieve.pipeline.stages.opinions import measures_by

COPY, SMALLER = "train/person/copy_of_test.jpg", "train/background/smaller.jpg"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Until `policy`, with a leak (a test image compressed anew) and a smaller copy within train, all new filters on."""
    folder = tmp_path_factory.mktemp("look_alikes")
    images = folder / "images"
    make_images(images)
    with Image.open(images / "test/person/0.jpg") as leaked:
        leaked.save(images / COPY, quality=40)
    with Image.open(images / "train/background/1.jpg") as twin:
        twin.resize((105, 75)).save(images / SMALLER, quality=90)
    changes = ("filter.neighbors={enabled: true, k: 5, searched: 12}", "filter.quality.enabled=true",
               "filter.depictions.enabled=true", "policy.drop_confidence=0.6", "policy.max_change=1")
    config = load_config(write_config(folder / "config.yaml", images, folder / "run"), changes)
    made = Run(config, config.run)
    run_stages(made, stages_until(made.config, "policy"), lambda status: None)
    return made


def row_of(run: Run, name: str) -> int:
    return samples_of(run).table["filepath"].to_pylist().index(name)


def test_copies_are_listed_and_dropped(run: Run) -> None:
    listed = read_table(run.at(GROUPS.stage) / LIST).to_pylist()
    assert len(listed) == 4
    stays = {one["filepath"]: one["stays"] for one in listed}
    assert stays["test/person/0.jpg"] == stays["train/background/1.jpg"] == "yes"
    assert stays[COPY] == stays[SMALLER] == "no"
    mended = versions_of(run).load("HEAD")
    assert {mended.labels[row_of(run, name)] for name in (COPY, SMALLER)} == {DROPPED}
    reasons = [one["reason"] for one in mended.ledger.to_pylist() if one["action"] == "drop"]
    assert any("duplicates: near-duplicate of a test image" in reason for reason in reasons)


def test_the_list_reads_back(run: Run) -> None:
    groups = GROUPS.of(run)
    assert groups.shared.sum() == 4
    assert (groups.group[row_of(run, COPY)] == groups.group[row_of(run, "test/person/0.jpg")])
    assert not groups.kept[row_of(run, SMALLER)]


def test_verify_refuses_what_was_trained_on_a_leak_and_a_setting_lifts_it(run: Run) -> None:
    store = versions_of(run)
    refuse_leaks(run, store.load("HEAD").labels)
    assert leaked_rows(run, store.load("0").labels).tolist() == [row_of(run, COPY)]
    with pytest.raises(GateMissed, match=COPY) as caught:
        refuse_leaks(run, store.load("0").labels)
    assert caught.value.exit_code == 1
    assert "verify.allow_leaks" in caught.value.fix
    allowed = run.config.model_copy(update={"verify": run.config.verify.model_copy(update={"allow_leaks": True})})
    refuse_leaks(Run(allowed, run.folder), store.load("0").labels)


def test_every_new_filter_gives_its_opinion(run: Run) -> None:
    filters = {row["filter"]: row for row in json.loads((run.at("policy") / "policy.json").read_text())["filters"]}
    assert {"duplicates", "neighbors", "quality", "contested_persons"} <= filters.keys()
    assert filters["duplicates"]["ask_drop"] == 2
    assert filters["neighbors"]["signal"] == filters["out_of_fold"]["signal"]
    count = len(samples_of(run))
    measures = measures_by("neighbors").of(run)
    assert {name: values.shape for name, values in measures.items()} == dict.fromkeys(
        ("value", "uniqueness", "representativeness"), (count,))


def test_examples_of_depictions_from_a_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "examples.csv").write_text("filename,depiction\ntrain/person/1.jpg,1\ntrain/person/2.jpg,0\nnowhere.jpg,1\n")
    known = depiction_examples(Depictions(examples=tmp_path / "examples.csv"), samples_of(run))
    assert known[row_of(run, "train/person/1.jpg")] == 1
    assert known[row_of(run, "train/person/2.jpg")] == 0
    assert (known == -1).sum() == len(known) - 2
    with pytest.raises(InputError, match="no column 'depiction'"):
        depiction_examples(Depictions(column="depiction"), samples_of(run))
    (tmp_path / "other.csv").write_text("filename\nx.jpg\n")
    with pytest.raises(InputError, match="no column 'depiction'"):
        depiction_examples(Depictions(examples=tmp_path / "other.csv"), samples_of(run))
