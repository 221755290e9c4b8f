"""Cut installed photos into a small, noisy data set: real pixels, known truth, nothing downloaded.

Wrong labels, unlabelled images, duplicates and a truncated file are planted. The truth goes into a file of its own that no
filter reads. All crops of a photo share a split, so no photo is on both sides. Most persons are faces of a photo each
(`tinysieve.pipeline.demo.faces`), the others crops of the few photos with a person.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from tinysieve.dataset.images import Pixels, decode
from tinysieve.ground.csv_text import csv_lines
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.demo.faces import as_coarse, enlarged, installed_faces
from tinysieve.pipeline.demo.scenes import Box, Scene, installed_scenes

CROP_SIDE = 192
# Images of each class; "unlabeled" ones are cut from the photos of train.
COUNTS = {"train": 100, "validation": 20, "test": 30, "unlabeled": 15}
# Of these the persons that are a face, and the backgrounds that are made as coarse as one.
COARSE = {"train": 60, "validation": 12, "test": 22, "unlabeled": 6}
PLANTED_SHARE = 0.15
DUPLICATES = 3
HEAD_INSIDE = 0.9
HEAD_SHARE = 0.04
SMALLEST_CROP = 100
# Below this spread of grey values a crop shows nothing but sky.
SMALLEST_SPREAD = 8.0
TRIES = 20_000
IMAGES, LABELS, TRUTH = "images", "labels.csv", "truth.csv"


@dataclass(frozen=True)
class DemoImage:
    """One file of the demo and what is true of it."""

    filename: str
    split: str
    person: int
    given: int | None
    note: str
    data: bytes


def build_demo(folder: Path, seed: int, counts: Mapping[str, int] = COUNTS) -> list[DemoImage]:
    """Write the demo's images, `labels.csv` and `truth.csv`; the same seed and packages give the same bytes.

    Args:
        folder: receives `images/`, `labels.csv` (filename, person, split: what the job sees; unlabelled images are in no
            row) and `truth.csv` (filename, person, split, note: what is true; never an input of the job).
        seed: of crops and planted errors.
        counts: images of each class, by split; at least 10 of train.

    Returns:
        every file, in the order of its name; `note` is "", wrong label, unlabeled, duplicate of ..., or truncated.

    Raises:
        MissingRequirement: the demo extra is not installed.
    """
    rng = np.random.default_rng(seed)
    made = _plant(_cut(rng, counts), rng)
    images = folder / IMAGES
    if images.is_dir() and any(images.iterdir()) and not (folder / TRUTH).is_file():
        raise InputError("a folder of images that the demo did not make", where=str(images),
                         why="the demo keeps there only what it makes", fix="name another folder for the demo")
    images.mkdir(parents=True, exist_ok=True)
    for stale in {path.name for path in images.iterdir()} - {image.filename for image in made}:
        (images / stale).unlink()
    for image in made:
        (images / image.filename).write_bytes(image.data)
    _write_csv(folder / LABELS, ("filename", "person", "split"),
               ((image.filename, image.given, image.split) for image in made if image.given is not None))  # fmt: skip
    _write_csv(folder / TRUTH, ("filename", "person", "split", "note"),
               ((image.filename, image.person, image.split, image.note) for image in made))  # fmt: skip
    return made


def label_of(scene: Scene, crop: Box) -> int | None:
    """1 where the crop shows a head, large enough and nearly whole; 0 where it touches no person; None between.

    >>> face = Scene("", "", "train", heads=((0.4, 0.4, 0.6, 0.6),), occupied=((0.3, 0.4, 0.7, 1.0),))
    >>> label_of(face, (0.3, 0.3, 0.8, 0.8)), label_of(face, (0.0, 0.0, 0.3, 0.4)), label_of(face, (0.3, 0.7, 0.7, 1.0))
    (1, 0, None)
    """
    for head in scene.heads:
        if _area(_common(head, crop)) >= HEAD_INSIDE * _area(head) and _area(head) >= HEAD_SHARE * _area(crop):
            return 1
    return None if any(_area(_common(part, crop)) > 0 for part in scene.occupied) else 0


def _cut(rng: np.random.Generator, counts: Mapping[str, int]) -> list[tuple[str, int, bytes]]:
    """Split, class and JPEG of every crop, before anything is planted."""
    photos = [(scene, decode(path)) for scene, path in installed_scenes()]
    faces = iter(rng.permutation(installed_faces()))
    made: list[tuple[str, int, bytes]] = []
    for split, count in counts.items():
        source = "train" if split == "unlabeled" else split
        coarse = min(COARSE[split], count)
        for label in (0, 1):
            turns = cycle((scene, photo) for scene, photo in photos if scene.split == source and _can_give(scene, label))
            crops = [_crop(*next(turns), label, rng) for _ in range(count - coarse if label else count)]
            if label:
                pictures = [enlarged(next(faces), CROP_SIDE) for _ in range(coarse)] + crops
            else:
                pictures = [as_coarse(crop) for crop in crops[:coarse]] + crops[coarse:]
            made += [(split, label, _jpeg(picture)) for picture in pictures]
    return made


def _can_give(scene: Scene, label: int) -> bool:
    return bool(scene.heads) if label else not any(_area(part) == 1 for part in scene.occupied)


def _crop(scene: Scene, photo: Pixels, label: int, rng: np.random.Generator) -> Pixels:
    height, width = photo.shape[:2]
    for _ in range(TRIES):
        side = int(rng.uniform(max(SMALLEST_CROP, 0.2 * min(height, width)), 0.95 * min(height, width)))
        x, y = int(rng.integers(width - side + 1)), int(rng.integers(height - side + 1))
        box = (x / width, y / height, (x + side) / width, (y + side) / height)
        crop = photo[y : y + side, x : x + side]
        if label_of(scene, box) == label and crop.std() >= SMALLEST_SPREAD:
            method = cv2.INTER_AREA if side >= CROP_SIDE else cv2.INTER_LINEAR
            return np.asarray(cv2.resize(crop, (CROP_SIDE, CROP_SIDE), interpolation=method), np.uint8)
    raise AssertionError(f"{scene.path} gives no crop of class {label}")


def _jpeg(pixels: Pixels) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def _plant(crops: list[tuple[str, int, bytes]], rng: np.random.Generator) -> list[DemoImage]:
    """Wrong labels in train, duplicates, a truncated file; then names that say nothing."""
    rows = [(split, label, None if split == "unlabeled" else label, split if split == "unlabeled" else "", data)
            for split, label, data in crops]  # fmt: skip
    for label in (0, 1):
        train = [i for i, row in enumerate(rows) if row[:2] == ("train", label)]
        for i in rng.choice(train, round(PLANTED_SHARE * len(train)), replace=False):
            rows[i] = ("train", label, 1 - label, "wrong label", rows[i][4])
    clean = [i for i, row in enumerate(rows) if row[0] == "train" and not row[3]]
    test = [i for i, row in enumerate(rows) if row[0] == "test"]
    doubled = [*rng.choice(clean, DUPLICATES, replace=False), rng.choice(test)]
    order = rng.permutation(len(rows) + len(doubled) + 1)
    names = [f"photo_{number:04d}.jpg" for number in order]
    for i in doubled:
        _, label, _, _, data = rows[i]
        rows.append(("train", label, label, f"duplicate of {names[i]}", data))
    split, label, given, _, data = rows[clean[0]]
    rows.append((split, label, given, "truncated", data[: len(data) // 2]))
    made = [DemoImage(name, *row) for name, row in zip(names, rows, strict=True)]
    return sorted(made, key=lambda image: image.filename)


def _common(a: Box, b: Box) -> Box:
    return max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])


def _area(box: Box) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def _write_csv(path: Path, header: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    path.write_bytes(csv_lines([header, *rows]).encode("utf-8"))
