"""Section "Answers": what the models say of the test images, and how far their scores can be believed."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from tinysieve.dataset.classes import ClassNames
from tinysieve.ground.statistics import Confusion
from tinysieve.pipeline.report.figures import Chart, slice_chart
from tinysieve.pipeline.report.gallery import Gallery, mistake_gallery
from tinysieve.pipeline.report.reliability_chart import reliability_chart
from tinysieve.pipeline.report.section import Section, template
from tinysieve.pipeline.report.shared_tables import confusion_rows
from tinysieve.pipeline.report.source import ReportSource
from tinysieve.quantize.verdict.reliability import Reliability
from tinysieve.quantize.verdict.verdict import SliceAccuracy

MISTAKES_SHOWN = 36


@dataclass(frozen=True)
class Answers:
    """Answers on the test images.

    Args:
        classes: what the classes are called.
        confusions: of each model, by its name.
        reliability: of each model's scores, by its name, and as a chart.
        slices: accuracies by slice, and as a chart; None without slices.
        mistakes: the most confident wrong answers of the mended model.
    """

    classes: ClassNames
    confusions: dict[str, Confusion]
    reliability: dict[str, Reliability]
    reliability_chart: Chart
    slices: tuple[SliceAccuracy, ...]
    slice_chart: Chart | None
    mistakes: Gallery


def gather(source: ReportSource) -> Answers:
    """Read verdict and scores."""
    verdict = source.verdict
    models = {"Baseline, int8": verdict.baseline_confusion, "Mended, int8": verdict.confusion}
    worst = source.samples.rows_of(pa.array(verdict.worst_mistake_samples[:MISTAKES_SHOWN], pa.string()))
    (_, false_alarms), (misses, _) = confusion_rows(verdict.confusion)
    return Answers(
        source.classes, {name: cells for name, cells in models.items() if cells is not None},
        source.reliability, reliability_chart(source.reliability), verdict.slices, slice_chart(verdict.slices),
        mistake_gallery(source.album, worst, false_alarms + misses))


SECTION = Section("answers", "Answers on the test images", "Answers", gather, template("answers.html.j2"))
