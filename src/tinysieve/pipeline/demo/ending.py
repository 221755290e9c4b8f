"""The five lines that the demo ends with: what a newcomer should know of the run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tinysieve.pipeline.stages.verify import VerifyFacts
from tinysieve.quantize.tflm.arena import arena_words


def ending(planted: Mapping[str, int], verdict: VerifyFacts, report: Path, live_page: Path) -> tuple[str, str, str, str, str]:
    """Labels mended, accuracy before and after, memory, and the two pages.

    Args:
        planted: as `planted_counts` gives it.
        verdict: of the mended model.
        report: the page.
        live_page: the model in a browser.
    """
    return (
        f"labels     {planted['mended']} of {planted['planted']} planted wrong labels mended, "
        f"{planted['dropped']} dropped, {planted['left']} left; {planted['newly wrong']} newly wrong",
        f"accuracy   {_accuracy(verdict)}",
        f"memory     RAM {arena_words(verdict.arena, verdict.planned_bytes)}, flash {verdict.flash_bytes:,} B",
        f"report     {report}",
        f"live page  {live_page}",
    )


def _accuracy(verdict: VerifyFacts) -> str:
    after = f"{verdict.int8.value:.1%} with mended labels, on {verdict.int8.images} photos held out"
    if verdict.baseline_int8 is None or verdict.comparison is None:
        return after
    beyond_chance = verdict.comparison.better or verdict.comparison.worse
    chance = "" if beyond_chance else "; the difference is not statistically significant"
    return f"{verdict.baseline_int8.value:.1%} with the labels as they came, {after} (int8){chance}"
