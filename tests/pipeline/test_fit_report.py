"""The verdict, the console and the report say what fitting made of the mended model."""

from pathlib import Path

from report_run import make_images, make_run, rendered

from tinysieve.pipeline.console.verdict import fit_line

BEFORE = {"file_bytes": 945_928, "macs": 55_771_280, "operators": 155,
          "arena": {"total_bytes": 402_288, "activations_bytes": 298_752, "persistent_bytes": 103_536}}
AFTER = {"file_bytes": 738_416, "macs": 55_771_280, "operators": 155,
         "arena": {"total_bytes": 297_416, "activations_bytes": 187_792, "persistent_bytes": 109_624}}
FIT = {"before": BEFORE, "after": AFTER, "extra_macs": 0.0,
       "equality": {"inputs": 64, "checked_with": ["LiteRT reference kernels", "TFLM"], "not_checked": []}}


def test_the_report_shows_the_model_before_fitting(tmp_path: Path) -> None:
    page = rendered(make_run(tmp_path / "run", make_images(tmp_path), fit=FIT))
    row = page[page.index("before fitting"):].split("</tr>")[0]
    assert "same outputs on 64 inputs (LiteRT reference kernels, TFLM)" in row
    assert "55,771,280 multiply-accumulates" in row


def test_the_console_shows_both_in_one_line() -> None:
    assert fit_line(FIT) == ("fitted, same outputs: file 945,928 B -> 738,416 B, arena 402,288 B -> 297,416 B, "
                             "+0.00% multiply-accumulates")
    unmeasured = FIT | {"before": BEFORE | {"arena": None}, "after": AFTER | {"arena": None}}
    assert "arena not measured -> not measured" in fit_line(unmeasured)
