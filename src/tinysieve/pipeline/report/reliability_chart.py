"""The report's picture of how far the int8 scores can be believed."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes

from tinysieve.dataset.samples import SampleTable
from tinysieve.pipeline.engine.words import percent
from tinysieve.pipeline.report.figures import BASELINE, INK, MENDED, Chart, draw
from tinysieve.pipeline.stages.train import BASELINE as BASELINE_MODEL
from tinysieve.pipeline.stages.train import MENDED as MENDED_MODEL
from tinysieve.pipeline.stages.verify import StoredScores
from tinysieve.quantize.verdict.reliability import Reliability, reliability

_COLOURS = {BASELINE_MODEL: BASELINE, MENDED_MODEL: MENDED}


def reliabilities(scores: StoredScores, samples: SampleTable) -> dict[str, Reliability]:
    """Of the baseline's and the mended model's int8 scores on the test images, by "baseline" and "mended"."""
    labels = samples.labels[scores.rows]
    return {BASELINE_MODEL: reliability(scores.baseline, labels), MENDED_MODEL: reliability(scores.int8, labels)}


def reliability_chart(by_model: Mapping[str, Reliability]) -> Chart:
    """Share of right answers by confidence, with intervals; on the diagonal a score means what it says."""
    alt = "Share of right answers by confidence: " + ", ".join(
        f"{name} off by {percent(measured.expected_error)} on average" for name, measured in by_model.items())

    def paint(axes: Axes) -> None:
        axes.plot([50, 100], [50, 100], "--", color=INK, linewidth=1.2, label="a score that means what it says")
        for name, measured in by_model.items():
            _dots(axes, name, measured)
        axes.set(xlim=(49, 101), ylim=(-2, 102), xlabel="confidence of the answer, %", ylabel="right answers, %")
        axes.legend(loc="upper left", bbox_to_anchor=(-0.02, -0.2), ncols=1)

    return draw("reliability", alt, 3.6, paint)


def _dots(axes: Axes, name: str, measured: Reliability) -> None:
    colour = _COLOURS[name]
    for part in measured.bins:
        axes.plot([100 * part.mean_confidence] * 2, [100 * part.interval.low, 100 * part.interval.high], color=colour,
                  linewidth=1.4, alpha=0.7)
    axes.plot([100 * part.mean_confidence for part in measured.bins], [100 * part.right_share for part in measured.bins], "o",
              color=colour, markersize=5, label=f"{name}, with 95 % interval")
