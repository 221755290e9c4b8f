"""One finished tiny run for all tests of the roof."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from filelock import FileLock
from tiny_run import ROOT, TinyRun, make_images, write_config


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyRun:
    """The pipeline run to its report, by the command a user types; made once for all test processes, only read from."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    images, run, took = base / "tiny/images", base / "tiny/run", base / "tiny/seconds"
    with FileLock(base / "tiny.lock"):
        if not took.exists():
            make_images(images)
            config = write_config(base / "tiny/config.yaml", images, run)
            began = time.monotonic()
            subprocess.run([sys.executable, "-m", "tinysieve", "report", "-c", str(config)], cwd=ROOT, check=True)
            took.write_text(str(time.monotonic() - began))
    return TinyRun(base / "tiny/config.yaml", images, run, float(took.read_text()))
