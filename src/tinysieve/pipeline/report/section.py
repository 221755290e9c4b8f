"""A section of the report: a title, its data from the run's artifacts, and how they are shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Generic, TypeVar

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tinysieve.pipeline.engine import words
from tinysieve.pipeline.report.shared_tables import confusion_rows, votes
from tinysieve.pipeline.report.source import ReportSource

T = TypeVar("T")


@dataclass(frozen=True)
class Section(Generic[T]):
    """One section of the page.

    Args:
        anchor: its id on the page, a word of lower-case letters.
        title: its heading.
        menu: its name in the list of sections.
        gather: makes its data, a frozen dataclass, from what the run left.
        render: shows them as HTML, without the heading.
    """

    anchor: str
    title: str
    menu: str
    gather: Callable[[ReportSource], T]
    render: Callable[[T], Markup]

    def html(self, source: ReportSource) -> Markup:
        """The section's body for one run."""
        return self.render(self.gather(source))


def template(name: str) -> Callable[[object], Markup]:
    """A `render` that fills `templates/report/<name>`, which calls the section's data `data`."""
    return lambda data: Markup(pages().get_template(f"report/{name}").render(data=data))


@cache
def pages() -> Environment:
    """Templates of the page; whatever stands in a file name or a reason is escaped."""
    made = Environment(loader=PackageLoader("tinysieve.pipeline"), autoescape=True, undefined=StrictUndefined,
                       trim_blocks=True, lstrip_blocks=True)
    add_words(made)
    return made


def add_words(made: Environment) -> None:
    """Make the functions that write figures known to templates."""
    for function in (words.percent, words.points, words.count, words.size, words.probability, words.judgement, words.interval,
                     words.with_article, confusion_rows, votes):
        made.filters[function.__name__] = function
    made.globals.update(amount=words.amount, zip=zip)
