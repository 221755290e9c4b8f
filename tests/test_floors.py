"""The house: imports go down, never up or sideways, and heavy packages stay out of the light floors."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"
FLOOR = {"ground": 0, "dataset": 1, "filtering": 2, "training": 2, "quantize": 2, "dataperf": 2, "pipeline": 3}
# The rooms of the roof; those of one floor do not know each other.
PIPELINE = {"config": 0, "pictures": 0, "engine": 1, "stages": 2, "report": 3, "review": 3, "explore": 3, "compare": 3,
            "label_issues": 3, "experiments": 3, "doctor": 3, "dataperf": 3, "live": 3, "templates": 3, "first_look": 3,
            "track": 4, "console": 5, "hub": 4, "main_job": 5, "model_files": 6, "demo": 7, "commands": 8, "cli": 9}
# The public face and data folders stand beside the floors: the face may use every floor, and no floor knows it.
FACE = {"face": 4, "model": 5, "run": 6}
OUTSIDE = {"configs", "models", *FACE}
HEAVY = ("tensorflow", "keras", "torch", "ultralytics", "fiftyone", "openvino")


@cache
def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def rooms_of(house: Path, floors: dict[str, int]) -> Iterator[tuple[Path, str, set[str]]]:
    """Each module below `house` with its room and the other rooms that it imports."""
    inside = ".".join(house.parts[house.parts.index("tinysieve"):]) + "."
    for path in sorted(house.rglob("*.py")):
        room = path.relative_to(house).with_suffix("").parts[0]
        targets = {name.removeprefix(inside).split(".")[0] for name in imports_of(path) if name.startswith(inside)}
        yield path, room, targets & floors.keys() - {room}


def wrong_arrows(house: Path, floors: dict[str, int]) -> list[str]:
    """Imports that go up or sideways between rooms, each as `file imports room`."""
    return [f"{path.relative_to(house)} imports {target}" for path, room, targets in rooms_of(house, floors)
            for target in sorted(targets) if room in floors and floors[target] >= floors[room]]


@pytest.mark.parametrize(("folder", "floors"), [("", FLOOR), ("pipeline", PIPELINE)])
def test_imports_go_down(folder: str, floors: dict[str, int]) -> None:
    house = SOURCE / "tinysieve" / folder
    rooms = {path.stem for path in house.iterdir() if path.name not in ("__init__.py", "__main__.py", "__pycache__", "py.typed")}
    assert rooms - OUTSIDE <= floors.keys()
    assert wrong_arrows(house, floors) == []


def test_no_floor_knows_the_face() -> None:
    assert wrong_arrows(SOURCE / "tinysieve", FLOOR | FACE) == []


@pytest.mark.parametrize("package", sorted(FLOOR))
def test_rooms_do_not_know_each_other_both_ways(package: str) -> None:
    house = SOURCE / "tinysieve" / package
    rooms = dict.fromkeys((path.stem for path in house.iterdir()), 0)
    arrows: dict[str, set[str]] = {}
    for _, room, targets in rooms_of(house, rooms):
        arrows.setdefault(room, set()).update(targets)
    assert list(TopologicalSorter(arrows).static_order()) or not arrows


@pytest.mark.parametrize(("folder", "room", "line", "target"), [
    ("", "dataset", "from tinysieve.filtering import opinion", "filtering"),
    ("", "quantize", "import tinysieve.training.fit", "training"),
    ("", "filtering", "from tinysieve.pipeline.config.sections import Config", "pipeline"),
    ("pipeline", "engine", "from tinysieve.pipeline.stages.ingest import INGEST", "stages"),
    ("pipeline", "report", "from tinysieve.pipeline.review import queue", "review"),
])
def test_an_arrow_up_or_sideways_is_found(folder: str, room: str, line: str, target: str, tmp_path: Path) -> None:
    house = tmp_path / "tinysieve" / folder
    (house / room).mkdir(parents=True)
    (house / room / "planted.py").write_text(line + "\n")
    assert wrong_arrows(house, PIPELINE if folder else FLOOR) == [f"{room}/planted.py imports {target}"]


def test_few_modules_of_the_roof_stand_outside_a_room() -> None:
    assert len([path for path in (SOURCE / "tinysieve/pipeline").glob("*.py") if path.name != "__init__.py"]) <= 3


def test_importing_every_module_loads_nothing_heavy() -> None:
    """Package after package in one process: what was loaded stays loaded, so the first package that shows it loads it."""
    packages = ("ground", "dataset", "filtering", "quantize", "dataperf", "pipeline", "face")
    modules = {package: [".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
                         for path in sorted((SOURCE / "tinysieve" / package).rglob("*.py"))] for package in packages}
    assert all(modules.values())
    code = (f"import importlib, sys\nfor package, modules in {modules!r}.items():\n"
            "    for module in modules: importlib.import_module(module)\n"
            f"    print(package, [heavy for heavy in {HEAVY!r} if heavy in sys.modules])")
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert seen.stdout.splitlines() == [f"{package} []" for package in packages]


def test_quantize_never_imports_torch() -> None:
    for path in (SOURCE / "tinysieve" / "quantize").rglob("*.py"):
        assert not {name for name in imports_of(path) if name.split(".")[0] == "torch"}, path
