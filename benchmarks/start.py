"""What `import tinysieve`, `--help` and `doctor` cost before anything is done, against an import of NumPy and Arrow.

    python benchmarks/start.py

Each command is run REPEATS times in turn with the others, so that a busy machine slows all alike; the medians count, with the
range of the clock. Goals: `doctor` in at most DOCTOR_GOAL_SECONDS of processor time, `import tinysieve` in at most
IMPORT_GOAL_SECONDS more than an interpreter that does nothing; the exit code is 1 where one is missed.
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
REPEATS, DOCTOR_GOAL_SECONDS, IMPORT_GOAL_SECONDS = 9, 3.0, 0.1
IMPORT, NOTHING, FACE = "numpy and pyarrow", "nothing", "import tinysieve"
COMMANDS = {
    NOTHING: ("-c", "pass"),
    FACE: ("-c", "import tinysieve"),
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
    """Print a row a command, write them all, and say whether both goals are met."""
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
    median = {name: statistics.median(processor for processor, _ in taken) for name, taken in runs.items()}
    # A difference of two medians on a busy machine can come out under nothing.
    face_seconds = round(max(median[FACE] - median[NOTHING], 0.0), 3)
    doctor_met = median["tinysieve doctor"] <= DOCTOR_GOAL_SECONDS
    face_met = face_seconds <= IMPORT_GOAL_SECONDS
    print(f"goal, doctor in {DOCTOR_GOAL_SECONDS:g} s of processor time: {'met' if doctor_met else 'missed'}")
    print(f"goal, import tinysieve in {IMPORT_GOAL_SECONDS:g} s, took {face_seconds:g} s: {'met' if face_met else 'missed'}")
    met = doctor_met and face_met
    write_text(RESULT, json.dumps({"repeats": REPEATS, "doctor_goal_seconds": DOCTOR_GOAL_SECONDS,
                                   "import_goal_seconds": IMPORT_GOAL_SECONDS, "import_seconds": face_seconds, "met": met,
                                   "commands": rows}, indent=1) + "\n")
    return met


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
