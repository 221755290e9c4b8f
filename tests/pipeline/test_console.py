"""What a person reads on the terminal: nothing cut off, no odd numbers, an honest time left."""

from __future__ import annotations

import pyarrow as pa
import pytest

from filtering.opinions.vote_table import FilterRow
from pipeline import console, progress


def test_names_of_filters_are_never_cut_off(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["disagreement", "pseudo_label", "data_parameters"]
    console.show_filters([FilterRow(name, name, 0.5, 0.5, 0.5, *[1_000_000] * 6) for name in names])
    said = capsys.readouterr().out
    assert all(said.count(f" {name} ") == 2 for name in names)


def test_a_missing_label_has_one_name(capsys: pytest.CaptureFixture[str]) -> None:
    console.show_diff(pa.table({"sample_id": ["a"], "filepath": ["a.jpg"], "split": ["unlabeled"],
                                "old_label": pa.array([None], pa.string()), "new_label": ["person"]}), False)
    assert "None" not in (said := capsys.readouterr().out)
    assert said.count("none -> person") == 2


def test_time_left_counts_from_the_first_report(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Twenty seconds of compiling before the first of 100, then one a second: 90 s left at the tenth."""
    clock = iter([0.0, 20.0, 29.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with progress.progress("train") as report:
        report(1, 100)
        report(10, 100)
    assert capsys.readouterr().err.splitlines() == [
        "train: starting", "train: 1/100 images", "train: 10/100 images, 1.0/s, 90 s left"]
