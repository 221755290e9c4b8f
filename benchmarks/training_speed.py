"""Training images/s, files to step: packed pixels and our augmentation against the challenge's way, in one run.

The challenge's way decodes and resizes every photo in every epoch with tf.data and turns them with Keras' RandomFlip
and RandomRotation(0.2) in the same pipeline: image by image before batching (challenge 1), or whole batches, as
`image_dataset_from_directory` gives them (challenge 2; faster, so the target is held against this one). Ours decodes
once at ingest (its time is reported too, and not counted in an epoch), warps uint8 with OpenCV while the model
computes, trains with fused batch normalisation and keeps freed memory. Network, loss, optimizer, batch size and photos are
the same; each side is a process of its own; epochs alternate; each side has one epoch to trace its graph first. The photos
are small (short side 224): larger ones cost the challenge's way more.

    python benchmarks/training_speed.py [--photos 640] [--batch 32] [--repetitions 5]

Photos: shared VOC 2007 (environment variable TINYSIEVE_SHARED, else ../shared).
"""

from __future__ import annotations

import argparse
import csv
import json
import multiprocessing
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

RESULT = ROOT / "benchmarks" / "results" / "training_speed.json"
TARGET = 1.3


class Cost(NamedTuple):
    """Seconds of one epoch."""

    wall: float
    processor: float


def voc_photos(count: int) -> tuple[list[str], np.ndarray]:
    """The first `count` training photos and their labels."""
    folder = Path(os.environ.get("TINYSIEVE_SHARED", ROOT.parent / "shared")) / "data" / "voc2007_person"
    if not folder.is_dir():
        sys.exit(f"no photos at {folder.name}: set TINYSIEVE_SHARED to the folder that holds data/voc2007_person")
    with (folder / "labels.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "train"][:count]
    labels = np.array([int(row["person"]) for row in rows], np.int8)
    return [str(folder / "images" / row["filename"]) for row in rows], labels


def pack(paths: list[str]) -> np.ndarray:
    """Decode and resize every photo once, as ingest does."""
    from tinysieve.dataset.images import decode, resize_bilinear

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return np.stack(list(threads.map(lambda path: resize_bilinear(decode(path)), paths)))


def challenge_epoch(paths: list[str], labels: np.ndarray, batch: int, whole_batches: bool) -> Callable[[], Cost]:
    """One epoch the challenge's way; returns a function that gives its seconds."""
    import keras
    import tensorflow as tf

    flip, turn = keras.layers.RandomFlip("horizontal"), keras.layers.RandomRotation(0.2)

    def load(path, label):
        image = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
        return tf.ensure_shape(tf.image.resize(image, (144, 144), method="bilinear"), (144, 144, 3)), label

    def augment(x, y):
        return turn(flip(x, training=True), training=True), y

    data = tf.data.Dataset.from_tensor_slices((paths, labels.astype(np.int32))).shuffle(1000)
    data = data.map(load, num_parallel_calls=tf.data.AUTOTUNE)
    if whole_batches:
        data = data.batch(batch).map(augment, num_parallel_calls=tf.data.AUTOTUNE)
    else:
        data = data.map(augment, num_parallel_calls=tf.data.AUTOTUNE).batch(batch)
    data = data.prefetch(tf.data.AUTOTUNE)
    model = plain_model()
    return lambda: seconds(lambda: model.fit(data, epochs=1, shuffle=False, verbose=0))


def plain_model():
    """MCUNet as the challenge's script compiles it, but for XLA, which would make it slower on CPU."""
    import keras

    from tinysieve.training.mcunet import build_mcunet

    model = build_mcunet(1)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-3), loss, metrics=["sparse_categorical_accuracy"], jit_compile=False)
    return model


def our_epoch(pixels: np.ndarray, labels: np.ndarray, batch: int) -> Callable[[], Cost]:
    """One epoch of `tinysieve.training.fit`'s inner loop; returns a function that gives its seconds."""
    from tinysieve.training.batches import EpochBatches
    from tinysieve.training.epochs import train_epoch
    from tinysieve.training.labelled_images import LabelledImages

    model, epoch = our_model(batch), iter(range(1, 1000))
    images = LabelledImages(pixels, np.arange(len(pixels)), labels, "train")
    threads = ThreadPoolExecutor(os.cpu_count())

    def run() -> None:
        batches = EpochBatches(images, _recipe(batch), seed=1, epoch=next(epoch), threads=threads)
        train_epoch(model, batches, batch, _ignore)

    return lambda: seconds(run)


def our_model(batch: int):
    """MCUNet compiled as `tinysieve.training.fit` does it."""
    from tinysieve.training.epochs import fresh_model
    from tinysieve.training.mcunet import build_mcunet

    return fresh_model(build_mcunet, _recipe(batch), 1)


def _recipe(batch: int):
    from tinysieve.training.recipe import RECIPES, derive

    return derive(RECIPES["challenge-2"], batch_size=batch)


def _ignore(_: int) -> None:
    pass


def seconds(work: Callable[[], object]) -> Cost:
    """How long it takes, and the processor time of all threads, which other programs on the machine hardly change."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return Cost(time.perf_counter() - wall, time.process_time() - processor)


SIDES: dict[str, Callable[[list[str], np.ndarray, int], Callable[[], Cost]]] = {
    "challenge_1": lambda paths, labels, batch: challenge_epoch(paths, labels, batch, whole_batches=False),
    "challenge_2": lambda paths, labels, batch: challenge_epoch(paths, labels, batch, whole_batches=True),
    "ours": lambda paths, labels, batch: our_epoch(pack(paths), labels, batch),
}


def work_on(name: str, photos: int, batch: int, asked: Connection) -> None:
    """One side: the cost of an epoch, each time it is asked for one."""
    epoch = SIDES[name](*voc_photos(photos), batch)
    while True:
        asked.recv()
        asked.send(epoch())


class Side:
    """A side in a process of its own, which ends with this one."""

    def __init__(self, name: str, photos: int, batch: int) -> None:
        start = multiprocessing.get_context("spawn")
        self.asked, theirs = start.Pipe()
        start.Process(target=work_on, args=(name, photos, batch, theirs), daemon=True).start()

    def epoch(self) -> Cost:
        """The next one, while the other sides wait."""
        self.asked.send(None)
        cost: Cost = self.asked.recv()
        return cost


def main() -> int:
    """Measure, print, write; 0 when the target is met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=640)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--repetitions", type=int, default=5)
    options = parser.parse_args()
    paths, _ = voc_photos(options.photos)
    started = time.perf_counter()
    pack(paths)
    packing = time.perf_counter() - started
    sides = {name: Side(name, options.photos, options.batch) for name in SIDES}
    first = {name: side.epoch() for name, side in sides.items()}
    rounds = [{name: side.epoch() for name, side in sides.items()} for _ in range(options.repetitions)]
    result = summary(rounds, first, packing, options, len(paths))
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))
    return 0 if result["ratio"]["challenge_2"]["median"] >= TARGET else 1


def summary(
    rounds: list[dict[str, Cost]], first: dict[str, Cost], packing: float, options: argparse.Namespace, photos: int
) -> dict:
    """Images/s of each side, and the ratios of ours to theirs within a round: median, least, most."""
    theirs = ("challenge_1", "challenge_2")
    rates = {name: spread([photos / each[name].wall for each in rounds]) for name in first}
    ratios = {name: spread([each[name].wall / each["ours"].wall for each in rounds]) for name in theirs}
    work = {name: spread([each[name].processor / photos * 1000 for each in rounds]) for name in first}
    work_ratios = {name: spread([each[name].processor / each["ours"].processor for each in rounds]) for name in theirs}
    return {
        "photos": photos,
        "batch": options.batch,
        "repetitions": options.repetitions,
        "cores": os.cpu_count(),
        "processor": platform.machine(),
        "images_per_second": rates,
        "ratio": {**ratios, "target": TARGET},
        "processor_ms_per_image": work,
        "processor_ratio": work_ratios,
        "load_average": os.getloadavg(),
        "seconds_to_pack_once": packing,
        "seconds_of_first_epoch": {name: cost.wall for name, cost in first.items()},
    }


def spread(values: list[float]) -> dict[str, float]:
    """Median, least and most."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


if __name__ == "__main__":
    sys.exit(main())
