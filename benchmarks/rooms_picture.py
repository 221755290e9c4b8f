"""Draw the rooms of the house from its imports: docs/pictures/rooms.svg.

    python benchmarks/rooms_picture.py

A room is a folder or a loose module. It stands one level above the highest room that it imports; an arrow is drawn where no
other arrows imply it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[1]
HOUSE, OUT = ROOT / "src/tinysieve", ROOT / "docs/pictures/rooms.svg"
FLOORS = (("pipeline",), ("filtering", "training", "quantize", "dataperf"), ("dataset",), ("ground",))
WORDS = {
    "pipeline": "the job: stages, report, review, commands",
    "filtering": "judge labels", "training": "MCUNet, recipes", "quantize": "int8, memory, boards",
    "dataperf": "two benchmarks", "dataset": "samples, sources, label versions", "ground": "errors, files, statistics",
}
WIDTH, BOX, GAP, ROW = 1000, 44, 14, 84
INK, LINE, ROOM, FLOOR = "#1b2733", "#7d8fa3", "#dcebf7", "#f3f6f9"

Arrows = Mapping[str, set[str]]


def arrows_of(house: Path) -> dict[str, set[str]]:
    """Which room imports which, for all rooms below a folder."""
    rooms = {path.stem for path in house.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()} - {"__init__"}
    prefix = ".".join(house.relative_to(ROOT / "src").parts) + "."
    arrows: dict[str, set[str]] = {room: set() for room in rooms}
    for path in house.rglob("*.py"):
        room = path.relative_to(house).with_suffix("").parts[0]
        if room in rooms:
            targets = {name.removeprefix(prefix).split(".")[0] for name in _imports(path) if name.startswith(prefix)}
            arrows[room] |= targets & rooms - {room}
    return arrows


def levels_of(arrows: Arrows) -> dict[str, int]:
    """How high each room stands.

    >>> levels_of({"a": set(), "b": {"a"}, "c": {"a", "b"}})
    {'a': 0, 'b': 1, 'c': 2}
    """
    return {room: _height(room, arrows) for room in arrows}


def needed(arrows: Arrows) -> dict[str, set[str]]:
    """The arrows that no longer way implies.

    >>> needed({"a": set(), "b": {"a"}, "c": {"a", "b"}})
    {'a': set(), 'b': {'a'}, 'c': {'b'}}
    """
    return {room: {target for target in targets if not any(target in _below(other, arrows) for other in targets)}
            for room, targets in arrows.items()}


def picture(house: Path) -> str:
    """The whole SVG: the rooms of the pipeline by level, and the floors below them."""
    arrows = arrows_of(house / "pipeline")
    levels = levels_of(arrows)
    rows = [sorted(room for room in arrows if levels[room] == level) for level in range(max(levels.values()), -1, -1)]
    top = 62
    places = {room: (x, top + 30 + ROW * row, width) for row, names in enumerate(rows) for room, x, width in _spread(names)}
    foot = top + 30 + ROW * len(rows)
    parts = [_text(WIDTH / 2, 28, "tinysieve: rooms and floors. Imports point down.", 18, "middle"),
             _box(10, top - 14, WIDTH - 20, foot - top, FLOOR), _text(24, top + 8, f"pipeline/  {WORDS['pipeline']}", 14)]
    shown = sorted((room, target) for room, targets in needed(arrows).items() for target in targets)
    parts += [_arrow(places[room], places[target]) for room, target in shown]
    parts += [_room(room, _modules(house / "pipeline", room), *places[room]) for room in sorted(places)]
    for number, floor in enumerate(FLOORS[1:]):
        for name, x, width in _spread(floor, 10):
            parts += [_box(x, foot + number * 66, width, 52, FLOOR), _text(x + width / 2, foot + 22 + number * 66, name + "/", 15,
                      "middle"), _text(x + width / 2, foot + 41 + number * 66, WORDS[name], 12, "middle")]
    height = foot + 66 * (len(FLOORS) - 1) + 6
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" fill="{INK}">\n'
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            f'<path d="M0 0L8 4L0 8z" fill="{LINE}"/></marker></defs>\n'
            f'<rect width="{WIDTH}" height="{height}" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n")


def _imports(path: Path) -> Iterable[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _below(room: str, arrows: Arrows) -> set[str]:
    return set().union(*({target} | _below(target, arrows) for target in arrows[room]))


def _height(room: str, arrows: Arrows) -> int:
    return 1 + max((_height(target, arrows) for target in arrows[room]), default=-1)


def _spread(names: Iterable[str], margin: int = 24) -> list[tuple[str, float, float]]:
    """Name, left edge and width of boxes side by side in one row."""
    row = list(names)
    width = min((WIDTH - 2 * margin - GAP * (len(row) - 1)) / len(row), WIDTH - 2 * margin if margin == 10 else 190)
    left = (WIDTH - len(row) * width - GAP * (len(row) - 1)) / 2
    return [(name, left + number * (width + GAP), width) for number, name in enumerate(row)]


def _modules(house: Path, room: str) -> int:
    return sum(path.name != "__init__.py" for path in (house / room).rglob("*.py")) or 1


def _room(name: str, modules: int, x: float, y: float, width: float) -> str:
    words = "1 module" if modules == 1 else f"{modules} modules"
    return (_box(x, y, width, BOX, ROOM) + _text(x + width / 2, y + 19, name, 14, "middle")
            + _text(x + width / 2, y + 36, words, 11, "middle"))


def _box(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}" rx="6" fill="{colour}" stroke="{LINE}"/>'


def _text(x: float, y: float, words: str, size: int, anchor: str = "start") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" text-anchor="{anchor}">{escape(words)}</text>'


def _arrow(start: tuple[float, float, float], end: tuple[float, float, float]) -> str:
    x, y, a, b = start[0] + start[2] / 2, start[1] + BOX, end[0] + end[2] / 2, end[1]
    return (f'<path d="M{x:.0f} {y:.0f}C{x:.0f} {y + 26:.0f} {a:.0f} {b - 26:.0f} {a:.0f} {b - 2:.0f}" fill="none" '
            f'stroke="{LINE}" marker-end="url(#tip)"/>')


def main() -> None:
    """Write the picture."""
    OUT.write_text(picture(HOUSE), encoding="utf-8")
    print(OUT.relative_to(ROOT))


if __name__ == "__main__":
    main()
