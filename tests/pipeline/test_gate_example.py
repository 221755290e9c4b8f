"""The example for GitHub Actions: its commands exist, and what it posts is what the verdict says."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from report_run import make_images, make_run
from typer.main import get_command

from tinysieve.pipeline.cli import app
from tinysieve.pipeline.console.verdict_markdown import verdict_markdown
from tinysieve.pipeline.stages.verify import VERDICT
from tinysieve.quantize.verdict.verdict import Budget

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "gate.yml"
MISSED = Budget("RAM | arena", 1000.0, 2000.0, "B", -1000.0, False, "measured with TFLM")


def steps() -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = yaml.safe_load(EXAMPLE.read_text())["jobs"]["verify"]["steps"]
    return listed


def test_its_commands_are_ours_and_the_gate_is_not_swallowed() -> None:
    lines = [(step, step["run"].split()) for step in steps() if step.get("run", "").startswith("tinysieve ")]
    assert lines
    commands: Any = get_command(app)
    for step, (_, verb, *arguments) in lines:
        options = {option for parameter in commands.commands[verb].params for option in parameter.opts}
        assert {argument for argument in arguments if argument.startswith("-")} <= options
        assert "continue-on-error" not in step
        assert "||" not in arguments


def test_what_it_posts_is_written_before_and_posted_even_when_a_gate_is_missed() -> None:
    made = next(place for place, step in enumerate(steps()) if "--markdown verdict.md" in step.get("run", ""))
    posts = [place for place, step in enumerate(steps()) if "verdict.md" in step.get("run", "") and place != made]
    assert len(posts) == 2
    assert all(place > made and steps()[place]["if"].startswith("always()") for place in posts)


@pytest.mark.parametrize(("budgets", "title"), [((MISSED,), "Gate missed"), ((), "All measured gates met")])
def test_the_table(budgets: tuple[Budget, ...], title: str, tmp_path: Path) -> None:
    verdict = VERDICT.of(make_run(tmp_path / "run", make_images(tmp_path), budgets=[asdict(gate) for gate in budgets]))
    text = verdict_markdown(verdict)
    assert text.startswith(f"### {title}\n")
    assert f"**{verdict.int8.value:.2%}**" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + len(budgets)
    # A bar in a name must not open another column.
    assert len({row.replace("\\|", "").count("|") for row in rows}) == 1
