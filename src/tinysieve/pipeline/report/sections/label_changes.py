"""Section "What changed": versions, what each filter thinks, and pictures of the changed labels."""

from __future__ import annotations

from dataclasses import dataclass

from tinysieve.dataset.classes import NEGATIVE, POSITIVE, ClassNames
from tinysieve.pipeline.report.figures import Chart, waterfall_chart
from tinysieve.pipeline.report.gallery import Gallery, change_galleries
from tinysieve.pipeline.report.label_counts import VersionRow, label_titles, waterfall
from tinysieve.pipeline.report.section import Section, template
from tinysieve.pipeline.report.shared_tables import vote_titles
from tinysieve.pipeline.report.source import ReportSource
from tinysieve.pipeline.stages.policy_facts import PolicyFacts
from tinysieve.pipeline.stages.select_facts import SelectFacts


@dataclass(frozen=True)
class LabelChanges:
    """How the labels came to be what they are.

    Args:
        classes: what the classes are called.
        waterfalls: of each class, the positive one first.
        versions: from 0 to the current one.
        eligible: images that a policy may change.
        policy: the filters and their estimated precision.
        planted: what became of planted wrong labels, where the truth is known.
        selection: what a budget kept of the photos, if one was set.
        galleries: pictures of each kind of change.
    """

    classes: ClassNames
    waterfalls: tuple[Chart, ...]
    versions: tuple[VersionRow, ...]
    eligible: int
    policy: PolicyFacts
    planted: dict[str, int] | None
    selection: SelectFacts | None
    galleries: tuple[Gallery, ...]

    @property
    def label_titles(self) -> tuple[str, ...]:
        """Heads of the columns that count images by label."""
        return label_titles(self.classes)

    @property
    def vote_titles(self) -> tuple[str, ...]:
        """Heads of the columns that count votes."""
        return vote_titles(self.classes)


def gather(source: ReportSource) -> LabelChanges:
    """Read versions, policy and pictures."""
    charts = (waterfall_chart(source.classes.words[code], waterfall(source.samples, source.before, source.after, code))
              for code in (POSITIVE, NEGATIVE))
    return LabelChanges(source.classes, tuple(charts), source.versions, source.change.eligible, source.policy, source.planted,
                        source.selection, change_galleries(source.album, source.chain))


SECTION = Section("changes", "What changed, and why", "What changed", gather, template("label_changes.html.j2"))
