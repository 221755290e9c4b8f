"""README and docs stay true: links lead somewhere, pictures are small and described, commands and options exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from tinysieve.pipeline.cli import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# The clone that everybody fetches stays small.
LARGEST_PICTURE_BYTES = 300_000


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    named = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    lost = [name for name in named if "://" not in name and not (page.parent / name).exists()]
    assert lost == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pictures_are_small_and_described(page: Path) -> None:
    for words, name in re.findall(r"!\[([^\]]*)\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        assert len(words.split()) >= 4, name
        assert (page.parent / name).stat().st_size <= LARGEST_PICTURE_BYTES, name


def commands_of(page: Path) -> Iterator[list[str]]:
    """Words behind `tinysieve` of every command in the page's blocks."""
    for body in re.findall(r"```\w*\n(.*?)\n```", page.read_text(encoding="utf-8"), re.DOTALL):
        for line in body.replace("\\\n", " ").splitlines():
            if line.removeprefix("$ ").startswith("tinysieve "):
                yield shlex.split(line.removeprefix("$ "), comments=True)[1:]


def commands_in_tables(page: Path) -> Iterator[list[str]]:
    """Words behind `tinysieve` of every command between backquotes."""
    for text in re.findall(r"`tinysieve ([^`]+)`", page.read_text(encoding="utf-8")):
        yield shlex.split(text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_options_exist(page: Path) -> None:
    for words in [*commands_of(page), *(commands_in_tables(page) if page.name == "coming-from.md" else ())]:
        command: Any = get_command(app)
        rest = list(words)
        while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
            assert rest[0] in command.commands, words
            command = command.commands[rest.pop(0)]
        if hasattr(command, "commands"):
            command = command.commands.get("serve", command)
        known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)} | {"--help"}
        assert {one.split("=")[0] for one in rest if re.match(r"--?[a-z]", one)} <= known, words


def test_the_walk_is_read_as_a_person_reads_it() -> None:
    """The script that goes the walk finds what to save, what to run, and what each command should print."""
    from benchmarks.walkthrough import missing, steps

    found = steps((ROOT / "docs/walkthrough.md").read_text(encoding="utf-8"))
    assert [one.file for one in found if one.file] == ["runs/coco256.yaml"]
    assert any("tinysieve compare" in one.command and one.expected for one in found)
    printed = ["┃ a ┃ 1 ┃", "b  made at noon, 3 changes", "c"]
    assert list(missing(("a  1", "...", "b ... 3 changes"), printed)) == []
    assert list(missing(("c", "a 1"), printed)) == ["a 1"]
