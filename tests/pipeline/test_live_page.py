"""The live page computes what the chip computes: in a real browser, from a camera that plays photos, frame by frame."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
import pytest
from PIL import Image

from tests.pipeline.tiny_run import TinyRun
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.live.live_page import margins_of
from tinysieve.pipeline.model_files.live_file import serve_page, write_live_page
from tinysieve.quantize.tflm.interpreter_child import LITERT, outputs_apart

FRAMES, CAMERA = 12, "--use-fake-device-for-media-stream"
LARGEST_PAGE_BYTES = 3_000_000


@pytest.fixture(scope="module")
def model(tiny: TinyRun) -> Path:
    return tiny.run / "quantize-mended" / "model.tflite"


@pytest.fixture(scope="module")
def page(tiny: TinyRun, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_live_page(model, tmp_path_factory.mktemp("live") / "live.html", (), None, tiny.run, force=False)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of coarse noise for a camera to play: JPEG after JPEG."""
    rng, frames = np.random.default_rng(1), []
    for _ in range(FRAMES):
        stream = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize((640, 480)).save(stream, "JPEG")
        frames.append(stream.getvalue())
    file = tmp_path_factory.mktemp("film") / "film.mjpeg"
    file.write_bytes(b"".join(frames))
    return file


@pytest.fixture(scope="module")
def browser(film: Path) -> Iterator[Any]:
    pytest.importorskip("websocket")
    from benchmarks.chromium import browse, find_browser

    if find_browser() is None:
        pytest.skip("needs Chromium")
    with browse(find_browser(), CAMERA, "--use-fake-ui-for-media-stream", f"--use-file-for-fake-video-capture={film}") as opened:
        opened.resize(1280, 1000)
        yield opened


def opened(browser: Any, page: Path) -> Any:
    browser.open(page.as_uri())
    browser.until("document.documentElement.dataset.ready === 'yes'")
    return browser


def test_golden_vectors_are_equal_in_the_page(browser: Any, page: Path) -> None:
    proof = opened(browser, page).evaluate("document.getElementById('proof').textContent")
    assert proof.startswith("8 of 8 golden vectors equal")
    assert browser.complaints == []


def test_every_frame_of_a_camera_is_answered_as_by_the_reference_kernels(browser: Any, page: Path, model: Path) -> None:
    opened(browser, page).evaluate("document.getElementById('camera').click()")
    seen = set()
    for _ in range(FRAMES):
        browser.until("window.lastFrame()")
        frame = browser.evaluate("window.lastFrame()")
        codes = np.array(frame["codes"], np.uint8).reshape(1, 144, 144, 3)
        scores = outputs_apart(LITERT, model.read_bytes(), [codes])[0][0]
        assert frame["answer"] == scores.tolist()
        assert frame["label"] == ("person" if scores[1] >= scores[0] else "background")
        seen.add(codes.tobytes())
    assert len(seen) > 1
    browser.evaluate("document.getElementById('stop').click()")
    assert browser.complaints == []


def test_a_threshold_counts_the_errors_of_the_validation_images(browser: Any, page: Path) -> None:
    opened(browser, page)
    slide = ("(() => {{ const slider = document.getElementById('threshold'); slider.value = {}; "
             "slider.dispatchEvent(new Event('input')); return document.getElementById('errors').textContent; }})()")
    assert "misses 0 of 4" in browser.evaluate(slide.format("slider.min"))
    assert "false alarms on 4 of 4" in browser.evaluate(slide.format("slider.min"))
    assert "false alarms on 0 of 4" in browser.evaluate(slide.format("slider.max"))


def test_the_page_asks_nobody_and_is_small(page: Path) -> None:
    text = page.read_text()
    assert len(text) < LARGEST_PAGE_BYTES
    assert "connect-src" not in text
    assert "default-src 'none'" in unescape(text)
    assert re.findall(r"https?://", text) == []


def test_labels_of_strangers_stay_text(model: Path, tmp_path: Path) -> None:
    hostile = "</script><script>alert(1)</script>"
    text = write_live_page(model, tmp_path / "live.html", ("no", hostile), hostile, None, force=False).read_text()
    assert "<script>alert" not in text


@pytest.mark.parametrize(("labels", "positive", "words"), [
    (("a", "b", "c"), None, "3 labels for 2 scores"), (("a", "b"), "d", "no score is called 'd'")])
def test_labels_that_do_not_fit_are_refused(model: Path, tmp_path: Path, labels: tuple[str, ...], positive: str | None,
                                            words: str) -> None:
    with pytest.raises(InputError, match=words):
        write_live_page(model, tmp_path / "live.html", labels, positive, None, force=False)


def test_a_page_is_not_overwritten_unasked(model: Path, page: Path) -> None:
    with pytest.raises(InputError, match="exists"):
        write_live_page(model, page, (), None, None, force=False)


def test_a_model_that_takes_no_picture_is_refused(shared: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no grey or RGB picture"):
        write_live_page(shared / "cases/models/mlc_ad01_int8.tflite", tmp_path / "live.html", (), None, None, force=False)


def test_margins_by_hand() -> None:
    assert margins_of([[1.0, 3.0, 2.0], [0.0, -1.0, 4.0]], [1, 0], 1).positive == (1.0,)
    assert margins_of([[1.0, 3.0, 2.0], [0.0, -1.0, 4.0]], [1, 0], 1).negative == (-5.0,)


def test_the_page_is_served_on_loopback_alone(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    thread = threading.Thread(target=serve_page, args=(page, 0), daemon=True)
    thread.start()
    said = ""
    while "http" not in said:
        thread.join(0.05)
        said += capsys.readouterr().out
    address = re.search(r"http://127\.0\.0\.1:\d+/", said)
    assert address is not None
    with urlopen(address[0], timeout=10) as answer:
        assert answer.read() == page.read_bytes()
