"""The verdict, the console and the report say what fitting made of the mended model."""

from dataclasses import asdict, replace
from pathlib import Path

from report_run import make_images, make_run, rendered

from tinysieve.pipeline.console.verdict import fit_line
from tinysieve.pipeline.stages.quantize import FitFacts
from tinysieve.quantize.passes.equality import Equality
from tinysieve.quantize.passes.fit_model import Size
from tinysieve.quantize.tflm.arena import Arena

BEFORE = Size(945_928, 55_771_280, 155, Arena(402_288, 298_752, 103_536), 298_752)
AFTER = Size(738_416, 55_771_280, 155, Arena(297_416, 187_792, 109_624), 187_792)
FIT = FitFacts(before=BEFORE, after=AFTER, extra_macs=0.0, equality=Equality(64, ("LiteRT reference kernels", "TFLM"), ()))


def test_the_report_shows_the_model_before_fitting(tmp_path: Path) -> None:
    page = rendered(make_run(tmp_path / "run", make_images(tmp_path), fit=asdict(FIT)))
    row = page[page.index("before fitting"):].split("</tr>")[0]
    assert "same outputs on 64 inputs (LiteRT reference kernels, TFLM)" in row
    assert "55,771,280 multiply-accumulates" in row


def test_the_console_shows_both_in_one_line() -> None:
    assert fit_line(FIT) == ("fitted, same outputs: file 945,928 B -> 738,416 B, arena 402,288 B -> 297,416 B, "
                             "+0.00% multiply-accumulates")
    unmeasured = replace(FIT, before=replace(BEFORE, arena=None), after=replace(AFTER, arena=None))
    assert "arena computed, not measured: activations 298,752 B" in fit_line(unmeasured)
