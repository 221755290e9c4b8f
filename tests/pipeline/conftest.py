"""One finished tiny run for all tests of the roof."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from tiny_run import ROOT, TinyRun, make_images, write_config


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyRun:
    """The pipeline run to its report, by the command a user types."""
    base = tmp_path_factory.mktemp("tiny")
    make_images(base / "images")
    config = write_config(base / "config.yaml", base / "images", base / "run")
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "pipeline", "report", "-c", str(config)], cwd=ROOT, check=True)
    return TinyRun(config, base / "images", base / "run", time.monotonic() - began)
