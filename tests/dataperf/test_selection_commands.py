"""`tinysieve dataperf selection|select|download` as a person meets them, and the same scores through Ray Data."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from selection_data import write_benchmark

from tests.command_here import tinysieve
from tinysieve.dataperf.selection_setup import read_setup

ROOT = Path(__file__).parents[2]


def dataperf(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return tinysieve("dataperf", *words, folder=folder)


def test_selection_prints_writes_and_names_its_result(tmp_path: Path) -> None:
    write_benchmark(tmp_path)
    done = dataperf(tmp_path, "selection", "--setup_yaml_path", "task_setup.yaml", "--docker_flag", "True")
    assert done.returncode == 0, done.stderr
    (result,) = (tmp_path / "data/results").iterdir()
    assert done.stdout.splitlines()[:3] == ["Loading embeddings", "Evaluating task: A", "Loading training data for A..."]
    assert done.stdout.endswith(f"{result.read_text()}\nResults saved in data/results/{result.name}\n")
    assert json.loads(dataperf(tmp_path, "selection", "--json").stdout) == json.loads(result.read_text())


def test_a_missing_setup_is_exit_code_2(tmp_path: Path) -> None:
    done = dataperf(tmp_path, "selection")
    assert done.returncode == 2
    assert done.stderr.startswith("error: task_setup.yaml cannot be read")


@pytest.mark.parametrize(("words", "message"), [(("--docker_flag", "maybe"), "--docker_flag is 'Maybe'"),
                                                (("--reader", "spark"), "--reader is 'spark'")])
def test_wrong_words_are_exit_code_2(tmp_path: Path, words: tuple[str, str], message: str) -> None:
    write_benchmark(tmp_path)
    done = dataperf(tmp_path, "selection", *words)
    assert (done.returncode, message in done.stderr) == (2, True)


def test_select_writes_what_selection_reads(tmp_path: Path) -> None:
    write_benchmark(tmp_path)
    done = dataperf(tmp_path, "select", "--positives", "data/A.csv", "--embeddings", "data/emb.parquet", "--out", "data/B.csv",
                     "--strategy", "random", "-o", "size=40", "--seed", "3", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == 40
    assert dataperf(tmp_path, "selection").returncode == 0


def test_ray_data_gives_the_same_scores(tmp_path: Path) -> None:
    for package in ("ray", "aiohttp"):
        pytest.importorskip(package, reason="needs the extra 'scale'")
    setup = read_setup(write_benchmark(tmp_path))
    through_ray = [sys.executable, "-m", "tinysieve", "dataperf", "selection", "--reader", "ray", "--json"]
    there = subprocess.run(through_ray, cwd=tmp_path, capture_output=True, text=True)
    assert there.returncode == 0, there.stderr
    assert json.loads(there.stdout) == json.loads(dataperf(tmp_path, "selection", "--json").stdout)
    code = ("import sys; from pathlib import Path; import numpy as np\n"
            "from tinysieve.dataperf.embedding_store import open_parquet\n"
            "from tinysieve.dataperf.ray_embeddings import open_ray\n"
            "ours, rays = (opener(Path(sys.argv[1])) for opener in (open_parquet, open_ray))\n"
            "for one in (ours, rays): print(one.count(), one.dim(), one.columns())\n"
            "left, right = (one.rows(['id0007', 'id0100', 'x']) for one in (ours, rays))\n"
            "print(left.ids == right.ids, np.array_equal(left.vectors, right.vectors))\n"
            "print(sum(len(one.ids) for one in rays.batches()))\n")
    seen = subprocess.run([sys.executable, "-c", code, str(setup.embeddings)], cwd=ROOT, capture_output=True, text=True,
                          check=True)
    lines = seen.stdout.splitlines()
    assert lines[0] == lines[1]
    assert lines[2:] == ["True True", "120"]


def test_without_ray_the_error_names_the_extra(tmp_path: Path) -> None:
    write_benchmark(tmp_path)
    (tmp_path / "hidden/ray").mkdir(parents=True)
    (tmp_path / "hidden/ray/__init__.py").write_text("raise ImportError('hidden')\n")
    done = subprocess.run([sys.executable, "-m", "tinysieve", "dataperf", "selection", "--reader", "ray"], cwd=tmp_path,
                          capture_output=True, text=True, env={**os.environ, "PYTHONPATH": f"{tmp_path / 'hidden'}:{ROOT}"})
    assert done.returncode == 3
    assert "tinysieve[scale]" in done.stderr
