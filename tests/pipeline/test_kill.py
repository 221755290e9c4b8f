"""kill -9 at twenty random moments: nothing is lost, and the end is the same bytes as without."""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
KILLS = 20
# Times and orders of events; everything else must be the same to the last bit.
LOGS = (".log.jsonl", ".lock", ".tmp")
CONFIG = """\
run: {run}
workers: 2
dataset:
  source: {{kind: folders, images: {images}}}
  rule: any
filter: {{detector: {{kind: presence_head}}}}
policy: {{kind: default, max_change: 1.0}}
train: {{recipe: {{base: demo, epochs: 2, batch_size: 16}}}}
quantize: {{calibration_images: 4}}
verify: {{tflm_images: 2}}
"""


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kill") / "images"
    rng = np.random.default_rng(0)
    for split, count in (("train", 12), ("val", 4), ("test", 4)):
        for name in ("person", "background"):
            (root / split / name).mkdir(parents=True)
            for number in range(count):
                coarse = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)
                Image.fromarray(coarse).resize((210, 150)).save(root / split / name / f"{number}.jpg")
    return root


def start(config: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "pipeline", "report", "--config", str(config)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def contents(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
            if not path.name.endswith(LOGS) and "tensorboard" not in path.parts}


def test_twenty_kills_end_in_the_same_bytes(images: Path, tmp_path: Path) -> None:
    configs = {}
    for name in ("whole", "killed"):
        configs[name] = tmp_path / f"{name}.yaml"
        configs[name].write_text(CONFIG.format(run=tmp_path / "runs" / "run", images=images))
    began = time.monotonic()
    assert start(configs["whole"]).wait() == 0
    seconds = time.monotonic() - began
    whole = contents(tmp_path / "runs" / "run")
    (tmp_path / "runs").rename(tmp_path / "kept")
    rng, killed = random.Random(0), 0
    # Short enough that twenty of them fall before the end, long enough that the stages advance between them.
    longest = max(seconds / 5, 2.0)
    while killed < KILLS:
        process = start(configs["killed"])
        try:
            assert process.wait(timeout=rng.uniform(0.2, longest)) == 0
            (tmp_path / "runs").rename(tmp_path / f"finished{killed}")
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
    assert start(configs["killed"]).wait() == 0
    assert contents(tmp_path / "runs" / "run") == whole
    for early in tmp_path.glob("finished*"):
        assert contents(early / "run") == whole
