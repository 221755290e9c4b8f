"""How long `tinysieve init` and `tinysieve check` take on 100,000 files: folders of classes, and a table beside one folder.

    python benchmarks/first_look.py --photos 100000

Each command is a process of its own, so its start counts. The photos are PNG files of one pixel: nothing decodes them.
Results go to benchmarks/results/first_look.json.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from tinysieve.ground.atomic_files import write_text

RESULT = Path(__file__).parent / "results" / "first_look.json"
SPLITS = ("train", "train", "train", "val", "test")
PER_FOLDER = 5_000


def pixel() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (1, 1)).save(stream, "PNG")
    return stream.getvalue()


def tree(root: Path, photos: int) -> None:
    """`split/class/part/photo.png`."""
    data = pixel()
    for number in range(photos):
        folder = root / SPLITS[number % 5] / ("person", "background")[number % 2] / f"{number // PER_FOLDER:03d}"
        if number % PER_FOLDER < 10:
            folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:06d}.png").write_bytes(data)


def table(root: Path, photos: int) -> None:
    """`images/photo.png`, and labels.csv in front of them."""
    data = pixel()
    (root / "images").mkdir(parents=True)
    with (root / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["filename", "person", "split"])
        for number in range(photos):
            (root / "images" / f"{number:06d}.png").write_bytes(data)
            writer.writerow([f"{number:06d}.png", number % 2, SPLITS[number % 5]])


def seconds(*words: str, where: Path) -> tuple[float, float, str]:
    """Processor time and clock of one command, and the last line that it prints."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run([sys.executable, "-m", "tinysieve", *words], cwd=where, check=True, stdout=subprocess.PIPE, text=True)
    clock, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return processor, clock, done.stdout.strip().splitlines()[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=100_000)
    photos = parser.parse_args().photos
    measured = {}
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder)
        print(f"{'layout':<10}{'command':<10}{'processor, s':>14}{'clock, s':>10}  last line")
        for name, make in (("folders", tree), ("table", table)):
            make(where / name, photos)
            for words in (("init", name, "--yes", "--out", f"{name}.yaml"), ("check", "-c", f"{name}.yaml")):
                processor, clock, said = seconds(*words, where=where)
                measured[f"{name}, {words[0]}"] = {"processor_seconds": round(processor, 1), "seconds": round(clock, 1)}
                print(f"{name:<10}{words[0]:<10}{processor:>14.1f}{clock:>10.1f}  {said}", flush=True)
    write_text(RESULT, json.dumps({"photos": photos, "commands": measured}, indent=1) + "\n")


if __name__ == "__main__":
    main()
