"""Training images/s, files to step: packed pixels and our augmentation against the challenge's way, in one run.

The challenge's way decodes and resizes every photo in every epoch with tf.data (what `image_dataset_from_directory` builds) and
turns them with Keras' RandomFlip and RandomRotation(0.2) in the same pipeline. Ours decodes once at ingest (its time is
reported too, and not counted in an epoch) and warps uint8 with OpenCV while the model computes. Model, loss, optimizer, batch
size, photos and process are the same; epochs alternate; each side has one epoch to trace its graph first.

    python benchmarks/training_speed.py [--photos 640] [--batch 32] [--repetitions 5]

Photos: shared VOC 2007 (environment variable TINYSIEVE_SHARED, else ../shared).
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

RESULT = ROOT / "benchmarks" / "results" / "training_speed.json"
TARGET = 1.3


def voc_photos(count: int) -> tuple[list[str], np.ndarray]:
    """The first `count` training photos and their labels."""
    folder = Path(os.environ.get("TINYSIEVE_SHARED", ROOT.parent / "shared")) / "data" / "voc2007_person"
    if not folder.is_dir():
        sys.exit(f"no photos at {folder.name}: set TINYSIEVE_SHARED to the folder that holds data/voc2007_person")
    with (folder / "labels.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "train"][:count]
    return [str(folder / "images" / row["filename"]) for row in rows], np.array([int(row["person"]) for row in rows], np.int8)


def pack(paths: list[str]) -> np.ndarray:
    """Decode and resize every photo once, as ingest does."""
    from dataset.images import decode, resize_bilinear

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return np.stack(list(threads.map(lambda path: resize_bilinear(decode(path)), paths)))


def challenge_epoch(paths: list[str], labels: np.ndarray, batch: int) -> Callable[[], float]:
    """One epoch the challenge's way; returns a function that gives its seconds."""
    import keras
    import tensorflow as tf

    flip, turn = keras.layers.RandomFlip("horizontal"), keras.layers.RandomRotation(0.2)

    def load(path, label):
        image = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
        return tf.ensure_shape(tf.image.resize(image, (144, 144), method="bilinear"), (144, 144, 3)), label

    data = tf.data.Dataset.from_tensor_slices((paths, labels.astype(np.int32))).shuffle(1000)
    data = data.map(load, num_parallel_calls=tf.data.AUTOTUNE).batch(batch)
    data = data.map(lambda x, y: (turn(flip(x, training=True), training=True), y), num_parallel_calls=tf.data.AUTOTUNE)
    data = data.prefetch(tf.data.AUTOTUNE)
    model = fresh_model(batch)
    return lambda: seconds(lambda: model.fit(data, epochs=1, verbose=0))


def our_epoch(pixels: np.ndarray, labels: np.ndarray, batch: int) -> Callable[[], float]:
    """One epoch of `training.fit`'s inner loop; returns a function that gives its seconds."""
    from training.batches import EpochBatches
    from training.epochs import train_epoch
    from training.labelled_images import LabelledImages

    model, epoch = fresh_model(batch), iter(range(1, 1000))
    images = LabelledImages(pixels, np.arange(len(pixels)), labels, "train")
    threads = ThreadPoolExecutor(os.cpu_count())

    def run() -> None:
        train_epoch(model, EpochBatches(images, _recipe(batch), seed=1, epoch=next(epoch), threads=threads), batch, _ignore)

    return lambda: seconds(run)


def fresh_model(batch: int):
    """MCUNet compiled as `training.fit` does it."""
    from training.epochs import compile_model
    from training.mcunet import build_mcunet

    return compile_model(build_mcunet(1), _recipe(batch))


def _recipe(batch: int):
    from training.recipe import RECIPES, derive

    return derive(RECIPES["challenge-2"], batch_size=batch)


def _ignore(_: int) -> None:
    pass


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> int:
    """Measure, print, write; 0 when the target is met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=640)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--repetitions", type=int, default=5)
    options = parser.parse_args()
    paths, labels = voc_photos(options.photos)
    started = time.perf_counter()
    pixels = pack(paths)
    packing = time.perf_counter() - started
    sides = {"challenge": challenge_epoch(paths, labels, options.batch), "ours": our_epoch(pixels, labels, options.batch)}
    first = {name: side() for name, side in sides.items()}
    rounds = [{name: side() for name, side in sides.items()} for _ in range(options.repetitions)]
    result = summary(rounds, first, packing, options, len(paths))
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))
    return 0 if result["ratio"]["median"] >= TARGET else 1


def summary(
    rounds: list[dict[str, float]], first: dict[str, float], packing: float, options: argparse.Namespace, photos: int
) -> dict:
    """Images/s of both sides, and the ratio within each round: median, least, most."""
    rates = {name: sorted(photos / each[name] for each in rounds) for name in first}
    ratios = sorted(each["challenge"] / each["ours"] for each in rounds)
    spread = {name: {"median": statistics.median(v), "min": v[0], "max": v[-1]} for name, v in rates.items()}
    return {
        "photos": photos,
        "batch": options.batch,
        "repetitions": options.repetitions,
        "cores": os.cpu_count(),
        "processor": platform.machine(),
        "images_per_second": spread,
        "ratio": {"median": statistics.median(ratios), "min": ratios[0], "max": ratios[-1], "target": TARGET},
        "seconds_to_pack_once": packing,
        "seconds_of_first_epoch": first,
    }


if __name__ == "__main__":
    sys.exit(main())
