"""The house: imports go down, never up or sideways, and heavy packages stay out of the light floors."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"
FLOOR = {"dataset": 0, "filtering": 1, "training": 1, "quantize": 1, "dataperf": 1, "pipeline": 2}
HEAVY = ("tensorflow", "keras", "torch", "ultralytics", "fiftyone", "openvino")


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def wrong_arrows(source: Path) -> list[str]:
    """Imports that go up or sideways between packages, each as `file imports package`."""
    wrong = []
    for path in sorted((source / "tinysieve").rglob("*.py")):
        room = path.relative_to(source / "tinysieve").parts[0]
        targets = {name.split(".")[1] for name in imports_of(path) if name.startswith("tinysieve.")}
        wrong += [f"{path.relative_to(source)} imports {target}" for target in sorted(targets & FLOOR.keys() - {room})
                  if room in FLOOR and FLOOR[target] >= FLOOR[room]]
    return wrong


def test_imports_go_down() -> None:
    assert {path.parent.name for path in (SOURCE / "tinysieve").glob("*/__init__.py")} >= FLOOR.keys()
    assert wrong_arrows(SOURCE) == []


@pytest.mark.parametrize(("room", "line"), [
    ("dataset", "from tinysieve.filtering import opinions"), ("quantize", "import tinysieve.training.fit"),
    ("filtering", "from tinysieve.pipeline.config.sections import Config"),
])
def test_an_arrow_up_or_sideways_is_found(room: str, line: str, tmp_path: Path) -> None:
    (tmp_path / "tinysieve" / room).mkdir(parents=True)
    (tmp_path / "tinysieve" / room / "planted.py").write_text(line + "\n")
    assert wrong_arrows(tmp_path) == [f"tinysieve/{room}/planted.py imports {line.split('.')[1].split()[0]}"]


@pytest.mark.parametrize("package", ["dataset", "filtering", "quantize", "dataperf", "pipeline"])
def test_importing_every_module_loads_nothing_heavy(package: str) -> None:
    modules = [".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
               for path in sorted((SOURCE / "tinysieve" / package).rglob("*.py"))]
    assert modules
    code = (f"import importlib, sys\nfor m in {modules!r}: importlib.import_module(m)\n"
            f"print([h for h in {HEAVY!r} if h in sys.modules])")
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "[]"


def test_quantize_never_imports_torch() -> None:
    for path in (SOURCE / "tinysieve" / "quantize").rglob("*.py"):
        assert not {name for name in imports_of(path) if name.split(".")[0] == "torch"}, path
