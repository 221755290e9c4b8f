"""The check of docs/coming-from.md reads what the page says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from tiny_run import ROOT


@pytest.fixture(scope="module")
def walkthrough() -> ModuleType:
    spec = importlib.util.spec_from_file_location("walkthrough", ROOT / "benchmarks/walkthrough.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["walkthrough"] = module
    spec.loader.exec_module(module)
    return module


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
