"""kill -9 twice inside every stage up to the policy, at chosen changes of files, and a flipped byte in every file that they left.

The drill itself is `benchmarks/drill.py`, which goes on to the report.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tiny_run import ROOT


def test_kills_and_flips_in_every_stage_end_in_the_same_bytes(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.touch()
    command = [sys.executable, str(ROOT / "benchmarks/drill.py"), "--kills", "1", "--until", "policy", "--write", str(page)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = re.findall(r"^\| ([\w/-]+) \| (\d+) \| 2 \| yes \| (\d+) \| (\d+) \| yes \|", page.read_text(), re.MULTILINE)
    assert len(rows) >= 5
    assert all(int(steps) > 0 and flipped == noticed for _, steps, flipped, noticed in rows)
