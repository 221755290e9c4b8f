"""Filters and sources of other packages: listed by the doctor, used by name, and not imported otherwise."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_run import make_images, write_config

from tests.command_here import tinysieve
from tinysieve.filtering.opinion import ASK_REVIEW
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.config.read import load_config
from tinysieve.pipeline.doctor.finding import OK, PROBLEM, Finding
from tinysieve.pipeline.doctor.plugins import plugins
from tinysieve.pipeline.engine.stages import Run, run_stages
from tinysieve.pipeline.main_job import stages_of
from tinysieve.pipeline.stages.ingest import INGEST, samples_of
from tinysieve.pipeline.stages.opinions import opinions_by

# Asks for a look at every image whose name is in its setting; imports are written down.
CODE = '''
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from typing import Literal

import pyarrow as pa

from tinysieve.dataset.sources.source import Source
from tinysieve.dataset.sources.listing import make_listing
from tinysieve.filtering.filter import Filter
from tinysieve.filtering.opinion import ABSTAIN, ASK_REVIEW, Opinions

Path(__file__).with_name("imported").touch()


@dataclass(frozen=True)
class Watchlist(Filter):
    """Asks for a look at files whose name contains a word."""

    word: str = ""

    name = "watchlist"
    describes = "watchlist: asks to look at files by name"

    @property
    def needs(self):
        return ()

    def opine(self, evidence):
        paths = evidence.samples.table["filepath"].to_pylist()
        hit = np.array([self.word in path for path in paths])
        return Opinions(self.name, "names", np.where(hit, ASK_REVIEW, ABSTAIN).astype(np.int8), hit.astype(np.float32),
                        np.zeros(len(hit), np.int8), ("the name contains the word",))


@dataclass(frozen=True)
class Bucket(Source):
    """All photos, those whose name contains a word being of the positive class; every fifth of a class is held out."""

    word: str
    kind: Literal["bucket"] = "bucket"

    def listing(self, given):
        names = given.images.photos.to_pylist()
        labels = [given.words.names.positive if self.word in name else given.words.names.negative for name in names]
        seen = {label: 0 for label in labels}
        splits = []
        for label in labels:
            splits.append(("test", "validation", "train", "train", "train")[seen[label] % 5])
            seen[label] += 1
        return make_listing(pa.array(names), pa.array(splits), pa.array(labels))
'''
ENTRIES = "[tinysieve.filters]\nwatchlist = acme_watchlist:Watchlist\n\n[tinysieve.sources]\nbucket = acme_watchlist:Bucket\n"


def add_distribution(folder: Path, name: str, version: str, entries: str) -> None:
    """What pip leaves of a package: its metadata."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(entries)


@pytest.fixture
def acme(tmp_path: Path) -> Path:
    """A folder with an installed package that brings a filter."""
    folder = tmp_path / "packages"
    add_distribution(folder, "acme_watchlist", "1.2", ENTRIES)
    (folder / "acme_watchlist.py").write_text(CODE)
    return folder


def test_the_doctor_lists_them_with_their_origin_and_imports_nothing(acme: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = plugins()
    monkeypatch.syspath_prepend(acme)
    assert set(plugins()) - set(before) == {
        Finding("filters of other packages", "watchlist", OK, "acme_watchlist:Watchlist, from acme_watchlist 1.2"),
        Finding("sources of other packages", "bucket", OK, "acme_watchlist:Bucket, from acme_watchlist 1.2")}
    assert "from acme_watchlist 1.2" in tinysieve("doctor").stdout
    assert not (acme / "imported").exists()


@pytest.mark.parametrize(("name", "words"), [("watchlist", "several packages"), ("duplicates", "built-in")])
def test_a_name_that_is_taken_is_a_problem(name: str, words: str, acme: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_distribution(acme, "other", "3", f"[tinysieve.filters]\n{name} = other:Filter\n")
    monkeypatch.syspath_prepend(acme)
    listed = {finding.found: finding for finding in plugins()}
    taken = listed["other:Filter, from other 3"]
    assert taken.state == PROBLEM
    assert words in taken.advice


def test_a_configuration_uses_one_by_its_name(acme: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(acme)
    monkeypatch.setitem(sys.modules, "acme_watchlist", None)
    del sys.modules["acme_watchlist"]
    make_images(tmp_path / "images")
    path = write_config(tmp_path / "config.yaml", tmp_path / "images", tmp_path / "run")
    assert "filters/watchlist" not in {stage.name for stage in stages_of(load_config(path))}
    assert not (acme / "imported").exists()

    config = load_config(path, ("filter.watchlist={enabled: true, word: train/person/3.jpg}",))
    stage = next(stage for stage in stages_of(config) if stage.name == "filters/watchlist")
    run = Run(config, config.run)
    run_stages(run, (INGEST, stage), lambda status: None)
    opinions = opinions_by("watchlist").of(run)
    hit = samples_of(run).table["filepath"].to_pylist().index("train/person/3.jpg")
    assert np.flatnonzero(opinions.proposed == ASK_REVIEW).tolist() == [hit]
    assert (acme / "imported").exists()
    with pytest.raises(InputError, match="wrod"):
        load_config(path, ("filter.watchlist={wrod: x}",))


def test_a_configuration_uses_a_source_by_its_kind(acme: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(acme)
    monkeypatch.setitem(sys.modules, "acme_watchlist", None)
    del sys.modules["acme_watchlist"]
    make_images(tmp_path / "images")
    path = write_config(tmp_path / "config.yaml", tmp_path / "images", tmp_path / "run")
    source = f"dataset.source={{kind: bucket, images: {tmp_path / 'images'}, word: /person/}}"
    config = load_config(path, (source,))
    run = Run(config, config.run)
    run_stages(run, (INGEST,), lambda status: None)
    samples = samples_of(run)
    named = np.array(["/person/" in name for name in samples.table["filepath"].to_pylist()])
    assert (samples.labels == named).all()
    with pytest.raises(InputError, match=r"dataset.source.wrod"):
        load_config(path, (source.replace("word:", "wrod:"),))
    with pytest.raises(InputError, match="'table', 'wake_vision', 'open_images', 'folders'"):
        load_config(path, (source.replace("bucket", "basket"),))
