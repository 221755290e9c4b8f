"""The page: the result in five sentences, then one section after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinysieve.pipeline.engine.words import sentences
from tinysieve.pipeline.report.section import Section, pages
from tinysieve.pipeline.report.source import ReportSource


def render_page(source: ReportSource, sections: Sequence[Section[Any]]) -> str:
    """The whole page as text; it loads nothing from anywhere."""
    return pages().get_template("report.html.j2").render(
        name=source.run.folder.name, verdict=source.verdict, recipe=source.recipe,
        summary=sentences(source.verdict, source.change, source.recipe),
        sections=[(section, section.html(source)) for section in sections])
