"""The DVC pipeline: every stage of ours once, each output one stage's, each dependency made before or from outside."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from report_run import make_images

from tinysieve.ground.errors import InputError
from tinysieve.pipeline.config.read import load_config
from tinysieve.pipeline.engine.stages import Run
from tinysieve.pipeline.main_job import stages_of
from tinysieve.pipeline.model_files.dvc_file import COMMANDS, dvc_text, write_dvc

CONFIG = """\
run: runs/a
dataset: {source: {kind: table, images: images, table: labels.csv, filepath: filename, label: person}, rule: any}
filter: {detector: {kind: presence_head}}
policy: {kind: default}
train: {recipe: seed}
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    make_images(tmp_path)
    (tmp_path / "my run.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    config = load_config(Path("my run.yaml"), ())
    return Run(config, config.run)


def stages_in(run: Run) -> dict[str, Any]:
    stages: dict[str, Any] = yaml.safe_load(dvc_text(run, Path("my run.yaml")))["stages"]
    return stages


def outputs(stage: dict[str, Any]) -> list[str]:
    return [path for entry in stage["outs"] for path in entry]


def test_every_stage_of_ours_is_the_output_of_one_of_theirs(run: Run) -> None:
    made = [path for stage in stages_in(run).values() for path in outputs(stage)]
    assert len(made) == len(set(made))
    assert {f"{run.folder}/{stage.name}" for stage in stages_of(run.config)} <= set(made)


def test_what_is_needed_is_made_before_or_lies_there(run: Run) -> None:
    made: set[str] = set()
    for stage in stages_in(run).values():
        for path in stage["deps"]:
            assert path in made or Path(path).exists()
        made |= set(outputs(stage))


def test_commands_are_ours_and_a_blank_in_a_name_is_quoted(run: Run) -> None:
    assert [stage["cmd"] for stage in stages_in(run).values()] == [f"tinysieve {name} -c 'my run.yaml'" for name in COMMANDS]


def test_a_file_of_somebody_else_stays(run: Run) -> None:
    out = Path("dvc.yaml")
    write_dvc(run, Path("my run.yaml"), out)
    write_dvc(run, Path("my run.yaml"), out)
    out.write_text("stages: {mine: {cmd: 'true'}}\n")
    with pytest.raises(InputError, match="did not make"):
        write_dvc(run, Path("my run.yaml"), out)
    assert "mine" in out.read_text()


def test_dvc_itself_reads_it(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("dvc", exc_type=ImportError)
    write_dvc(run, Path("my run.yaml"), Path("dvc.yaml"))

    def dvc(*arguments: str) -> str:
        done = subprocess.run([sys.executable, "-m", "dvc", *arguments], cwd=tmp_path, capture_output=True, text=True,
                              env={**os.environ, "HOME": str(tmp_path), "DVC_NO_ANALYTICS": "1"}, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    dvc("init", "--no-scm")
    assert [line.split()[0] for line in dvc("stage", "list").splitlines()] == list(COMMANDS)
    edges = {tuple(line.strip().strip(";").replace('"', "").split(" -> ")) for line in dvc("dag", "--dot").splitlines()
             if "->" in line}
    assert {("ingest", "filter"), ("filter", "train"), ("train", "quantize"), ("quantize", "verify")} <= edges
    assert "tinysieve ingest" in dvc("repro", "--dry", "ingest")
