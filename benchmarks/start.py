"""What `--help` and `doctor` cost before anything is done, against an import of NumPy and Arrow.

    python benchmarks/start.py

Each command is run REPEATS times in turn with the others, so that a busy machine slows all alike; the medians count, with the
range of the clock. Goal: `doctor` in at most DOCTOR_GOAL_SECONDS of processor time; the exit code is 1 where it is missed.
Results go to benchmarks/results/start.json.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tinysieve.ground.atomic_files import write_text

ROOT = Path(__file__).resolve().parents[1]
RESULT = Path(__file__).parent / "results" / "start.json"
REPEATS, DOCTOR_GOAL_SECONDS = 9, 3.0
IMPORT = "numpy and pyarrow"
COMMANDS = {
    IMPORT: ("-c", "import numpy, pyarrow"),
    "tinysieve --help": ("-m", "tinysieve", "--help"),
    "tinysieve doctor": ("-m", "tinysieve", "doctor"),
}


def seconds(arguments: tuple[str, ...]) -> tuple[float, float]:
    """Processor time and clock of one run."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, check=False)
    clock, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, clock


def main() -> bool:
    """Print a row a command, write them all, and say whether the goal is met."""
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    for _ in range(REPEATS):
        for name, arguments in COMMANDS.items():
            runs[name].append(seconds(arguments))
    rows = {}
    least = statistics.median(processor for processor, _ in runs[IMPORT])
    print(f"{'median of ' + str(REPEATS):<20}{'processor, s':>14}{'clock, s':>10}{'x import':>10}")
    for name, taken in runs.items():
        processor, clock = zip(*taken, strict=True)
        row = {"processor_seconds": round(statistics.median(processor), 2), "seconds": round(statistics.median(clock), 2),
               "seconds_range": [round(min(clock), 2), round(max(clock), 2)],
               "of_the_import": round(statistics.median(processor) / least, 1)}
        rows[name] = row
        print(f"{name:<20}{row['processor_seconds']:>14}{row['seconds']:>10}{row['of_the_import']:>10}")
    met = rows["tinysieve doctor"]["processor_seconds"] <= DOCTOR_GOAL_SECONDS
    print(f"goal, doctor in {DOCTOR_GOAL_SECONDS:g} s of processor time: {'met' if met else 'missed'}")
    write_text(RESULT, json.dumps({"repeats": REPEATS, "doctor_goal_seconds": DOCTOR_GOAL_SECONDS, "met": met, "commands": rows},
                                  indent=1) + "\n")
    return met


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
