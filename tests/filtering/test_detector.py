"""Detection over many images: resumable, byte-identical, and silent about nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from tinysieve.dataset.images import UndecodableImage
from tinysieve.filtering.evidence.box_classes import PERSON_BOXES
from tinysieve.filtering.evidence.boxes import read_boxes
from tinysieve.filtering.evidence.detectors.detector import detect_all, remove_parts
from tinysieve.filtering.evidence.detectors.examine_chunk import BATCH, DetectorFailed

ROOT = Path(__file__).parents[2]


class Counting:
    """A detector whose boxes tell which image they are from; images of value 13 make it raise."""

    name = "counting"
    fingerprint = "1"
    classes = PERSON_BOXES

    def __init__(self) -> None:
        self.seen = 0

    def detect(self, images):
        found = []
        for image in images:
            value = int(image[0, 0, 0])
            if value == 13:
                raise RuntimeError("thirteen")
            self.seen += 1
            found.append(np.tile(np.float32([0, 0, value, 1, 0.5, 0]), (value % 3, 1)))
        return found


def decode(name: str, sample_id: str) -> np.ndarray:
    """The image named 7 is 7 everywhere; 5 has no image."""
    value = int(name)
    if value == 5:
        raise UndecodableImage("truncated")
    return np.full((2, 2, 3), value, np.uint8)


def run(folder: Path, names, detector=None, **options):
    """`detect_all` over files named by numbers."""
    return detect_all(detector or Counting(), [str(n) for n in names], [f"id{n}" for n in names], folder,
                      decode=decode, **{"chunk": 10, **options})


def results(folder: Path) -> list[bytes]:
    """The bytes of both result files."""
    return [(folder / name).read_bytes() for name in ("detections.parquet", "not_examined.csv")]


def test_every_image_is_either_seen_or_listed(tmp_path):
    got = run(tmp_path, range(40))
    assert got.boxes.sample_ids.to_pylist() == [f"id{n}" for n in range(40) if n not in (5, 13)]
    assert got.boxes.counts.tolist() == [n % 3 for n in range(40) if n not in (5, 13)]
    assert [(one.sample_id, one.reason) for one in got.not_examined] == [
        ("id5", "not decoded: UndecodableImage: truncated"),
        ("id13", "detector failed: RuntimeError: thirteen"),
    ]
    assert len(read_boxes(tmp_path / "detections.parquet")) == 38
    assert "id13,13,detector failed" in (tmp_path / "not_examined.csv").read_text()


def test_an_id_that_stands_twice_is_examined_once(tmp_path):
    detector = Counting()
    got = run(tmp_path, [1, 2, 1], detector)
    assert got.boxes.sample_ids.to_pylist() == ["id1", "id2"]
    assert detector.seen == 2


@pytest.mark.parametrize("chunk", [1, 7, BATCH + 1, 1000])
def test_the_size_of_chunks_changes_no_byte(tmp_path, chunk):
    run(tmp_path / "a", range(80))
    run(tmp_path / "b", range(80), chunk=chunk)
    assert results(tmp_path / "a") == results(tmp_path / "b")


def test_a_stopped_run_goes_on_at_the_last_finished_chunk(tmp_path):
    class Stops(Counting):
        def detect(self, images):
            if self.seen >= 20:
                raise KeyboardInterrupt
            return super().detect(images)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "broken", range(20, 60), Stops())
    after = Counting()
    run(tmp_path / "broken", range(20, 60), after)
    assert after.seen == 20
    run(tmp_path / "whole", range(20, 60))
    assert results(tmp_path / "broken") == results(tmp_path / "whole")


def test_another_detector_does_not_take_over_unfinished_work(tmp_path):
    run(tmp_path, range(20, 40))
    other = Counting()
    other.fingerprint = "2"
    run(tmp_path, range(20, 40), other)
    assert other.seen == 20
    remove_parts(tmp_path)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["detections.parquet", "not_examined.csv"]


def test_a_detector_that_always_fails_stops_the_run(tmp_path):
    class Broken(Counting):
        def detect(self, images):
            raise RuntimeError("out of memory")

    with pytest.raises(DetectorFailed, match="fails on every image: detector failed: RuntimeError: out of memory"):
        run(tmp_path, range(20), Broken())
    assert not (tmp_path / "detections.parquet").exists()


@pytest.mark.parametrize("answer", [[], [np.full((1, 6), np.nan)], [np.zeros((2, 5))]])
def test_nonsense_from_a_detector_is_not_background(tmp_path, answer):
    class Odd(Counting):
        def detect(self, images):
            return answer

    got = run(tmp_path, [1, 2], Odd())
    assert len(got.boxes) == 0
    assert len(got.not_examined) == 2


def test_progress_counts_images(tmp_path):
    heard = []
    run(tmp_path, range(20, 45), progress=lambda done, total: heard.append((done, total)))
    assert heard == [(10, 25), (20, 25), (25, 25)]


def test_nothing_to_examine_is_a_result(tmp_path):
    assert len(run(tmp_path, []).boxes) == 0
    assert len(read_boxes(tmp_path / "detections.parquet")) == 0


SLOW = """
    import sys, time
    from pathlib import Path
    sys.path.insert(0, {here!r})
    from test_detector import Counting, run
    class Slow(Counting):
        def detect(self, images):
            time.sleep(0.03)
            return super().detect(images)
    run(Path({folder!r}), range(20, 220), Slow(), chunk=5)
"""


def test_killed_at_random_moments_it_ends_in_the_same_bytes(tmp_path):
    run(tmp_path / "whole", range(20, 220), chunk=5)
    folder = tmp_path / "killed"
    code = textwrap.dedent(SLOW.format(here=str(Path(__file__).parent), folder=str(folder)))
    rng = np.random.default_rng(0)
    for _ in range(4):
        child = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT / "src")})
        deadline = time.monotonic() + 20
        parts = len(list(folder.glob("parts-*/*.parquet")))
        while len(list(folder.glob("parts-*/*.parquet"))) == parts and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.2))
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert not (folder / "detections.parquet").exists()
    assert list(folder.glob("parts-*/*.parquet"))
    run(folder, range(20, 220), chunk=5)
    assert results(folder) == results(tmp_path / "whole")


@pytest.mark.parametrize("removed", range(1, 8))
def test_killed_while_it_removes_its_parts_it_ends_in_the_same_bytes(tmp_path, monkeypatch, removed):
    """Wherever the removal stops, no chunk is left of which only a half can be read."""
    run(tmp_path / "whole", range(20, 40), chunk=5)
    unlinked, unlink = [], Path.unlink

    def stop(path: Path, *more: object, **named: object) -> None:
        if "parts-" in str(path) and path.suffix in (".csv", ".parquet"):
            if len(unlinked) == removed:
                raise KeyboardInterrupt
            unlinked.append(path)
        unlink(path, *more, **named)

    folder = tmp_path / "killed"
    run(folder, range(20, 40), chunk=5)
    monkeypatch.setattr(Path, "unlink", stop)
    with pytest.raises(KeyboardInterrupt):
        remove_parts(folder)
    monkeypatch.setattr(Path, "unlink", unlink)
    run(folder, range(20, 40), chunk=5)
    assert results(folder) == results(tmp_path / "whole")
