"""Pictures for the docs, taken in headless Chromium: the review at a desk and on a phone, and the report.

    python benchmarks/walkthrough_pictures.py [--run FOLDER] [--queue FILE] [--pictures FOLDER]

Without --run, the demo is made in runs/pictures (some minutes, once) from the photos that may be shown anywhere: those of
scikit-image, scikit-learn and matplotlib, as `make demo` takes them where Ultralytics is not installed. Without --queue, the
policy's own queue is shown, and behind it what the policy changed. Decisions are made in a copy of the run. Skipped where
there is no Chromium.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from unittest import mock

import pyarrow as pa
import pyarrow.csv as pacsv
from chromium import Page, browse, find_browser
from PIL import Image

from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.sources.tables import read_table
from tinysieve.dataset.version_store import VersionStore
from tinysieve.pipeline.demo import demo_photos
from tinysieve.pipeline.demo.demo_photos import TRUTH
from tinysieve.pipeline.demo.run import run_demo
from tinysieve.pipeline.demo.scenes import OPTIONAL, installed_scenes

ROOT = Path(__file__).parent.parent
RUN, PICTURES, CONFIG = ROOT / "runs/pictures/run", ROOT / "docs/pictures", ROOT / "configs/demo.yaml"
DESK, PHONE = (1100, 1020), (390, 800)
LARGEST_BYTES, COLOURS, CARDS, DECIDED = 300_000, 256, 24, 3
SAVED = "document.getElementById('saved').textContent === 'All saved'"
SEEN = ("[...document.images].filter((one) => one.getBoundingClientRect().top < innerHeight)"
        ".every((one) => one.complete && one.naturalWidth)")


def make_run(folder: Path) -> None:
    """The demo, but for photos that only some machines have and that are not ours to show."""
    scenes = [one for one in installed_scenes() if one[0].package not in OPTIONAL]
    with mock.patch.object(demo_photos, "installed_scenes", return_value=scenes):
        run_demo(folder, 0)


def make_queue(run: Path, path: Path) -> None:
    """What the policy asks and, as the demo leaves little open, what it changed: one of each kind in turn."""
    asked = read_table(run / "policy/review_queue.csv").select(["sample_id", "proposed", "reason"]).to_pylist()
    kinds = defaultdict(list, {"asked": asked})
    for row in VersionStore(run / "versions").load("HEAD").ledger.to_pylist():
        kind = f"{row['old_label']} -> {row['new_label']}"
        kinds[kind].append({"sample_id": row["sample_id"], "proposed": row["new_label"], "reason": row["reason"]})
    dealt = [row for turn in zip_longest(*kinds.values()) for row in turn if row]
    pacsv.write_csv(pa.Table.from_pylist(dealt[:CARDS]), path)


def true_keys(run: Path, queue: Path) -> str:
    """The keys that decide the first samples of the queue as the demo knows them to be."""
    samples = SampleTable.load(run / "ingest/samples.parquet")
    rows = samples.rows_of(read_table(queue)["sample_id"].combine_chunks().slice(0, DECIDED))
    truth = {one["filename"]: one["person"] for one in read_table(run.parent / "photos" / TRUTH).to_pylist()}
    return "".join("bp"[int(truth[name])] for name in samples.table["filepath"].take(pa.array(rows)).to_pylist())


@dataclass(frozen=True)
class Camera:
    """Takes pictures of one page into one folder."""

    page: Page
    folder: Path

    def take(self, name: str) -> None:
        """What is in the window, as PNG of few colours, so that a clone stays small."""
        path = self.folder / f"{name}.png"
        self.page.until(SEEN)
        self.page.photograph(path)
        Image.open(path).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
        size = path.stat().st_size
        print(f"{path}: {size / 1000:,.0f} kB" + (f", OVER {LARGEST_BYTES / 1000:,.0f} kB" if size > LARGEST_BYTES else ""))


@contextmanager
def reviewing(run: Path, queue: Path) -> Iterator[str]:
    """`tinysieve review` on a run, as its address."""
    photos = run.parent / "photos"
    settings = (f"run={run}", f"dataset.source.images={photos / 'images'}", f"dataset.source.table={photos / 'labels.csv'}")
    command = [sys.executable, "-m", "tinysieve", "review", "-c", str(CONFIG),
               *(part for one in settings for part in ("-o", one)), "--queue", str(queue), "--reviewer", "ann",
               "--port", "0", "--json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield json.loads(server.stdout.readline())["address"]
        finally:
            server.kill()


def picture_review(camera: Camera, address: str, keys: str) -> None:
    """The sheet with some decisions, its keys, and the same on a phone."""
    page = camera.page
    page.resize(*DESK)
    page.open(address)
    for key in keys:
        page.press(key)
    page.until(SAVED)
    page.evaluate("scrollTo(0, 0)")
    camera.take("review")
    page.press("?", shift=True)
    camera.take("review-keys")
    page.press("?", shift=True)
    page.resize(*PHONE)
    page.reload()
    page.evaluate("scrollTo(0, document.activeElement.offsetTop - document.getElementById('bar').offsetHeight - 8)")
    camera.take("review-phone")


def picture_report(camera: Camera, report: Path) -> None:
    """The verdict, and the photos whose labels were changed."""
    page = camera.page
    page.resize(1280, 1500)
    page.open(report.resolve().as_uri())
    camera.take("report")
    page.resize(1280, 900)
    page.evaluate("document.querySelector('ul.gallery').previousElementSibling.scrollIntoView({behavior: 'instant'})")
    camera.take("report-changes")


def main(arguments: list[str]) -> str:
    """Take the pictures, or say why there are none."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=RUN, help="a finished run whose photos lie beside it in photos/")
    parser.add_argument("--queue", type=Path, help="CSV with sample_id, proposed, reason")
    parser.add_argument("--pictures", type=Path, default=PICTURES)
    asked = parser.parse_args(arguments)
    browser = find_browser()
    if browser is None:
        return "skipped: no Chromium here"
    if asked.run == RUN:
        make_run(RUN.parent)
    with tempfile.TemporaryDirectory() as temporary:
        # The page is headed with the name of the run's folder.
        copy = Path(temporary) / "demo"
        shutil.copytree(asked.run, copy)
        (Path(temporary) / "photos").symlink_to((asked.run.parent / "photos").resolve())
        queue = asked.queue or Path(temporary) / "queue.csv"
        if asked.queue is None:
            make_queue(copy, queue)
        with reviewing(copy, queue) as address, browse(browser) as page:
            page.call("Emulation.setScrollbarsHidden", hidden=True)
            camera = Camera(page, asked.pictures)
            picture_review(camera, address, true_keys(copy, queue))
            picture_report(camera, copy / "report/report.html")
            return "\n".join(page.complaints) or "done"


if __name__ == "__main__":
    print(main(sys.argv[1:]))
