"""The stages that open images, over many JPEGs: one reading pass against three, the local executor against Ray.

    python benchmarks/scale_images.py --images 200000
    python benchmarks/scale_images.py --images 40000 --stores tar --ways "ingest alone"

Photos that installed packages carry are cropped and encoded anew, Dataverse-like (some 200,000 pixels, quality 72) or hub-like
(1024 x 768, quality 90), into a folder, a tar and Parquet shards. Each measurement is a process of its own; processor time is
of the process and all that it started, peak memory is resident without pages of mapped files. Goals: Ray at least RAY_GOAL of
the local rate, one pass at least PASS_GOAL times three passes, at most PEAK_GOAL_GB. Results go to
benchmarks/results/scale_images.json. Ray is left out where it is not installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import os
import resource
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from tinysieve.dataset.images import decode
from tinysieve.ground.atomic_files import write_text
from tinysieve.pipeline.config.sections import Config, config_of
from tinysieve.pipeline.demo.demo_photos import build_demo
from tinysieve.pipeline.engine.stages import Run, run_stages
from tinysieve.pipeline.stages.detect import DETECT
from tinysieve.pipeline.stages.embed import EMBED
from tinysieve.pipeline.stages.ingest import INGEST

RESULT = Path(__file__).parent / "results" / "scale_images.json"
RAY_GOAL, PASS_GOAL, PEAK_GOAL_GB = 0.9, 1.3, 2.0
LIKE = {"dataverse": ((516, 387), 72), "hub": ((1024, 768), 90)}
STAGES = (INGEST, DETECT, EMBED)
# What is run in one call, by way.
WAYS = {"one pass": [STAGES], "three passes": [(stage,) for stage in STAGES], "ray": [STAGES], "ingest alone": [(INGEST,)]}
SPLITS = ("train", "train", "train", "train", "validation", "test")
SHARD = 5_000


def encoded(photos: list[Image.Image], number: int, like: str) -> bytes:
    """A crop of one of the photos, different for each number."""
    size, quality = LIKE[like]
    photo, rng = photos[number % len(photos)], np.random.default_rng(number)
    left, top = (rng.integers(0, max(1, side // 4)) for side in photo.size)
    stream = io.BytesIO()
    crop = photo.crop((left, top, left + 3 * photo.width // 4, top + 3 * photo.height // 4))
    crop.resize(size).save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def publish(folder: Path, images: int, like: str, stores: list[str]) -> Path:
    """The same images in each store, and the table of their labels; returns the table."""
    build_demo(folder / "photos", 0)
    photos = [Image.fromarray(decode(path)) for path in sorted((folder / "photos/images").rglob("*.*"))[:40]]
    rows = [(f"{number:08d}.jpg", number // len(SPLITS) % 2, SPLITS[number % len(SPLITS)]) for number in range(images)]
    table = folder / "labels.csv"
    table.write_text("filename,person,split\n" + "".join(f"{name},{label},{split}\n" for name, label, split in rows))
    (folder / "folder").mkdir()
    with tarfile.open(folder / "images.tar", "w") as archive:
        for start in range(0, images, SHARD):
            data = [encoded(photos, number, like) for number in range(start, min(start + SHARD, images))]
            names = [name for name, _, _ in rows[start : start + SHARD]]
            for name, image in zip(names, data, strict=True):
                if "folder" in stores:
                    (folder / "folder" / name).write_bytes(image)
                if "tar" in stores:
                    member = tarfile.TarInfo(name)
                    member.size = len(image)
                    archive.addfile(member, io.BytesIO(image))
            if "parquet" in stores:
                pq.write_table(pa.table({"image": pa.array([{"bytes": image, "path": name} for name, image in
                                                            zip(names, data, strict=True)]), "filename": names}),
                               folder / f"{start // SHARD:05}.parquet", row_group_size=100)
    return table


PLACES = {"folder": "folder", "tar": "images.tar", "parquet": "*.parquet"}


def configured(folder: Path, store: str, run: Path, executor: str) -> Config:
    """All three stages with the shipped detector and backbone."""
    chosen = {"local": {"kind": "local"}, "ray": {"kind": "ray", "workers": os.cpu_count()}}[executor]
    return config_of({
        "run": run, "executor": chosen, "workers": os.cpu_count(),
        "dataset": {"rule": "any",
                    "source": {"kind": "table", "images": str(folder / PLACES[store]), "table": str(folder / "labels.csv")}},
        "filter": {"detector": {"kind": "presence_head"}}, "policy": {"kind": "default"}, "train": {"recipe": "demo"}})


def watch_memory(peak: list[float]) -> None:
    """Resident memory of this process without mapped files, every tenth of a second."""
    while True:
        fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
        peak[0] = max(peak[0], int(fields["RssAnon"].split()[0]) * 1024 / 1e9)
        time.sleep(0.1)


def measured_here(folder: Path, store: str, how: str) -> dict[str, float]:
    """One measurement, in this process."""
    peak = [0.0]
    threading.Thread(target=watch_memory, args=(peak,), daemon=True).start()
    executor = "ray" if how == "ray" else "local"
    with tempfile.TemporaryDirectory(dir=folder) as made:
        config = configured(folder, store, Path(made) / "run", executor)
        began = time.monotonic()
        for stages in WAYS[how]:
            run_stages(Run(config, config.run), stages, lambda status: None)
        seconds = time.monotonic() - began
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {"seconds": round(seconds, 1), "processor_seconds": round(sum(each.ru_utime + each.ru_stime for each in used), 1),
            "peak_gb": round(peak[0], 2)}


def measured(folder: Path, store: str, how: str) -> dict[str, float]:
    """The same in a process of its own."""
    command = [sys.executable, __file__, "--one", str(folder), store, how]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(f"{store:<8} {how:<13} {result}", flush=True)
    return result


def goals(ways: dict[str, dict[str, float]]) -> dict[str, float]:
    """What the goals are about, of one store, as far as it was measured."""
    said = {"peak_gb": max(row["peak_gb"] for how, row in ways.items() if how != "ray")}
    if ways.keys() >= {"one pass", "three passes"}:
        apart, alone = (ways[how]["processor_seconds"] for how in ("three passes", "one pass"))
        said["three_passes_over_one"] = round(apart / alone, 2)
    if ways.keys() >= {"one pass", "ray"}:
        said["ray_rate_over_local"] = round(ways["one pass"]["seconds"] / ways["ray"]["seconds"], 2)
    return said


def keep(like: str, images: int, rows: dict[str, dict[str, dict[str, float]]]) -> None:
    """Results of one size, beside what is known of others, and of other stores and ways."""
    known: list[dict[str, Any]] = json.loads(RESULT.read_text()) if RESULT.exists() else []
    others = [made for made in known if (made["like"], made["images"]) != (like, images)]
    stores = next((made["stores"] for made in known if made not in others), {})
    stores |= {store: stores.get(store, {}) | row for store, row in rows.items()}
    made = {"like": like, "images": images, "cores": os.cpu_count(), "stores": stores,
            "goals": {store: goals(row) for store, row in stores.items()}}
    write_text(RESULT, json.dumps([*others, made], indent=1) + "\n")
    print(json.dumps(made["goals"], indent=1))


def main() -> None:
    """Measure all ways in turn."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=200_000)
    parser.add_argument("--like", choices=tuple(LIKE), default="dataverse")
    parser.add_argument("--stores", nargs="+", choices=tuple(PLACES), default=list(PLACES))
    parser.add_argument("--ways", nargs="+", choices=tuple(WAYS), default=list(WAYS))
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measured_here(Path(args.one[0]), *args.one[1:])))
        return
    ways = [way for way in args.ways if way != "ray" or importlib.util.find_spec("ray")]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        publish(folder, args.images, args.like, args.stores)
        rows = {store: {how: measured(folder, store, how) for how in ways} for store in args.stores}
    keep(args.like, args.images, rows)


if __name__ == "__main__":
    main()
