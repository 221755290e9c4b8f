"""`runs`: every run below a folder once, finished or not, and which may be compared."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from report_run import TEST, make_images, make_run
from typer.testing import CliRunner

from tinysieve.ground.errors import InputError
from tinysieve.pipeline.commands.runs import commands
from tinysieve.pipeline.compare.run_list import runs_below
from tinysieve.pipeline.stages.verify import VERDICT


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, its copy one folder deeper, and one that has not come further than its ingest."""
    folder = tmp_path_factory.mktemp("runs")
    photos = tmp_path_factory.mktemp("photos")
    first = make_run(folder / "a", make_images(photos))
    shutil.copytree(first.folder, folder / "group" / "b", ignore=shutil.ignore_patterns(".lock"))
    shutil.copytree(first.folder / "ingest", folder / "c" / "ingest")
    (folder / "no run").mkdir()
    return folder


def test_each_run_stands_once_and_says_how_far_it_came(runs: Path) -> None:
    listed = runs_below(runs)
    assert [run.folder.relative_to(runs).as_posix() for run in listed] == ["a", "c", "group/b"]
    assert [run.figures is not None for run in listed] == [True, False, True]
    assert "detect" in listed[1].unfinished


def test_figures_are_those_of_the_verdict(runs: Path) -> None:
    verdict = VERDICT.of_folder(runs / "a")
    figures = runs_below(runs)[0].figures
    assert figures is not None
    assert figures.accuracy == verdict.int8.value
    assert figures.flash_bytes == verdict.flash_bytes
    assert figures.test_images == TEST


def test_the_same_test_images_have_the_same_sign_and_others_another(runs: Path, tmp_path: Path) -> None:
    a, _, b = (run.figures for run in runs_below(runs))
    assert a is not None
    assert b is not None
    assert a.test == b.test
    fewer = make_images(tmp_path)
    lines = (fewer / "labels.csv").read_text().splitlines()
    last = max(place for place, line in enumerate(lines) if line.endswith("test"))
    (fewer / "labels.csv").write_text("\n".join(lines[:last] + lines[last + 1:]) + "\n")
    other = runs_below(make_run(tmp_path / "other", fewer).folder)[0].figures
    assert other is not None
    assert other.test != a.test


def test_what_people_and_programs_read(runs: Path) -> None:
    shown = CliRunner().invoke(commands, [str(runs)]).output
    assert "unfinished: c: stage 'detect' has not finished" in shown
    assert f"tinysieve compare {runs / 'a'} {runs / 'group/b'}" in shown.replace("\n", "")
    rows = json.loads(CliRunner().invoke(commands, [str(runs), "--json"]).output)
    assert [row["figures"] and row["figures"]["recipe"] for row in rows][1] is None
    assert rows[0]["figures"] == rows[2]["figures"]


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no run in this folder"):
        runs_below(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        runs_below(tmp_path / "nowhere")
