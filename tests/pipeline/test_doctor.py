"""The doctor: finds what is there and what is not, says what to do, is quick and changes nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement

from tinysieve.ground.errors import MissingRequirement
from tinysieve.pipeline.doctor import packages
from tinysieve.pipeline.doctor import this_machine as machine
from tinysieve.pipeline.doctor.examine import Examination, examine, render
from tinysieve.pipeline.doctor.finding import MISSING, OK, PROBLEM, Finding

ROOT = Path(__file__).parents[2]
CONFIG = """\
run: {run}
dataset: {{source: {{kind: folders, images: {images}}}}}
filter: {{detector: {detector}}}
policy: {{kind: default}}
train: {{recipe: demo}}
"""


def of(examination: Examination, name: str) -> Finding:
    return next(one for one in examination.findings if one.name == name)


def write_config(folder: Path, detector: str, images: str = "images") -> Path:
    (folder / "images").mkdir(exist_ok=True)
    path = folder / "config.yaml"
    path.write_text(CONFIG.format(run=folder / "runs" / "new", images=folder / images, detector=detector))
    return path


def test_this_machine_can_run_the_tests() -> None:
    found = examine(None)
    assert of(found, "version").state == OK
    assert of(found, "numpy").state == OK
    assert {one.state for one in found.findings} <= {OK, MISSING, PROBLEM}
    assert all(one.advice for one in found.findings if one.state != OK)
    assert {one.topic for one in found.findings} >= {"python", "packages: core", "packages: detect", "packages: explore",
                                                     "packages: mcu", "packages: scale", "gpu", "disk", "licences"}
    assert "AGPL-3.0" in of(found, "Ultralytics and its YOLO weights").found
    assert "source under AGPL-3.0" in of(found, "Ultralytics and its YOLO weights").advice


def test_loads_nothing_heavy() -> None:
    """What it costs is measured in benchmarks/start.py."""
    code = ("import sys\nfrom tinysieve.pipeline.doctor.examine import examine\nexamine(None)\n"
            "print([n for n in ('tensorflow', 'keras', 'torch', 'ultralytics', 'fiftyone', 'openvino') if n in sys.modules])")
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == "[]"


def test_json_holds_every_finding() -> None:
    found = Examination((Finding("gpu", "NVIDIA GPU", MISSING, "none", "works without"), Finding("disk", "free", PROBLEM, "1 B")))
    told = json.loads(render(found, json=True))
    assert told["findings"][0] == {"topic": "gpu", "name": "NVIDIA GPU", "state": "missing", "found": "none",
                                   "advice": "works without"}
    assert (told["ok"], told["missing"], told["problem"]) == (0, 1, 1)


def test_table_for_people() -> None:
    found = Examination((Finding("gpu", "NVIDIA GPU", MISSING, "none", "works without"), Finding("disk", "free", PROBLEM, "1 B")))
    assert render(found, json=False) == """\
gpu
  missing  NVIDIA GPU  none
                       -> works without

disk
  problem  free        1 B

1 problem: free"""
    assert render(Examination((Finding("disk", "free", OK, "1 GB"),)), json=False).endswith("\n\nno problems")


def test_missing_weights_are_named_with_both_ways_out(tmp_path: Path) -> None:
    weights = tmp_path / "yolo99.pt"
    found = of(examine(write_config(tmp_path, f"{{kind: ultralytics, weights: {weights}}}")), "detector weights")
    assert found.state == PROBLEM
    assert str(weights) in found.found
    assert "AGPL-3.0" in found.advice
    assert "kind: boxes" in found.advice
    allowed = f"{{kind: ultralytics, weights: {weights}, allow_download: true}}"
    assert of(examine(write_config(tmp_path, allowed)), "detector weights").state == MISSING
    weights.write_bytes(b"weights")
    found = of(examine(write_config(tmp_path, f"{{kind: ultralytics, weights: {weights}}}")), "detector weights")
    assert found.state == OK
    assert "blake2b" in found.found


def test_boxes_images_and_a_broken_configuration(tmp_path: Path) -> None:
    boxes = tmp_path / "boxes.csv"
    config = write_config(tmp_path, f"{{kind: boxes, file: {boxes}}}")
    assert of(examine(config), "boxes").state == PROBLEM
    boxes.write_text("sample_id\n")
    assert of(examine(config), "boxes").state == OK
    assert of(examine(config), "images").state == OK
    assert of(examine(write_config(tmp_path, "{kind: presence_head}", "elsewhere")), "images").state == PROBLEM
    config.write_text(config.read_text() + "epochs: 3\n")
    broken = of(examine(config), "file")
    assert broken.state == PROBLEM
    assert "unknown key 'epochs'" in broken.found
    assert str(config) in broken.advice
    assert not (tmp_path / "runs").exists()


def test_packages_missing_old_and_under_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = {"numpy": "1.26.0", "tensorflow": "2.21.0", "keras": "3.15.1"}

    def version(name: str) -> str:
        if name not in installed:
            raise packages.metadata.PackageNotFoundError(name)
        return installed[name]

    required = ["numpy>=2.0", "tensorflow-cpu>=2.19", "keras>=3.10", "rich>=13", 'ray[data]>=2.40; extra == "scale"',
                'pytest>=8; extra == "dev"', "never; python_version < '3'"]
    monkeypatch.setattr(packages.metadata, "version", version)
    monkeypatch.setattr(packages.metadata, "requires", lambda name: required)
    found = {one.name: one for one in packages.packages()}
    assert list(found) == ["numpy", "tensorflow-cpu", "keras", "rich", "ray"]
    assert found["numpy"].state == PROBLEM
    assert found["numpy"].advice == "needs >=2.0: pip install 'numpy>=2.0'"
    assert (found["tensorflow-cpu"].state, found["tensorflow-cpu"].found) == (OK, "2.21.0 (as tensorflow)")
    assert found["keras"].state == OK
    assert (found["rich"].state, found["rich"].found) == (PROBLEM, "not installed")
    assert (found["ray"].state, found["ray"].advice) == (MISSING, "pip install 'tinysieve[scale]'")
    assert Requirement(required[0]).name in found


def test_a_gpu_that_the_installed_packages_cannot_use(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"tensorflow-cpu": ("tensorflow-cpu", "2.21.0"), "torch": ("torch", "2.13.0+cpu")}
    monkeypatch.setattr(machine, "installed_version", versions.get)
    monkeypatch.setattr(machine.shutil, "which", lambda name: "/bin/nvidia-smi")
    monkeypatch.setattr(machine.subprocess, "run", lambda *args, **kwargs: SimpleNamespace(stdout="A GPU, 24 GiB, 1\n"))
    assert [(one.name, one.state) for one in machine.gpu()] == [
        ("NVIDIA GPU", OK), ("TensorFlow", MISSING), ("torch", MISSING)]

    def hangs(*args: object, **kwargs: object) -> None:
        raise subprocess.TimeoutExpired("nvidia-smi", 2)

    monkeypatch.setattr(machine.subprocess, "run", hangs)
    assert [one.state for one in machine.gpu()] == [MISSING]


def test_without_tflm_and_without_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def missing() -> None:
        raise MissingRequirement("tflite-micro is not installed")

    monkeypatch.setattr("tinysieve.quantize.tflm.arena.tflm_runtime", missing)
    assert machine.tflm().state == MISSING
    for free, state in ((machine.LEAST_FREE_BYTES, OK), (machine.LEAST_FREE_BYTES - 1, PROBLEM)):
        monkeypatch.setattr(machine.shutil, "disk_usage", lambda path, free=free: SimpleNamespace(free=free))
        assert machine.disk(tmp_path / "not" / "there" / "yet").state == state
