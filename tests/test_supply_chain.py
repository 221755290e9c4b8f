"""What is said of our packages: bills of the images name what the Dockerfiles install, advisories hold for locked versions."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "supply_chain"))

import advisories  # noqa: E402
import images  # noqa: E402

NEEDS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]


def test_the_image_for_processors_installs_what_the_package_needs() -> None:
    assert images.requirements_of((ROOT / "Dockerfile").read_text(encoding="utf-8")) == NEEDS


def test_the_image_for_gpus_has_another_tensorflow_and_nothing_less() -> None:
    listed = images.requirements_of((ROOT / "Dockerfile.gpu").read_text(encoding="utf-8"))
    assert listed[0].startswith("tensorflow[and-cuda]==")
    assert set(listed) >= {need for need in NEEDS if not need.startswith("tensorflow")}


@pytest.mark.parametrize("file", list(images.IMAGES.values()))
def test_every_installation_of_a_dockerfile_is_seen(file: str) -> None:
    """Each line with pip is either ours, without dependencies, or names files or packages that are listed."""
    text = (ROOT / file).read_text(encoding="utf-8")
    calls = text.replace("\\\n", "").split("pip install ")[1:]
    known = ("--no-deps .", "-c constraints.txt '", "-c constraints.txt -r requirements.txt")
    assert all(call.startswith(known) for call in calls)
    assert "apt-get" not in text
    assert images.base_of(text) == "python:3.11-slim-bookworm"


def test_a_bill_is_the_same_in_any_order() -> None:
    packages: list[dict[str, Any]] = [
        {"metadata": {"name": name, "version": "1"}, "download_info": {"archive_info": {"hashes": {"sha256": name}}}}
        for name in ("b", "a")]
    made = images.bill("cpu", "python:3.11", packages)
    assert made == images.bill("cpu", "python:3.11", packages[::-1])
    assert [part["purl"] for part in made["components"]] == ["pkg:docker/python@3.11", "pkg:pypi/a@1", "pkg:pypi/b@1"]


@pytest.mark.parametrize(("version", "count"), [("1.0", 1), ("1.1", 0), ("1.0rc1", 1), ("2.5", 1)])
def test_an_advisory_holds_for_its_versions(version: str, count: int) -> None:
    """Below 1.1, pre-releases of it included, and from 2 up to 3."""
    database = {"My.Package": [{"specs": ["<1.1", ">=2,<3"], "id": "x", "advisory": "bad"}], "other": [{"specs": ["<9"]}]}
    assert len(advisories.matches({"my-package": version}, database)) == count


def test_versions_that_cannot_be_read_are_a_match() -> None:
    assert advisories.matches({"a": "1"}, {"a": [{"specs": ["what?"], "cve": "CVE-1", "advisory": "bad"}]}) == [
        "a 1: CVE-1 (what?) bad"]
