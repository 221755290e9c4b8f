"""Detection in parts: resumable, the same bytes wherever chunks end, and silent about nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from grey_photos import grey_of, grey_photos, spoil
from part_pass import PlannedPhotos

from tinysieve.filtering.evidence.box_classes import PERSON_BOXES
from tinysieve.filtering.evidence.boxes import write_boxes
from tinysieve.filtering.evidence.detectors.box_parts import BoxParts, failures_csv, together
from tinysieve.filtering.evidence.detectors.detector import BATCH, Detections, DetectorFailed

ROOT = Path(__file__).parents[2]


class Counting:
    """A detector whose boxes tell which photo they are from: grey modulo three of them; grey 13 makes it raise."""

    name = "counting"
    fingerprint = "1"
    classes = PERSON_BOXES

    def __init__(self) -> None:
        self.seen: list[int] = []

    def detect(self, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        greys = [grey_of(image) for image in images]
        if 13 in greys:
            raise RuntimeError("thirteen")
        self.seen += greys
        return [np.tile(np.float32([0, 0, grey, 1, 0.5, 0]), (grey % 3, 1)) for grey in greys]


def parts_of(photos: PlannedPhotos, detector: Counting | None = None) -> BoxParts:
    return BoxParts(photos.work / "parts", lambda threads: detector or Counting())


def detected(photos: PlannedPhotos, detector: Counting | None = None, rows: Sequence[int] | None = None) -> Detections:
    """Everything made that is missing, and brought together for the samples of some rows (all)."""
    photos.make(parts_of(photos, detector))
    return together(parts_of(photos), photos.chunks, photos.samples(range(len(photos.names)) if rows is None else rows))


def results(made: Detections, folder: Path) -> tuple[bytes, str]:
    """Bytes of both result files."""
    folder.mkdir(parents=True, exist_ok=True)
    write_boxes(made.boxes, folder / "detections.parquet")
    return (folder / "detections.parquet").read_bytes(), failures_csv(made.not_examined)


def test_every_sample_is_either_seen_or_listed(tmp_path: Path) -> None:
    photos = grey_photos(tmp_path, range(40), 10)
    made, ids = detected(photos), photos.samples(range(40)).sample_ids.to_pylist()
    examined = [grey for grey in range(40) if grey != 13]
    assert made.boxes.sample_ids.to_pylist() == [ids[grey] for grey in examined]
    assert made.boxes.counts.tolist() == [grey % 3 for grey in examined]
    assert set(zip(made.boxes.sample_ids.take(np.repeat(np.arange(39), made.boxes.counts)).to_pylist(),
                   made.boxes.xyxy[:, 2].tolist(), strict=True)) == {(ids[grey], grey) for grey in examined if grey % 3}
    failure, = made.not_examined
    assert (failure.sample_id, failure.filepath) == (ids[13], "13.png")
    assert failure.reason == "detector failed: RuntimeError: thirteen"
    assert f"{ids[13]},13.png,detector failed" in failures_csv(made.not_examined)


def test_a_photo_that_cannot_be_decoded_reaches_no_detector(tmp_path: Path) -> None:
    photos, detector = grey_photos(tmp_path, range(20, 26)), Counting()
    spoil(photos, 22)
    made = detected(photos, detector, [0, 1, 3, 4, 5])
    assert sorted(detector.seen) == [20, 21, 23, 24, 25]
    assert len(made.boxes) == 5
    assert not made.not_examined


@pytest.mark.parametrize("images_a_chunk", [1, 7, BATCH + 1])
def test_the_size_of_chunks_changes_no_byte(tmp_path: Path, images_a_chunk: int) -> None:
    whole, cut = grey_photos(tmp_path / "whole", range(80)), grey_photos(tmp_path / "cut", range(80), images_a_chunk)
    assert results(detected(cut), tmp_path / "a") == results(detected(whole), tmp_path / "b")


def test_a_stopped_pass_goes_on_at_the_last_finished_chunk(tmp_path: Path) -> None:
    class Stops(Counting):
        def detect(self, images: Sequence[np.ndarray]) -> list[np.ndarray]:
            if len(self.seen) >= 20:
                raise KeyboardInterrupt
            return super().detect(images)

    broken, whole = (grey_photos(tmp_path / name, range(20, 60), 10) for name in ("broken", "whole"))
    with pytest.raises(KeyboardInterrupt):
        broken.make(parts_of(broken, Stops()))
    after = Counting()
    made = detected(broken, after)
    assert sorted(after.seen) == list(range(40, 60))
    assert results(made, tmp_path / "a") == results(detected(whole), tmp_path / "b")


def test_parts_of_other_photos_are_noticed(tmp_path: Path) -> None:
    photos = grey_photos(tmp_path, range(12, 18), 3)
    parts = parts_of(photos)
    photos.make(parts)
    first, second = photos.chunks
    assert parts.is_of(first, photos.keys(first))
    grey_photos(tmp_path, [200])
    (photos.folder / "200.png").replace(photos.folder / "16.png")
    assert not parts.is_of(second, photos.keys(second))


def test_a_chunk_whose_removal_was_killed_is_made_again(tmp_path: Path) -> None:
    photos, after = grey_photos(tmp_path, range(20, 26), 3), Counting()
    parts = parts_of(photos)
    photos.make(parts)
    for chunk, suffix in zip(photos.chunks, (".csv", ".parquet"), strict=True):
        parts.path(chunk).with_suffix(suffix).unlink()
        assert not parts.is_of(chunk, photos.keys(chunk))
    assert len(detected(photos, after).boxes) == 6
    assert sorted(after.seen) == list(range(20, 26))


def test_a_detector_that_always_fails_stops_the_pass(tmp_path: Path) -> None:
    class Broken(Counting):
        def detect(self, images: Sequence[np.ndarray]) -> list[np.ndarray]:
            raise RuntimeError("out of memory")

    photos = grey_photos(tmp_path, range(20))
    with pytest.raises(DetectorFailed, match="fails on every image: detector failed: RuntimeError: out of memory"):
        photos.make(parts_of(photos, Broken()))
    assert not parts_of(photos).is_done(photos.chunks[0])


@pytest.mark.parametrize("answer", [[], [np.full((1, 6), np.nan)], [np.zeros((2, 5))]])
def test_nonsense_from_a_detector_is_not_background(tmp_path: Path, answer: list[np.ndarray]) -> None:
    class Odd(Counting):
        def detect(self, images: Sequence[np.ndarray]) -> list[np.ndarray]:
            return answer

    made = detected(grey_photos(tmp_path, [1, 2]), Odd())
    assert len(made.boxes) == 0
    assert len(made.not_examined) == 2


SLOW = """
    import sys, time
    from pathlib import Path
    sys.path.insert(0, {here!r})
    from grey_photos import grey_photos
    from test_detector import Counting, parts_of
    class Slow(Counting):
        def detect(self, images):
            time.sleep(0.15)
            return super().detect(images)
    photos = grey_photos(Path({base!r}), range(20, 220), 5)
    photos.make(parts_of(photos, Slow()))
"""


def test_killed_at_random_moments_it_ends_in_the_same_bytes(tmp_path: Path) -> None:
    whole, killed = (grey_photos(tmp_path / name, range(20, 220), 5) for name in ("whole", "killed"))
    expected = results(detected(whole), tmp_path / "a")
    code = textwrap.dedent(SLOW.format(here=str(Path(__file__).parent), base=str(tmp_path / "killed")))
    rng, parts = np.random.default_rng(0), killed.work / "parts"
    for _ in range(4):
        child = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT / "src")})
        deadline, before = time.monotonic() + 20, len(list(parts.glob("*.parquet")))
        while len(list(parts.glob("*.parquet"))) == before and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.2))
        child.send_signal(signal.SIGKILL)
        child.wait()
    after = Counting()
    made = detected(killed, after)
    assert 0 < len(after.seen) < 200
    assert results(made, tmp_path / "b") == expected
