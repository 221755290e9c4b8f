"""The photos that teach the starting weights: pixels, where persons are, and what EfficientNet-Lite0 sees in each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from voc_classes import features_of, read_photos

from tinysieve.dataset.images import decode, resize_bilinear
from tinysieve.filtering.evidence.backbones.lite0_backbone import Lite0Backbone, shrink
from tinysieve.filtering.evidence.presence_head import load_head

# Side of the kept photos: crops of them still hold as many pixels as the network takes.
SIDE = 176
COMPONENTS = 64


# Pixels of the network's input that one cell of its last map stands for, along a side.
STRIDE = 32


@dataclass(frozen=True, eq=False)
class Crop:
    """A part of a photo and what is to be learned from it.

    Args:
        pixels: uint8 [side, side, 3].
        p_person: P(a person is in it).
        covered: share of each cell of the network's last map that a person's box covers, float32 [cells, cells].
    """

    pixels: NDArray[np.uint8]
    p_person: float
    covered: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TaughtPhotos:
    """Photos to learn from and photos to choose by.

    Args:
        train: uint8 [N, SIDE, SIDE, 3].
        train_boxes: persons of each photo, float64 [n, 4], x1 y1 x2 y2 as fractions.
        train_p: P(person), the mean of label and teacher, float64 [N].
        train_taught: what the teacher sees, float32 [N, COMPONENTS].
        validation: uint8 [M, 144, 144, 3], as the network is used.
        validation_labels: bool [M].
    """

    train: NDArray[np.uint8]
    train_boxes: list[NDArray[np.float64]]
    train_p: NDArray[np.float64]
    train_taught: NDArray[np.float32]
    validation: NDArray[np.uint8]
    validation_labels: NDArray[np.bool_]

    def crop(self, row: int, side: int, smallest: float, rng: np.random.Generator) -> Crop:
        """A random part of a photo, mirrored or not.

        Args:
            row: of the photo.
            side: of the result in pixels.
            smallest: least share of the photo's area.
            rng: draws the part.
        """
        area, aspect = rng.uniform(smallest, 1.0), np.exp(rng.uniform(-0.3, 0.3))
        size = np.minimum(np.sqrt([area * aspect, area / aspect]), 1.0)
        start = rng.random(2) * (1 - size)
        (x1, y1), (x2, y2) = np.rint(start * SIDE).astype(int), np.rint((start + size) * SIDE).astype(int)
        pixels = cv2.resize(self.train[row, y1:y2, x1:x2], (side, side), interpolation=cv2.INTER_AREA)
        part = np.array([x1, y1, x2, y2]) / SIDE
        seen = largest_seen(self.train_boxes[row], part)
        covered = covered_cells(self.train_boxes[row], part, -(-side // STRIDE))
        turn = slice(None, None, -1 if rng.random() < 0.5 else 1)
        return Crop(pixels[:, turn], float(self.train_p[row] * seen), covered[:, turn])


def covered_cells(boxes: NDArray[np.float64], part: NDArray[np.float64], cells: int) -> NDArray[np.float32]:
    """The largest share of each cell of `part` that one box covers, float32 [cells, cells], rows first.

    >>> covered_cells(np.array([[0.0, 0.5, 0.5, 1.0]]), np.array([0.0, 0.0, 1.0, 1.0]), 2).tolist()
    [[0.0, 0.0], [1.0, 0.0]]
    """
    scaled = (boxes - np.tile(part[:2], 2)) / np.tile(part[2:] - part[:2], 2) * cells
    starts = np.arange(cells)
    x, y = (np.clip(np.minimum(scaled[:, 2 + axis, None], starts + 1) - np.maximum(scaled[:, axis, None], starts), 0, 1)
            for axis in (0, 1))
    return (y[:, :, None] * x[:, None, :]).max(0, initial=0).astype(np.float32)


def largest_seen(boxes: NDArray[np.float64], crop: NDArray[np.float64]) -> float:
    """The largest share of a box that the crop shows; 1 where there is no box.

    >>> largest_seen(np.array([[0.0, 0.0, 1.0, 1.0]]), np.array([0.5, 0.0, 1.0, 1.0]))
    0.5
    """
    if not len(boxes):
        return 1.0
    shown = np.clip(np.minimum(boxes[:, 2:], crop[2:]) - np.maximum(boxes[:, :2], crop[:2]), 0, None).prod(1)
    return float(np.max(shown / (boxes[:, 2:] - boxes[:, :2]).prod(1)))


def read_taught(voc: Path, coco: Path, work: Path) -> TaughtPhotos:
    """Decode both folders and ask the teacher; Lite0's features of VOC are kept under `work`."""
    backbone, photos, more = Lite0Backbone(), read_photos(voc), pd.read_csv(coco / "labels.csv")
    train, chosen_by = photos.in_split("train"), photos.in_split("val")
    paths = [path for path, is_in in zip(photos.paths, train, strict=True) if is_in]
    paths += [coco / "images" / name for name in more["filename"]]
    features = features_of(photos, backbone, work)[train]
    features = np.concatenate([features, embedded(paths[len(features):], backbone)])
    labels = np.concatenate([photos.table["person"][train], more["person"]])
    boxes = [np.array(json.loads(cell), np.float64).reshape(-1, 5)[:, :4] for cell in photos.table["person_boxes"][train]]
    boxes += [np.array([box[:4] for box in json.loads(cell)], np.float64).reshape(-1, 4) for cell in more["person_boxes"]]
    p = (labels + load_head("person").probabilities(features)) / 2
    return TaughtPhotos(
        np.stack([cv2.resize(decode(path), (SIDE, SIDE), interpolation=cv2.INTER_AREA) for path in paths]),
        boxes, p, principal_components(features),
        np.stack([resize_bilinear(decode(path)) for path, is_in in zip(photos.paths, chosen_by, strict=True) if is_in]),
        photos.table["person"][chosen_by].to_numpy().astype(bool),
    )  # fmt: skip


def embedded(paths: list[Path], backbone: Lite0Backbone) -> NDArray[np.float32]:
    """Lite0's features of files, in batches of 64."""
    parts = [paths[start : start + 64] for start in range(0, len(paths), 64)]
    return np.concatenate([backbone.embed(np.stack([shrink(decode(path)) for path in part])) for part in parts])


def principal_components(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """The first COMPONENTS of them, each with unit variance, float32 [N, COMPONENTS]."""
    centred = features - features.mean(0)
    values, vectors = np.linalg.eigh(centred.T @ centred / len(centred))
    return (centred @ vectors[:, ::-1][:, :COMPONENTS] / np.sqrt(values[::-1][:COMPONENTS])).astype(np.float32)
