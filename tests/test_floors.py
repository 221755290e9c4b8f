"""The house: imports go down, never up or sideways, and heavy packages stay out of the light floors."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOOR = {"dataset": 0, "filtering": 1, "training": 1, "quantize": 1, "dataperf": 1, "pipeline": 2}
HEAVY = ("tensorflow", "keras", "torch", "ultralytics", "fiftyone", "openvino")


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("package", [name for name in FLOOR if (ROOT / name).is_dir()])
def test_imports_go_down(package: str) -> None:
    for path in (ROOT / package).rglob("*.py"):
        for target in imports_of(path) & FLOOR.keys() - {package}:
            assert FLOOR[target] < FLOOR[package], f"{path.relative_to(ROOT)} imports {target}"


@pytest.mark.parametrize("package", ["dataset", "filtering", "quantize", "dataperf", "pipeline"])
def test_importing_every_module_loads_nothing_heavy(package: str) -> None:
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
               for path in sorted((ROOT / package).rglob("*.py"))]
    code = (f"import importlib, sys\nfor m in {modules!r}: importlib.import_module(m)\n"
            f"print([h for h in {HEAVY!r} if h in sys.modules])")
    seen = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "[]"


def test_quantize_never_imports_torch() -> None:
    for path in (ROOT / "quantize").rglob("*.py"):
        assert "torch" not in imports_of(path), path
