"""The check of docs/coming-from.md reads what the page says."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from tiny_run import ROOT


@pytest.fixture(scope="module")
def walkthrough() -> Iterator[ModuleType]:
    # As Python does for a script that is run: its neighbours can be imported.
    sys.path.insert(0, str(ROOT / "benchmarks"))
    spec = importlib.util.spec_from_file_location("walkthrough", ROOT / "benchmarks/walkthrough.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["walkthrough"] = module
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(ROOT / "benchmarks"))


def test_every_command_of_the_page_is_found(walkthrough: ModuleType) -> None:
    page = (ROOT / "docs/coming-from.md").read_text()
    commands = walkthrough.mapped(page)
    assert len(commands) > 20
    assert all(command.startswith("tinysieve ") for command in commands)
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert {command for command in commands if not any(f"`{command}`" in row.split(" | ", 1)[1] for row in rows)} == set()


def test_a_real_bar_in_code_hides_nothing(walkthrough: ModuleType, tmp_path: Path) -> None:
    assert walkthrough.mapped("| a | `tinysieve query \"a or b\" C` and `other` |\n|---|---|\n| x | none |") == [
        'tinysieve query "a or b" C']


def test_dataperf_s_commands_have_the_originals_folders(walkthrough: ModuleType, shared: Path, tmp_path: Path) -> None:
    walkthrough.lay_out(shared, tmp_path)
    page = (ROOT / "docs/coming-from.md").read_text()
    commands = [one for one in walkthrough.mapped(page) if one.startswith("tinysieve dataperf")]
    assert {walkthrough.placed(one, tmp_path)[1].name for one in commands} == {"debugging", "selection"}
    assert (tmp_path / "debugging/embeddings/01g317_val_100.parquet").is_file()
    assert (tmp_path / "selection/task_setup.yaml").is_file()
