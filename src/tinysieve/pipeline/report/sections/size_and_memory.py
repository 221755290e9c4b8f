"""Section "Size": bytes of file and arena against their limits, memory over time, operators and arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tinysieve.pipeline.report.figures import Chart, size_chart
from tinysieve.pipeline.report.memory_charts import MeasuredModel, live_memories, live_memory_charts
from tinysieve.pipeline.report.section import Section, template
from tinysieve.pipeline.report.source import ReportSource
from tinysieve.pipeline.stages.quantize import INT8_MODEL, INT8_MODEL_BEFORE_FIT, CalibrationImage
from tinysieve.pipeline.stages.train import MENDED
from tinysieve.pipeline.stages.verify import VerifyFacts


@dataclass(frozen=True)
class SizeShown:
    """The model's size.

    Args:
        verdict: file, arena, operators and arithmetic as measured.
        sizes: a chart of each size that has a limit, with its basis in words.
        memory: memory in use by operator, before and after `fit` where that changed it.
        calibration: the images that set the int8 ranges.
        calibration_digest: SHA-256 of their ids.
    """

    verdict: VerifyFacts
    sizes: tuple[tuple[Chart, str], ...]
    memory: tuple[Chart, ...]
    calibration: tuple[CalibrationImage, ...]
    calibration_digest: str


def gather(source: ReportSource) -> SizeShown:
    """Read verdict and model files."""
    return SizeShown(source.verdict, tuple(_sizes(source.verdict)), _memory(source), source.calibration,
                     source.calibration_digest)


def _limits(verdict: VerifyFacts) -> dict[str, int]:
    """Limits of sizes in bytes, by the name of their gate."""
    return {gate.name: int(gate.limit) for gate in verdict.budgets if gate.unit == "B"}


def _memory(source: ReportSource) -> tuple[Chart, ...]:
    run, verdict, unfitted = source.run, source.verdict, None
    if INT8_MODEL_BEFORE_FIT.exists(run):
        unfitted = MeasuredModel(INT8_MODEL_BEFORE_FIT.of(run), verdict.fit.before.arena if verdict.fit else None)
    model = MeasuredModel(INT8_MODEL[MENDED].of(run), verdict.arena)
    return live_memory_charts(live_memories(model, unfitted, _limits(verdict).get("arena")))


def _sizes(verdict: VerifyFacts) -> Iterator[tuple[Chart, str]]:
    limits = _limits(verdict)
    if "flash" in limits:
        parts = [("model file", verdict.file_bytes), ("runtime code, assumed", verdict.flash_bytes - verdict.file_bytes)]
        yield size_chart("flash", parts, limits["flash"]), verdict.flash_basis
    if "arena" in limits and verdict.arena is not None:
        parts = [("activations", verdict.arena.activations_bytes), ("persistent", verdict.arena.persistent_bytes)]
        yield size_chart("arena", parts, limits["arena"]), verdict.arena.measured_with


SECTION = Section("size", "Size and arithmetic", "Size", gather, template("size_and_memory.html.j2"))
