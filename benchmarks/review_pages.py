"""How a review of 10,000 samples feels in a real browser: from the server, with all cards drawn at once, and from a folder.

    python benchmarks/review_pages.py

Photos are drawn by chance (640 x 480, JPEG); server and headless Chromium run on this machine. Each figure is the median of
alternated openings; keys are timed inside the page, from the key to the second frame after it. Skipped where there is no
Chromium. Results go to benchmarks/results/review_pages.json.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from chromium import Page, browse, find_browser
from PIL import Image

from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.stores.folder_store import FolderStore
from tinysieve.pipeline.review.decision_log import opened
from tinysieve.pipeline.review.review_cards import Box, Card
from tinysieve.pipeline.review.review_page import CARDS_A_PAGE, Sheet, write_pages
from tinysieve.pipeline.review.review_pictures import THUMBNAIL_SIDE, Photos
from tinysieve.pipeline.review.server import ReviewContext, ReviewServer, new_token

RESULT = Path(__file__).parent / "results" / "review_pages.json"
SAMPLES, FILES, OPENINGS, KEYS = 10_000, 100, 3, 40
WAYS = {"as it is": CARDS_A_PAGE, "all at once": SAMPLES}
FOLDER = "from a folder"
UNITS = {"page_kib": "KiB", "first_card_s": "s", "pictures_in_view_s": "s", "key_ms": "ms", "slowest_key_ms": "ms",
         "large_ms": "ms", "jump_to_the_middle_s": "s", "elements": "", "javascript_heap_mib": "MiB", "thumbnails_fetched": ""}
IN_VIEW = ("[...document.images].filter((one) => { const place = one.getBoundingClientRect();"
           " return place.top < innerHeight && place.bottom > 0 && place.width; })"
           ".every((one) => one.complete && one.naturalWidth)")
LARGE = """(async () => { const began = performance.now();
  const space = () => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: " ", bubbles: true }));
  space();
  const picture = document.querySelector("#large img");
  while (!(picture.complete && picture.naturalWidth)) await new Promise((done) => requestAnimationFrame(done));
  const taken = performance.now() - began;
  space();
  return taken; })()"""
KEPT = "['All saved', 'Kept in this browser; download to hand them on'].includes(document.getElementById('saved').textContent)"
PRESS = """(async () => { const taken = [];
  for (let number = 0; number < COUNT; number += 1) {
    const began = performance.now();
    document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: "pbds"[number % 4], bubbles: true }));
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    taken.push(performance.now() - began);
  }
  return taken; })()"""


@dataclass(frozen=True, eq=False)
class RepeatedPhotos(Photos):
    """Files that stand for many samples each are encoded once."""

    def jpegs(self, row: int, sides: Sequence[int]) -> list[bytes]:
        return _encoded(self, row % FILES, tuple(sides))


@cache
def _encoded(photos: Photos, row: int, sides: tuple[int, ...]) -> list[bytes]:
    return Photos.jpegs(photos, row, sides)


def make_photos(folder: Path) -> Photos:
    """A table of samples over a few photos."""
    rng = np.random.default_rng(0)
    for number in range(FILES):
        coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
        coarse.resize((640, 480), Image.Resampling.BICUBIC).save(folder / f"{number}.jpg")
    names = [f"{number % FILES}.jpg" for number in range(SAMPLES)]
    table = pa.table({"sample_id": [f"{number:032x}" for number in range(SAMPLES)], "filepath": names, "width": [640] * SAMPLES,
                      "height": [480] * SAMPLES, "split": ["train"] * SAMPLES, "label": ["person"] * SAMPLES,
                      "pixel_row": [0] * SAMPLES})
    return Photos(SampleTable(table), FolderStore(folder), np.zeros((1, 144, 144, 3), np.uint8))


def deal_by_chance(photos: Photos) -> tuple[Card, ...]:
    """Cards with one to three boxes and two reasons each."""
    rng = np.random.default_rng(1)
    hardness = rng.choice(["easy", "hard", "need review"], SAMPLES).tolist()
    cards = []
    for row, one in enumerate(photos.samples.table.select(["sample_id", "filepath"]).to_pylist()):
        boxes = tuple(_box(rng) for _ in range(rng.integers(1, 4)))
        reasons = (f"boxes: person box {rng.integers(100) / 100:.2f}", "out_of_fold says background")
        cards.append(Card(row, one["sample_id"], one["filepath"], 640, 480, "person", "background", hardness[row], reasons,
                          boxes))
    return tuple(cards)


def _box(rng: np.random.Generator) -> Box:
    left, top, width, height = (rng.random(4) * 50).round(1).tolist()
    return left, top, width, height, 0.5


@contextmanager
def serving(sheet: Sheet, photos: Photos, folder: Path) -> Iterator[ReviewServer]:
    """The review's own server, with decisions on disk."""
    with opened(folder / "decisions.csv", "benchmark") as decision_log:
        with ReviewServer(ReviewContext(sheet, photos, decision_log, new_token()), 0) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield server
            server.shutdown()


def measure(page: Page, address: str, page_kib: float) -> dict[str, float]:
    """One opening: load, look, decide, jump."""
    began = time.perf_counter()
    page.call("Page.navigate", url=address)
    page.until("document.querySelector('.card')", 300)
    first = time.perf_counter() - began
    page.until(IN_VIEW)
    seen = time.perf_counter() - began
    keys = page.evaluate(PRESS.replace("COUNT", str(KEYS)))
    page.until(KEPT)
    large = page.evaluate(LARGE)
    began = time.perf_counter()
    middle = SAMPLES // 2
    page.evaluate(f"""(() => {{ const page = document.getElementById("page");
        if (document.getElementById("pages").hidden) document.querySelector('[data-number="{middle}"]').scrollIntoView();
        else {{ page.value = Math.floor({middle} / {CARDS_A_PAGE}) + 1; page.dispatchEvent(new Event("change")); }} }})()""")
    page.until(IN_VIEW)
    counters = {one["name"]: one["value"] for one in page.call("Performance.getMetrics")["metrics"]}
    return {"page_kib": page_kib, "first_card_s": first, "pictures_in_view_s": seen, "key_ms": statistics.median(keys),
            "slowest_key_ms": max(keys), "large_ms": large, "jump_to_the_middle_s": time.perf_counter() - began,
            "elements": counters["Nodes"], "javascript_heap_mib": counters["JSHeapUsedSize"] / 2**20,
            "thumbnails_fetched": page.evaluate("performance.getEntriesByType('resource').length")}


def measure_all(browser: str) -> dict[str, dict[str, float]]:
    """Both ways, alternated, a fresh browser each time so that nothing is cached."""
    with tempfile.TemporaryDirectory() as temporary:
        photos = make_photos(Path(temporary))
        cards = deal_by_chance(photos)
        taken: dict[str, list[dict[str, float]]] = {way: [] for way in (*WAYS, FOLDER)}
        repeated = RepeatedPhotos(photos.samples, photos.store, photos.pixels)
        sheet = Sheet("10,000 samples", cards)
        written = write_pages(sheet, repeated, Path(temporary) / "pages", "ann", lambda done, total: None)
        for opening in range(OPENINGS):
            for way, a_page in WAYS.items():
                sheet = Sheet("10,000 samples", cards, a_page)
                with serving(sheet, photos, Path(temporary) / f"{opening}-{a_page}") as server, browse(browser) as page:
                    page.resize(1280, 900)
                    page.call("Performance.enable")
                    taken[way].append(measure(page, server.address, len(sheet.html({"token": ""}).encode()) / 1024))
            with browse(browser) as page:
                page.resize(1280, 900)
                page.call("Performance.enable")
                taken[FOLDER].append(measure(page, written.as_uri(), written.stat().st_size / 1024))
        began = time.perf_counter()
        for row in range(FILES):
            photos.jpeg(row, THUMBNAIL_SIDE)
        each = (time.perf_counter() - began) / FILES * 1000
    medians = {way: {name: round(statistics.median(one[name] for one in runs), 3) for name in UNITS}
               for way, runs in taken.items()}
    return medians | {"server": {"thumbnail_ms": round(each, 2)}}


def main() -> None:
    """Measure, print, store."""
    browser = find_browser()
    if browser is None:
        print("skipped: no Chromium here")
        return
    results = measure_all(browser)
    print(f"{SAMPLES:,} samples, medians of {OPENINGS} openings\n"
          f"{'':<24}{'as it is':>12}{'all at once':>14}{'ratio':>9}{FOLDER:>16}")
    for name, unit in UNITS.items():
        here, there = (results[way][name] for way in WAYS)
        words = name.removesuffix("_" + unit.lower()).replace("_", " ") + (f", {unit}" if unit else "")
        print(f"{words:<24}{here:>12,.2f}{there:>14,.2f}{there / max(here, 1e-9):>9.1f}{results[FOLDER][name]:>16,.2f}")
    print(f"a thumbnail takes the server {results['server']['thumbnail_ms']} ms")
    RESULT.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
