"""The container files: what their schemas ask for, and every entry point run as the container would run it."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from debugging_folder import DATA_ID, write_folder, write_lines
from selection_data import write_benchmark

ROOT = Path(__file__).parents[2]
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
CUBE = yaml.safe_load((ROOT / "mlcube.yaml").read_text())
PARAMETERS = {  # of the originals' own mlcube.yaml: inputs, outputs
    "download": ({"parameters_file"}, {"output_path"}),
    "create_baselines": ({"embedding_folder", "groundtruth_folder"}, {"submission_folder"}),
    "select": ({"input_path", "embeddings_path", "parameters_file"}, {"output_path"}),
    "evaluate": ({"submission_folder", "groundtruth_folder", "embedding_folder", "eval_path"}, {"results_folder", "log_path"}),
    "plot": ({"results_folder", "submission_folder"}, set()),
}


def run_in(folder: Path, words: list[str]) -> subprocess.CompletedProcess[str]:
    """Run the words as a container with `folder` as its working folder; `tinysieve` is this checkout's."""
    (folder / "bin").mkdir(exist_ok=True)
    command = folder / "bin" / "tinysieve"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m tinysieve "$@"\n')
    command.chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)


def mapped(text: str, folder: Path) -> str:
    """The container's /app is the folder."""
    return text.replace("/app", str(folder))


def run_task(name: str, workspace: Path, **given: str) -> subprocess.CompletedProcess[str]:
    """Run a task as MLCube's docker runner does: each parameter as --name=path, outputs' folders made beforehand."""
    task, arguments = CUBE["tasks"][name], []
    for group in ("inputs", "outputs"):
        for parameter, declared in task["parameters"][group].items():
            path = workspace / given.get(parameter, declared["default"])
            (path if declared["type"] == "directory" else path.parent).mkdir(parents=True, exist_ok=True)
            arguments.append(f"--{parameter}={path}")
    return run_in(workspace, [*shlex.split(task["entrypoint"]), *arguments])


def test_compose_has_what_its_schema_asks_for() -> None:
    """Of the Compose specification: known keys, a build with a file that is there, volumes as source:target."""
    for name, service in SERVICES.items():
        assert set(service) <= {"image", "build", "working_dir", "volumes", "command", "deploy", "profiles"}, name
        assert (ROOT / service["build"]["dockerfile"]).is_file()
        assert all(re.fullmatch(r"[^:]+(:-[^}]*})?:/[^:]*", volume) for volume in service["volumes"])
        assert isinstance(service["command"], str)


@pytest.mark.parametrize("name", ["dataperf-debugging-submission", "dataperf-visual-submission"])
def test_the_services_work_in_the_folder_that_is_mounted(name: str) -> None:
    service = SERVICES[name]
    assert service["image"] == "tinysieve:cpu"
    assert service["working_dir"] == "/app"
    assert [volume.rpartition(":")[2] for volume in service["volumes"]] == ["/app"]


def test_the_selection_service_scores_the_folder(tmp_path: Path) -> None:
    write_benchmark(tmp_path)
    done = run_in(tmp_path, shlex.split(SERVICES["dataperf-visual-submission"]["command"]))
    assert done.returncode == 0, done.stderr
    (result,) = (tmp_path / "data/results").glob("result_UTC-*.json")
    assert list(json.loads(result.read_text())) == ["A", "B"]


def test_the_debugging_service_makes_baselines_scores_and_plots(tmp_path: Path) -> None:
    """The originals' setup for the container has absolute paths under /app."""
    write_folder(tmp_path)
    write_lines(tmp_path, "mine", "0\n1\n2\n")
    setup = yaml.safe_load((tmp_path / "task_setup.yml").read_text())
    setup["paths"] = {name: mapped(f"/app/{folder}", tmp_path) for name, folder in setup["paths"].items()}
    (tmp_path / "task_setup_docker.yml").write_text(yaml.safe_dump(setup))
    done = run_in(tmp_path, shlex.split(mapped(SERVICES["dataperf-debugging-submission"]["command"], tmp_path)))
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / f"results/{DATA_ID}_evaluation.json").read_text())
    assert set(found["auc_score"]) == {"mine", "random", "neighbor_shapley (datascope)"}
    assert list((tmp_path / "results").glob("*.png"))


def test_mlcube_has_the_originals_tasks_and_parameters() -> None:
    for name, (inputs, outputs) in PARAMETERS.items():
        declared = CUBE["tasks"][name]["parameters"]
        assert (set(declared["inputs"]), set(declared["outputs"])) == (inputs, outputs), name
        for one in (*declared["inputs"].values(), *declared["outputs"].values()):
            assert set(one) == {"type", "default"}
            assert one["type"] in ("file", "directory")


def test_every_entry_point_has_more_than_one_word() -> None:
    """MLCube's docker runner drops all parameters of an entry point with a single word."""
    assert all(len(shlex.split(task["entrypoint"])) > 1 for task in CUBE["tasks"].values())


def test_up_starts_what_needs_no_gpu_and_mlcube_takes_the_same_image() -> None:
    started = [name for name, service in SERVICES.items() if "profiles" not in service]
    assert started == ["dataperf-debugging-submission", "dataperf-visual-submission"]
    assert CUBE["docker"]["image"] == SERVICES[started[0]]["image"]
    assert CUBE["docker"]["build_file"] == "Dockerfile"
    assert CUBE["platform"]["accelerator_count"] == 0


@pytest.mark.parametrize("compose", [("docker", "compose"), ("podman-compose",)])
def test_compose_itself_starts_what_needs_no_gpu(compose: tuple[str, ...]) -> None:
    def services(*profile: str) -> list[str]:
        done = subprocess.run([*compose, *profile, "config", "--services"], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return sorted(done.stdout.split())

    if shutil.which(compose[0]) is None or subprocess.run([*compose, "version"], capture_output=True).returncode:
        pytest.skip(f"no {' '.join(compose)} here")
    without_gpu = ["dataperf-debugging-submission", "dataperf-visual-submission"]
    assert services() == without_gpu
    assert services("--profile", "gpu") == [*without_gpu, "track"]


def test_mlcube_always_leaves_a_log(tmp_path: Path) -> None:
    bare, whole = tmp_path / "bare", tmp_path / "whole"
    for folder in (bare, whole):
        folder.mkdir()
    nothing = run_task("evaluate", bare)
    assert nothing.returncode == 2
    assert "nothing to evaluate" in nothing.stderr
    assert "error: nothing to evaluate" in (bare / "log.txt").read_text()
    write_folder(whole)
    write_lines(whole, "mine", "0\n1\n")
    done = run_task("evaluate", whole, groundtruth_folder="truth/")
    assert done.returncode == 0, done.stderr
    assert (whole / "log.txt").read_text() == done.stdout
    assert "2 of 40 lines in toy" in done.stdout


def test_the_log_is_there_when_the_task_is_killed(tmp_path: Path) -> None:
    """As `docker stop` and a full memory do: nothing of the process runs afterwards."""
    code = ("import os, signal\nfrom pathlib import Path\nfrom tinysieve.pipeline.commands.mlcube_tasks import logged\n"
            "with logged(Path('logs/log.txt')):\n    print('half done')\n    os.kill(os.getpid(), signal.SIGKILL)\n")
    done = run_in(tmp_path, [sys.executable, "-c", code])
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "logs/log.txt").read_text() == "half done\n"


def test_mlcube_evaluates_and_logs_a_selection(tmp_path: Path) -> None:
    setup = write_benchmark(tmp_path)
    resources = tmp_path / "data/dataperf-vision-selection-resources"
    shutil.copytree(tmp_path / "data", tmp_path / "copied")
    (tmp_path / "copied").rename(resources)
    shutil.copyfile(setup, resources / "task_setup.yaml")
    done = run_task("evaluate", tmp_path)
    assert done.returncode == 0, done.stderr
    log = (tmp_path / "log.txt").read_text()
    assert log == done.stdout
    assert log.startswith("Loading embeddings\nEvaluating task: A\n")
    assert len(list((resources / "results").glob("result_UTC-*.json"))) == 1
    (resources / "A.csv").write_text("ImageID\n")
    assert run_task("evaluate", tmp_path).returncode == 2
    assert 'error: ' in (tmp_path / "log.txt").read_text()


def test_mlcube_evaluates_the_published_tasks_without_a_setup(shared: Path, tmp_path: Path) -> None:
    resources = tmp_path / "data/dataperf-vision-selection-resources"
    shutil.copytree(shared / "data/dataperf_selection/data", resources, copy_function=shutil.copyfile)
    shutil.copyfile(resources / "train_sets/Hawk.csv", resources / "train_sets/random_500.csv")
    done = run_task("evaluate", tmp_path)
    assert done.returncode == 0, done.stderr
    expected = json.loads((shared / "data/dataperf_selection/expected/setup_plain.json").read_text())
    (result,) = (resources / "results").glob("result_UTC-*.json")
    assert json.loads(result.read_text())["Hawk"] == expected["Hawk"]


def test_mlcube_selects_with_the_templates_parameters(tmp_path: Path) -> None:
    write_benchmark(tmp_path)
    (tmp_path / "parameters.yaml").write_text("dataset_url: http://localhost/x\nn_random: 50\nn_closest: 7\n")
    done = run_task("select", tmp_path, input_path="data/A.csv", embeddings_path="data/emb.parquet")
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "data/selection_output.csv").read_text().splitlines()
    assert len(lines) == 51
    assert sum(line.endswith(",1") for line in lines) == 7


def test_mlcube_download_needs_a_checksum(tmp_path: Path) -> None:
    (tmp_path / "parameters.yaml").write_text("dataset_url: http://localhost/x\n")
    done = run_task("download", tmp_path)
    assert done.returncode == 2
    assert "dataset_sha256" in done.stderr


def test_mlcube_makes_baselines_scores_and_plots(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "truth").rename(tmp_path / "data")
    write_lines(tmp_path, "mine", "0\n1\n2\n")
    for name in ("create_baselines", "evaluate", "plot"):
        done = run_task(name, tmp_path)
        assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads((tmp_path / f"results/{DATA_ID}_evaluation.json").read_text())["auc_score"]
    assert {"mine", "random", "influence_function", "neighbor_shapley (datascope)"} <= set(found)
    assert list((tmp_path / "results").glob("*.png"))


@pytest.mark.parametrize("name", ["Dockerfile", "Dockerfile.gpu"])
def test_the_images_copy_the_folder_that_is_installed(name: str) -> None:
    text = (ROOT / name).read_text()
    where = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]["where"]
    assert [f"COPY {folder} {folder}" for folder in where] == [line for line in text.splitlines() if line == "COPY src src"]
    for source in re.findall(r"^COPY (?:--\S+ )?(.+) \S+$", text, re.MULTILINE):
        assert all((ROOT / one).exists() for one in source.split())
    for line in text.splitlines():
        assert re.match(r"^(#|FROM |ENV |WORKDIR |COPY |RUN |CMD |ENTRYPOINT |print|\s|$)", line), line
