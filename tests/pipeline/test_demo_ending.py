"""The demo's last five lines: each says what the run measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from report_run import make_images, make_run

from tinysieve.pipeline.demo.ending import ending
from tinysieve.pipeline.stages.verify import VERDICT, VerifyFacts

PLANTED = {"planted": 30, "mended": 24, "dropped": 4, "left": 2, "newly wrong": 1}
REPORT, PAGE = Path("/x/report.html"), Path("/x/live.html")


@pytest.fixture(scope="module")
def verdict(tmp_path_factory: pytest.TempPathFactory) -> VerifyFacts:
    folder = tmp_path_factory.mktemp("ending")
    return VERDICT.of(make_run(folder / "run", make_images(folder)))


def test_five_lines(verdict: VerifyFacts) -> None:
    labels, accuracy, memory, report, page = ending(PLANTED, verdict, REPORT, PAGE)
    assert labels.split(maxsplit=1)[1] == "24 of 30 planted wrong labels mended, 4 dropped, 2 left; 1 newly wrong"
    assert verdict.baseline_int8 is not None
    assert accuracy.index(f"{verdict.baseline_int8.value:.1%}") < accuracy.index(f"{verdict.int8.value:.1%} with mended labels")
    assert f"flash {verdict.flash_bytes:,} B" in memory
    assert (str(REPORT) in report, str(PAGE) in page) == (True, True)


def test_chance_is_named_where_it_could_do_it(verdict: VerifyFacts) -> None:
    comparison = verdict.comparison
    assert comparison is not None
    mcnemar, interval = comparison.mcnemar, comparison.interval
    sure = replace(comparison, mcnemar=replace(mcnemar, p_value=0.001), interval=replace(interval, low=0.1, high=0.2))
    chance = replace(comparison, mcnemar=replace(mcnemar, p_value=0.5), interval=replace(interval, low=-0.1, high=0.2))
    lines = [ending(PLANTED, replace(verdict, comparison=each), REPORT, PAGE)[1] for each in (sure, chance)]
    assert ["not statistically significant" in line for line in lines] == [False, True]


def test_an_arena_that_nothing_measured_says_so(verdict: VerifyFacts) -> None:
    assert "computed, not measured" in ending(PLANTED, replace(verdict, arena=None), REPORT, PAGE)[2]
