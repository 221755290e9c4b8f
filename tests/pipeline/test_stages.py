"""The stage engine: runs once, resumes, explains, and never shows half a result."""

from __future__ import annotations

import json
import multiprocessing
import time
from pathlib import Path

import pytest

from tinysieve.ground.errors import InputError
from tinysieve.pipeline.config.sections import config_of
from tinysieve.pipeline.engine.stages import Run, Stage, StageStatus, locked, plan, run_stages

CONFIG = {"run": "x", "dataset": {"source": {"kind": "folders", "images": "x"}},
          "filter": {"detector": {"kind": "presence_head"}}, "policy": {"kind": "default"}, "train": {"recipe": "seed"}}


def make_run(folder: Path, **changes: object) -> Run:
    return Run(config_of(CONFIG | changes), folder)


def counting(name: str, needs: tuple[str, ...], calls: list[str], fail: bool = False) -> Stage:
    def work(run: Run, folder: Path) -> str:
        calls.append(name)
        (folder / "first.txt").write_text("made before the end")
        if fail:
            raise KeyboardInterrupt
        (folder / "out.txt").write_text(f"{name} {run.config.seed}")
        return ""

    return Stage(name, 1, needs, lambda config: {"seed": config.seed}, work)


def statuses_of(run: Run, *stages: Stage) -> list[StageStatus]:
    seen: list[StageStatus] = []
    run_stages(run, stages, seen.append)
    return seen


def test_runs_once_and_again_when_settings_change(tmp_path: Path) -> None:
    calls: list[str] = []
    stages = (counting("a", (), calls), counting("b", ("a",), calls))
    statuses_of(make_run(tmp_path), *stages)
    assert [one.runs for one in statuses_of(make_run(tmp_path), *stages)] == [False, False]
    changed = make_run(tmp_path, seed=5)
    assert plan(changed, stages)[0].reasons == ("settings.seed changed from 0 to 5",)
    assert plan(changed, stages)[1].reasons == ("a would run first",)
    statuses_of(changed, *stages)
    assert calls == ["a", "b", "a", "b"]
    assert (tmp_path / "b/out.txt").read_text() == "b 5"


def test_an_interrupted_stage_is_not_there_and_resumes_in_its_folder(tmp_path: Path) -> None:
    calls: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        statuses_of(make_run(tmp_path), counting("a", (), calls, fail=True))
    assert not (tmp_path / "a").exists()
    assert (tmp_path / "a.partial/first.txt").exists()
    assert statuses_of(make_run(tmp_path), counting("a", (), calls))[0].reasons == ("was interrupted, resumes",)
    assert sorted(path.name for path in tmp_path.glob("a*")) == ["a"]


def test_an_interrupted_stage_of_other_settings_is_thrown_away(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        statuses_of(make_run(tmp_path), counting("a", (), [], fail=True))
    (tmp_path / "a.partial/old.txt").write_text("of other settings")
    statuses_of(make_run(tmp_path, seed=1), counting("a", (), []))
    assert not (tmp_path / "a/old.txt").exists()


def test_same_identity_upstream_means_nothing_to_do(tmp_path: Path) -> None:
    """A stage that made the same thing from other settings does not set the later stages going."""
    calls: list[str] = []
    upper = counting("b", ("a",), calls)

    def work(run: Run, folder: Path) -> str:
        return "always the same"

    lower = Stage("a", 1, (), lambda config: {"seed": config.seed}, work)
    upper = Stage("b", 1, ("a",), lambda config: {}, upper.work)
    statuses_of(make_run(tmp_path), lower, upper)
    assert [one.runs for one in statuses_of(make_run(tmp_path, seed=9), lower, upper)] == [True, False]


def test_a_stage_whose_file_is_gone_runs_again(tmp_path: Path) -> None:
    calls: list[str] = []
    stages = (counting("a", (), calls), counting("b", ("a",), calls))
    statuses_of(make_run(tmp_path), *stages)
    assert list(json.loads((tmp_path / "a/stage.json").read_text())["files"]) == ["first.txt", "out.txt"]
    (tmp_path / "a/out.txt").unlink()
    assert [one.reasons for one in plan(make_run(tmp_path), stages)] == [("out.txt is missing",), ("a would run first",)]
    assert [one.runs for one in statuses_of(make_run(tmp_path), *stages)] == [True, False]
    assert (tmp_path / "a/out.txt").exists()


def test_logs_may_go(tmp_path: Path) -> None:
    def work(run: Run, folder: Path) -> str:
        (folder / "timing.log.jsonl").touch()
        return ""

    stage = Stage("a", 1, (), lambda config: {}, work)
    statuses_of(make_run(tmp_path), stage)
    (tmp_path / "a/timing.log.jsonl").unlink()
    assert not plan(make_run(tmp_path), (stage,))[0].runs


@pytest.mark.parametrize("damaged", [b"{", b"", b"{}", b"[]", b"\xff", b'{"key": "x", "identity": "x", "parts": 3}'])
def test_a_damaged_record_is_that_of_no_finished_stage(damaged: bytes, tmp_path: Path) -> None:
    calls: list[str] = []
    stages = (counting("a", (), calls), counting("b", ("a",), calls))
    statuses_of(make_run(tmp_path), *stages)
    (tmp_path / "a/stage.json").write_bytes(damaged)
    assert plan(make_run(tmp_path), stages)[0].reasons == ("its record is unreadable",)
    assert [one.runs for one in statuses_of(make_run(tmp_path), *stages)] == [True, False]


def _hold(folder: Path) -> None:
    with locked(folder):
        (folder / "held").touch()
        time.sleep(30)


def test_two_processes_cannot_work_in_one_folder(tmp_path: Path) -> None:
    other = multiprocessing.get_context("spawn").Process(target=_hold, args=(tmp_path,))
    other.start()
    while not (tmp_path / "held").exists():
        time.sleep(0.02)
    with pytest.raises(InputError, match="another process holds"), locked(tmp_path):
        pass
    other.kill()
    other.join()
    with locked(tmp_path):
        pass
