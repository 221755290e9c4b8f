"""Processor time of `tinysieve fit` here and in another checkout, alternated, children counted in.

    git worktree add ../before COMMIT
    python benchmarks/fit_time.py ../before [REPETITIONS]

The seed's model to 320 KiB. The ratio of processor times says how much less work is done; time on the clock hangs on what else
the machine does. Results go to benchmarks/results/fit_time.json.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from tinysieve.ground.atomic_files import write_text

ROOT = Path(__file__).resolve().parents[1]
MODEL = Path(os.environ.get("TINYSIEVE_SHARED", ROOT.parent / "shared")) / "models" / "reference" / "seed_submission.tflite"
RESULT = Path(__file__).parent / "results" / "fit_time.json"
FIT = "import sys; from tinysieve.pipeline.cli import main; sys.argv = ['tinysieve', 'fit', *sys.argv[1:]]; main()"


def fitted(checkout: Path) -> dict[str, float]:
    """Processor seconds of one fit and all that it started, and seconds on the clock."""
    with tempfile.TemporaryDirectory() as folder:
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        subprocess.run([sys.executable, "-c", FIT, str(MODEL), str(Path(folder) / "out.tflite"), "--ram", "320KiB"],
                       check=True, capture_output=True, env=os.environ | {"PYTHONPATH": str(checkout / "src")})
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu_seconds": round(worked, 1), "seconds": round(time.monotonic() - began, 1)}


def main(arguments: Sequence[str]) -> int:
    """Measure in turn, print, write."""
    if not arguments or not MODEL.is_file():
        print(f"skipped: give another checkout, and a model at {MODEL}")
        return 0
    other, repetitions = Path(arguments[0]).resolve(), int(arguments[1]) if len(arguments) > 1 else 1
    runs: dict[str, list[dict[str, float]]] = {"before": [], "now": []}
    for _ in range(repetitions):
        for name, checkout in (("before", other), ("now", ROOT)):
            runs[name].append(fitted(checkout))
            print(name, runs[name][-1], flush=True)
    ratio = median(before["cpu_seconds"] / now["cpu_seconds"] for before, now in zip(*runs.values(), strict=True))
    print(f"processor time before / now: {ratio:.2f}")
    write_text(RESULT, json.dumps({"ratio": round(ratio, 2), **runs}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
