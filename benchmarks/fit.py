"""`fit` on the published models: what it reaches, against the goals, and how long it takes.

    python benchmarks/fit.py

Every result is checked by `fit` itself: the same outputs as the original on 64 inputs under LiteRT's reference kernels and
under TFLM. The files come from TINYSIEVE_SHARED, else ../shared. Results go to benchmarks/results/fit.json.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from tinysieve.ground.atomic_files import write_text
from tinysieve.quantize.passes.fit_model import Target, fit_model

ROOT = Path(__file__).resolve().parents[1]
MODELS = Path(os.environ.get("TINYSIEVE_SHARED", ROOT.parent / "shared")) / "models" / "reference"
RESULT = Path(__file__).parent / "results" / "fit.json"
SEED = 0
ROOMY = 2**20  # a limit that needs no stripes
# Model, RAM in bytes, extra multiply-accumulates allowed, file bytes that are the goal.
CASES = (
    ("seed_submission.tflite", ROOMY, 0.0, 735_000),
    ("seed_submission.tflite", 327_680, 0.03, 760_000),
    ("seed_submission.tflite", 250_000, 0.06, 760_000),
    ("challenge2_submission_a.tflite", 327_680, 0.03, None),
    ("wv_quality_mcunet-320kb-1mb_vww.tflite", 327_680, 0.03, None),
    ("wv_quality_mcunet-10fps_vww.tflite", 112_000, 0.06, None),
    ("mlperftiny_vww_96_int8.tflite", 76_000, 0.06, None),
)


def measure(name: str, ram: int, max_extra_macs: float, file_goal: int | None) -> dict[str, Any]:
    """One fit; seconds are of this process and its children on whatever else the machine does."""
    began, worked = time.monotonic(), time.process_time()
    found = fit_model((MODELS / name).read_bytes(), Target(ram_bytes=ram, max_extra_macs=max_extra_macs), SEED, lambda *_: None)
    assert found.before.arena is not None
    assert found.after.arena is not None
    return {
        "model": name, "ram_bytes": ram, "ram_met": found.ram_met, "file_goal_bytes": file_goal,
        "file_met": None if file_goal is None else found.after.file_bytes <= file_goal,
        "file_bytes": [found.before.file_bytes, found.after.file_bytes],
        "arena_bytes": [found.before.arena.total_bytes, found.after.arena.total_bytes],
        "extra_macs": round(found.extra_macs, 5), "checked_with": found.equality.checked_with,
        "seconds": round(time.monotonic() - began, 1), "cpu_seconds": round(time.process_time() - worked, 1)}


def main() -> None:
    """Print a row a case and write them all."""
    rows = []
    print(f"{'model':<40}{'RAM, B':>10}{'arena, B':>20}{'file, B':>20}{'MACs':>8}{'s':>7}")
    for case in CASES:
        row = measure(*case)
        rows.append(row)
        arena, file = ("{:,} -> {:,}".format(*row[key]) for key in ("arena_bytes", "file_bytes"))
        marks = "".join(" MISSED" for key in ("ram_met", "file_met") if row[key] is False)
        print(f"{row['model']:<40}{row['ram_bytes']:>10,}{arena:>20}{file:>20}{row['extra_macs']:>+8.2%}{row['seconds']:>7}{marks}")
        sys.stdout.flush()
    write_text(RESULT, json.dumps({"seed": SEED, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
