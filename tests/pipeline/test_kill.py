"""What a kill leaves at twenty moments, and kills on the way back: the end is the same bytes. `make drill` does all stages."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tiny_run import TinyRun

# Cheap to run to their end; what trains and measures is drilled by benchmarks/drill.py.
STAGES = ("ingest", "policy")
POINTS = 10


def test_twenty_moments_of_a_kill_end_in_the_same_bytes(tiny: TinyRun, tmp_path: Path) -> None:
    """In a process of its own: forks of one that holds other tests' threads might hang."""
    drill = Path(__file__).with_name("kill_drill.py")
    stages = [word for stage in STAGES for word in ("--stage", stage)]
    done = subprocess.run([sys.executable, drill, tiny.run, tiny.config, "--work", tmp_path / "work", "--points", str(POINTS),
                           *stages],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    said = re.search(r"^(\d+) moments, (\d+) kills$", done.stdout, re.MULTILINE)
    assert said is not None
    # Every other copy is killed once more; where two copies are alike, one of them.
    assert int(said[1]) == POINTS * len(STAGES)
    assert int(said[2]) >= 5
