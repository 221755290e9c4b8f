"""Section "Verdict": each gate with its limit and what was measured, and the accuracies."""

from __future__ import annotations

from dataclasses import dataclass

from tinysieve.pipeline.engine.words import leaks
from tinysieve.pipeline.report.figures import Chart, accuracy_chart
from tinysieve.pipeline.report.section import Section, template
from tinysieve.pipeline.report.source import ReportSource
from tinysieve.pipeline.stages.train import MENDED
from tinysieve.pipeline.stages.verify import VerifyFacts


@dataclass(frozen=True)
class VerdictShown:
    """The verdict, its accuracies as a chart, and in words what they leave out: leaks, and held-out labels nobody checked."""

    verdict: VerifyFacts
    accuracies: Chart
    leaks: str
    drawn_holdouts: str


def gather(source: ReportSource) -> VerdictShown:
    """Read the verdict."""
    verdict = source.verdict
    return VerdictShown(verdict, accuracy_chart(verdict), leaks(verdict.leaked_train_images.get(MENDED)), source.drawn_holdouts)


SECTION = Section("verdict", "Verdict", "Verdict", gather, template("gates_and_accuracy.html.j2"))
