"""Stage `select`: a version on top of the mended labels that follows people's decisions and is taken back by `undo`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from test_query import settings

from tinysieve.dataset.classes import DROPPED, NEGATIVE
from tinysieve.dataset.decisions import drop
from tinysieve.dataset.versions import apply_decisions
from tinysieve.ground.errors import InputError
from tinysieve.pipeline import cli
from tinysieve.pipeline.config.sections import config_of
from tinysieve.pipeline.engine.stages import Run, Stage, plan, run_stages
from tinysieve.pipeline.main_job import stages_of, stages_until
from tinysieve.pipeline.stages.ingest import INGEST, samples_of, versions_of
from tinysieve.pipeline.stages.select import base_of, select_stages
from tinysieve.pipeline.stages.select_facts import SELECT_FACTS

POLICY = Stage("policy", 1, ("ingest",), lambda config: {}, lambda run, folder: "")


def run_with(folder: Path, budget: object = 0.5, **more: object) -> Run:
    given = settings(folder) if not (folder / "images").exists() else remade(folder)
    given["policy"] = {"kind": "default", "select": {"budget": budget, "by": ["random"], **more}}
    config = config_of(given)
    return Run(config, config.run)


def remade(folder: Path) -> dict[str, object]:
    source = {"kind": "table", "images": str(folder / "images"), "table": str(folder / "labels.csv")}
    return {"run": str(folder / "run"), "workers": 1, "dataset": {"source": source, "rule": "any"},
            "filter": {"detector": {"kind": "presence_head"}}, "train": {"recipe": "demo"}}


def select(run: Run) -> list[str]:
    """Names of the stages that ran."""
    ran: list[str] = []
    run_stages(run, (INGEST, POLICY, *select_stages(run.config)), lambda status: ran.extend([status.stage] * status.runs))
    return ran


def kept(run: Run) -> int:
    """Labelled train photos of the current version."""
    return int((samples_of(run).in_split("train") & (versions_of(run).load("HEAD").labels >= 0)).sum())


def test_a_selection_is_a_version_that_keeps_half_of_each_class_and_no_test_photo_less(tmp_path: Path) -> None:
    run = run_with(tmp_path)
    select(run)
    samples, store = samples_of(run), versions_of(run)
    before, after = store.load("0").labels, store.load("HEAD").labels
    gone = before != after
    assert (after[gone] == DROPPED).all()
    assert not (gone & ~samples.in_split("train")).any()
    facts = SELECT_FACTS.of(run)
    assert {name: (count.before, count.after) for name, count in facts.classes.items()} == {
        "background": (10, 5), "person": (10, 5)}
    assert (facts.photos.before, facts.photos.after, facts.version) == (20, 10, store.load("HEAD").id)
    assert store.undo().id == store.load("0").id
    assert select(run) == []
    assert kept(run) == 20


def test_another_budget_starts_from_what_stood_before_the_first(tmp_path: Path) -> None:
    run = run_with(tmp_path)
    select(run)
    larger = run_with(tmp_path, 14)
    assert select(larger) == ["select"]
    assert kept(larger) == 14
    assert versions_of(larger).load("HEAD").parent == versions_of(larger).load("0").id
    every = run_with(tmp_path, 500)
    select(every)
    assert kept(every) == 20


def test_what_people_decided_before_it_is_chosen_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = run_with(tmp_path)
    select(run)
    samples, store = samples_of(run), versions_of(run)
    person = drop(np.flatnonzero(samples.in_split("train") & (store.load("0").labels == NEGATIVE))[:6], "person", "blurred")
    on_top = apply_decisions(samples, store.load("HEAD"), person, "a person")
    store.save(on_top)
    assert select(run) == []
    assert store.load("HEAD").id == on_top.id
    store.checkout("0")
    decided = apply_decisions(samples, store.load("0"), person, "a person")
    store.save(decided)
    assert base_of(store) == decided.id
    assert select(run) == ["select"]
    assert store.load("HEAD").parent == decided.id
    assert (store.load("HEAD").labels[person.rows] == DROPPED).all()
    assert capsys.readouterr().err.count("no part of the new one") == 0


def test_the_job_trains_after_it_and_the_policy_does_not_hear_of_it(tmp_path: Path) -> None:
    chosen = run_with(tmp_path, 0.5, per_class="equal").config
    plain = config_of(remade(tmp_path) | {"policy": {"kind": "default"}})
    with_it, without = ({stage.name: stage for stage in stages_of(config)} for config in (chosen, plain))
    assert "select" in with_it["train-mended"].needs
    assert "select" in with_it["report"].needs
    assert "select" not in without
    assert "select" not in without["train-mended"].needs
    assert with_it["policy"].settings(chosen) == without["policy"].settings(plain)
    assert [status.stage for status in plan(Run(chosen, chosen.run), stages_until(chosen, "select"))][-1] == "select"
    with pytest.raises(InputError, match="no policy\\.select"):
        stages_until(plain, "select")


def test_the_command_says_how_many_of_each_class(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run = run_with(tmp_path)
    select(run)
    monkeypatch.setattr("tinysieve.pipeline.main_job.stages_of", lambda config: (INGEST, POLICY, *select_stages(config)))
    config = tmp_path / "c.yaml"
    config.write_text(json.dumps(remade(tmp_path) | {"policy": {"kind": "default"}}))
    asked = "policy.select={budget: 0.5, by: [random]}"
    monkeypatch.setattr(sys, "argv", ["tinysieve", "select", "-c", str(config), "-o", asked])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 0
    printed = capsys.readouterr().out
    assert [line.split("│")[1:5] for line in printed.splitlines() if "person" in line] == [
        [" person     ", "     10 ", "    5 ", " 50.0% "]]
