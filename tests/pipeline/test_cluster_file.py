"""docker-compose.cluster.yml: what the Compose specification asks for, and what makes a cluster of these containers work."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter

from tinysieve.pipeline.config.sections import RayExecutor

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.cluster.yml"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text())["services"]
KNOWN = {"image", "build", "working_dir", "environment", "shm_size", "volumes", "command", "depends_on"}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_has_what_the_specification_knows(name: str) -> None:
    service = SERVICES[name]
    assert set(service) <= KNOWN
    assert set(service.get("build", {})) <= {"context", "dockerfile_inline"}
    assert all(re.fullmatch(r"[^:]+(:-[^}]*})?:/[^:]*", volume) for volume in service["volumes"])
    assert re.fullmatch(r"\d+(b|k|m|g|kb|mb|gb)", service["shm_size"])
    assert all(isinstance(value, str) for value in service["environment"].values())
    assert set(service.get("depends_on", [])) <= set(SERVICES)


def test_all_see_one_folder_in_one_image() -> None:
    """A part is finished when whoever looks for it sees it."""
    for key in ("image", "volumes", "working_dir", "environment"):
        assert SERVICES["head"][key] == SERVICES["worker"][key]
    assert "FROM tinysieve:cpu\n" in SERVICES["head"]["build"]["dockerfile_inline"]


def test_workers_join_the_head_at_its_port() -> None:
    head, worker = (shlex.split(SERVICES[name]["command"]) for name in ("head", "worker"))
    port = next(word.removeprefix("--port=") for word in head if word.startswith("--port="))
    assert f"--address=head:{port}" in worker
    assert "--head" in head
    assert "--block" in head
    assert "--block" in worker


def test_the_command_in_its_header_sets_an_executor() -> None:
    command = next(line for line in FILE.read_text().splitlines() if " exec head " in line)
    override = shlex.split(command.lstrip("# "))[-1].removeprefix("executor=")
    settings = TypeAdapter(RayExecutor).validate_python(yaml.safe_load(override))
    assert settings.address == "auto"


def test_compose_itself_reads_it() -> None:
    if shutil.which("docker") is None or subprocess.run(["docker", "compose", "version"], capture_output=True).returncode:
        pytest.skip("no docker compose here")
    done = subprocess.run(["docker", "compose", "-f", str(FILE), "config", "--quiet"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
