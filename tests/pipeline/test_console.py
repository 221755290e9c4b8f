"""What a person reads on the terminal: nothing cut off, no odd numbers, an honest time left."""

from __future__ import annotations

import io
import os
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest

from tinysieve.dataset.classes import ClassNames
from tinysieve.dataset.version_store import LogEntry
from tinysieve.filtering.decisions.answers import Conflict
from tinysieve.filtering.decisions.vote_table import FilterRow
from tinysieve.ground.progress import PERCENT, part
from tinysieve.pipeline.config.read import load_config
from tinysieve.pipeline.console import run_tables as console
from tinysieve.pipeline.engine import progress_display as progress
from tinysieve.pipeline.engine import quiet_imports
from tinysieve.pipeline.engine.loudness import LOUDNESS
from tinysieve.pipeline.engine.stage_words import does
from tinysieve.pipeline.engine.stages import FIRST_RUN, StageStatus
from tinysieve.pipeline.main_job import stages_of
from tinysieve.pipeline.stages.ingest import IngestFacts


def test_names_of_filters_are_never_cut_off(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["disagreement", "pseudo_label", "data_parameters"]
    console.show_filters([FilterRow(name, name, 0.5, 0.5, 0.5, *[1_000_000] * 6) for name in names], ClassNames("cat", "no_cat"))
    said = capsys.readouterr().out
    assert all(said.count(f" {name} ") == 2 for name in names)


def test_a_missing_label_has_one_name(capsys: pytest.CaptureFixture[str]) -> None:
    console.show_diff(pa.table({"sample_id": ["a"], "filepath": ["a.jpg"], "split": ["unlabeled"],
                                "old_label": pa.array([None], pa.string()), "new_label": ["person"]}), False)
    assert "None" not in (said := capsys.readouterr().out)
    assert said.count("none -> person") == 2


def test_names_of_files_give_the_terminal_no_orders(capsys: pytest.CaptureFixture[str]) -> None:
    console.show_diff(pa.table({"sample_id": ["a"], "filepath": ["café \x1b[31mred\n.jpg"], "split": ["train"],
                                "old_label": ["background"], "new_label": ["person"]}), False)
    assert r"  café \x1b[31mred\n.jpg  background -> person" in capsys.readouterr().out.splitlines()[1]


def test_names_of_reviewers_give_the_terminal_no_orders(capsys: pytest.CaptureFixture[str]) -> None:
    conflicts = (Conflict("a" * 32, "person by \x1b[2Jann", "drop by ben", "decisions.csv:3"),)
    console.show_imported(SimpleNamespace(version=SimpleNamespace(id="0"), changed=0, confirmed=0, review=SimpleNamespace(
        conflicts=conflicts, skipped=0, repeated=0, taken_back=0)), False)
    console.show_log([LogEntry("0", None, "reviewed by \x1b[2Jann", 1, True, "2026-01-01")], False)
    said = capsys.readouterr().out
    assert said.count(r"by \x1b[2Jann") == 2
    assert "\x1b" not in said


def test_rows_without_a_file_are_told_with_what_becomes_of_their_photos(capsys: pytest.CaptureFixture[str]) -> None:
    facts = IngestFacts(samples=100, quarantined=0, skipped=37, leaked=1, version="0123456789abcdef")
    rows = {"no such file": 35, "path leaves the image root": 1}
    console.show_ingest(replace(facts, skipped_rows=rows))
    assert capsys.readouterr().out.splitlines()[1:] == [
        "37 skipped: see ingest/skipped.csv",
        "  35 rows: no such file; photos without a row count as unlabeled",
        "  1 row: path leaves the image root",
        "1 leaked: see ingest/leaks.csv"]
    console.show_ingest(facts)
    assert len(capsys.readouterr().out.splitlines()) == 3


class Clock:
    """A clock that only the test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(progress.time, "monotonic", lambda: self.now)
        # The thread that looks after silent work takes no part unless a test asks for it.
        monkeypatch.setattr(progress, "SECONDS_BETWEEN_LOOKS", 600.0)


def test_time_left_counts_from_the_first_report(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Twenty seconds of compiling before the first of 100, then one in ten seconds: 880 s left at the twelfth."""
    clock = Clock(monkeypatch)
    with progress.progress("train") as report:
        for clock.now, done in ((0.0, 0), (20.0, 1), (130.0, 12)):
            report(done, 100)
    assert capsys.readouterr().err.splitlines() == [
        "train: 1/100 images", "train: 12/100 images, 0.1/s, 880 s left"]


def test_lines_come_every_five_seconds_at_most(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A thousand reports in 100 s: the first line after 2 s, then nineteen more; what takes less than 2 s writes none."""
    clock = Clock(monkeypatch)
    with progress.progress("train") as report:
        for done in range(1, 1001):
            clock.now = done / 10
            report(done, 1000)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("/")[0] for line in lines] == [f"train: {20 + 50 * number}" for number in range(20)]
    with progress.progress("policy") as report:
        clock.now += 1.9
        report(1, 1)
    assert capsys.readouterr().err == ""


def test_work_that_reports_nothing_is_not_silent(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A compiler that takes its time, before the first report and after the last one."""
    clock = Clock(monkeypatch)
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LOOKS", 0.001)
    lines: list[str] = []

    def wait_for(number: int) -> None:
        while len(lines) < number:
            time.sleep(0.001)
            lines.extend(capsys.readouterr().err.splitlines())

    others = set(threading.enumerate())
    with progress.progress("train") as report:
        clock.now = 3.0
        wait_for(1)
        clock.now = 7.0
        report(3, 100)
        clock.now = 9.0
        wait_for(2)
        clock.now = 14.0
        wait_for(3)
    assert lines == ["train: running, 3 s elapsed", "train: 3/100 images", "train: 3/100 images, running, 14 s elapsed"]
    assert set(threading.enumerate()) <= others


def test_parts_of_unlike_kinds_are_shown_in_percent(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock(monkeypatch)
    with progress.progress("fit", PERCENT) as report:
        for clock.now, done in ((10.0, 100), (30.0, 300)):
            part(report, 0, 1)(done, 1000)
    assert capsys.readouterr().err.splitlines() == ["fit: 10.0 %", "fit: 30.0 %, 70 s left"]


def test_quiet_says_nothing_of_progress(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(LOUDNESS, "quiet", True)
    clock = Clock(monkeypatch)
    console.announce(StageStatus("policy", True, (FIRST_RUN,)))
    with progress.progress("train") as report:
        clock.now = 60.0
        report(1, 2)
    assert capsys.readouterr().err == ""


def test_a_terminal_shows_the_count_the_rate_and_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    written.isatty = lambda: True  # type: ignore[method-assign]
    clock = Clock(monkeypatch)
    monkeypatch.setattr(progress.sys, "stderr", written)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with progress.progress("train") as report:
        for clock.now, done in ((1.0, 10), (11.0, 20)):
            report(done, 100)
    assert "20/100 images, 1.0/s, 80 s left" in written.getvalue()


@pytest.mark.parametrize("config", sorted((Path(__file__).parents[2] / "configs").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_stage_says_in_five_words_what_it_does(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if config.stem == "boards":
        pytest.skip("describes boards, no run")
    for stage in stages_of(load_config(config, ())):
        assert len(does(stage.name).split()) == 5, stage.name
        console.announce(StageStatus(stage.name, True, (FIRST_RUN,)))
        console.announce(StageStatus(stage.name, True, ("seed changed",)))
        assert capsys.readouterr().err.splitlines() == [f"run  {stage.name}: {does(stage.name)}",
                                                        f"run  {stage.name}: {does(stage.name)} (seed changed)"]


@pytest.mark.parametrize(("number", "words"), [(0, "0 conflicts"), (1, "1 conflict"), (2, "2 conflicts")])
def test_one_of_a_thing_has_no_plural(number: int, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    conflicts = tuple(Conflict("a" * 32, "ann: person", "ben: drop", "decisions.csv:3") for _ in range(number))
    version = SimpleNamespace(id="0123456789abcdef")
    imported = SimpleNamespace(version=version, changed=number, confirmed=0,
                               review=SimpleNamespace(conflicts=conflicts, skipped=0, repeated=0, taken_back=0))
    console.show_imported(imported, False)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"current version: 0123456789abcdef ({words.replace('conflict', 'change')})"
    assert said[1].endswith(f", 0 taken back, {words}")


def test_a_title_stays_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    title = "policy 'consensus': e789d7dedb8b7741 -> a751d3022279d4e1"
    console.show_pairs(title, {"person -> background": 0})
    assert title in capsys.readouterr().out


def test_greetings_of_libraries_are_left_out_and_all_else_is_not(capfd: pytest.CaptureFixture[str]) -> None:
    greeting = "I0000 00:00:1795256252.029287    2254 port.cc:153] oneDNN custom operations are on."
    with quiet_imports.quiet_imports():
        os.write(2, f"WARNING: All log messages before absl::InitializeLog() is called\n{greeting}\nE0000 no memory\n".encode())
    assert capfd.readouterr().err == "E0000 no memory\n"


def test_what_was_said_before_a_failure_is_not_lost(capfd: pytest.CaptureFixture[str]) -> None:
    def load() -> None:
        with quiet_imports.quiet_imports():
            os.write(2, b"cannot open libfoo.so\n")
            raise ImportError

    with pytest.raises(ImportError):
        load()
    assert capfd.readouterr().err == "cannot open libfoo.so\n"
