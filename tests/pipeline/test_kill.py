"""kill -9 at twenty random moments: nothing is lost, and the end is the same bytes as without."""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
import sys
from pathlib import Path

from tiny_run import ROOT, TinyRun, write_config

KILLS = 20
# Times and orders of events; everything else must be the same to the last bit.
LOGS = (".log.jsonl", ".lock", ".tmp")


def start(config: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tinysieve", "report", "--config", str(config)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def contents(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
            if not path.name.endswith(LOGS) and "tensorboard" not in path.parts}


def test_twenty_kills_end_in_the_same_bytes(tiny: TinyRun, tmp_path: Path) -> None:
    """Both runs use the same relative folder, so that what they write about themselves is the same too."""
    whole = contents(tiny.run)
    config = write_config(tmp_path / "killed.yaml", tiny.images, tmp_path / "run")
    rng, killed, finished = random.Random(0), 0, 0
    while killed < KILLS:
        process = start(config)
        try:
            # Mostly early, where stages follow each other closely; every sixth may fall into training or what follows,
            # which a run that goes on reaches the sooner.
            longest = tiny.seconds / (2 if killed % 6 == 5 else 10)
            assert process.wait(timeout=rng.uniform(0.2, longest)) == 0
            assert contents(tmp_path / "run") == whole
            (tmp_path / "run").rename(tmp_path / f"finished{finished}")
            finished += 1
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
    assert start(config).wait() == 0
    assert contents(tmp_path / "run") == whole
