"""The shipped presence heads: P(person), P(cat) and so on, and a coarse box, from Lite0 features without any download.

A linear head on globally averaged features is also a class activation map (Zhou et al. 2016): the logit of an image is the
mean over the map's cells of `w . cell + b`, so each cell says how much it speaks for the class.
`benchmarks/train_presence_head.py` made one for each of VOC's twenty classes; `models/README.md` says how good they are.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import cv2
import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.images import Pixels
from tinysieve.filtering.evidence.backbones.lite0_backbone import Lite0Backbone, shrink
from tinysieve.filtering.evidence.box_classes import BoxClasses
from tinysieve.ground.errors import InputError, MissingRequirement

FloatArray = NDArray[np.float32]

HEADS = "presence_heads"
# The share of the strongest cell that a cell must reach: of 0.2 .. 0.7 the one with the best overlap with VOC train's persons.
MAP_FRACTION = 0.3
# Upsampling before the cut: eight steps a cell make the box's edge finer than a cell.
STEPS = 8
MAPS_AT_ONCE = 64
# Of the one class that a head knows.
CLASS_NUMBER = 0


@dataclass(frozen=True, eq=False)
class PresenceHead:
    """A logistic head.

    Attributes:
        weights: float32 [D].
        bias: the logit of all-zero features.
        backbone: fingerprint of the backbone whose features it was fitted to.
    """

    weights: FloatArray
    bias: float
    backbone: str

    def probabilities(self, features: NDArray[np.floating]) -> FloatArray:
        """P(positive class) of features float [n, D]: float32 [n] in [0, 1].

        Raises:
            InputError: the features have another width.
        """
        if features.ndim != 2 or features.shape[1] != len(self.weights):
            raise InputError(
                f"features are {list(features.shape)}, the presence head takes [n, {len(self.weights)}]",
                why="it was fitted to one backbone's features", fix="embed with that backbone, or switch the head off",
            )  # fmt: skip
        # In blocks, so that a float16 memory map is never converted as a whole.
        blocks = range(0, len(features), 65_536)
        parts = [np.asarray(features[start : start + 65_536], np.float32) @ self.weights for start in blocks]
        return _sigmoid(np.concatenate([np.empty(0, np.float32), *parts]) + np.float32(self.bias))

    def activation_maps(self, maps: FloatArray) -> FloatArray:
        """Each cell's share of the logit: float32 [n, h, w] from feature maps [n, h, w, D]; its mean is the logit."""
        return np.asarray(maps @ self.weights + np.float32(self.bias), np.float32)

    def to_bytes(self) -> bytes:
        """The head as a file, weights in half precision; the same head gives the same bytes."""
        stream = io.BytesIO()
        np.savez(stream, weights=self.weights.astype(np.float16), bias=np.float32(self.bias), backbone=self.backbone)
        return stream.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> PresenceHead:
        """The inverse of `to_bytes`, up to half precision."""
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            return cls(stored["weights"].astype(np.float32), float(stored["bias"]), str(stored["backbone"]))


class PresenceDetector:
    """A detector for machines without YOLO: at most one coarse box an image.

    Args:
        min_confidence: no box below this P(positive class).
        workers: images in flight; all cores when not given.
        positive: which class it looks for, by VOC's name.

    Raises:
        MissingRequirement: the backbone's weights, or the heads, are not installed.
        InputError: no head for this class ships, or it was fitted to another backbone.
    """

    name = "presence-head"
    def __init__(self, min_confidence: float = 0.05, workers: int | None = None, positive: str = "person") -> None:
        self._head, self._backbone, self._floor = load_head(positive), Lite0Backbone(workers=workers), min_confidence
        if self._head.backbone != self._backbone.fingerprint:
            raise InputError(
                f"the presence head belongs to backbone {self._head.backbone}, installed is {self._backbone.fingerprint}",
                why="its weights mean nothing on other features", fix="run benchmarks/train_presence_head.py again",
            )  # fmt: skip
        self.classes = BoxClasses(((CLASS_NUMBER, positive),), (positive,))
        self.fingerprint = f"{head_fingerprint(positive)}-{min_confidence:g}"

    def detect(self, images: Sequence[Pixels]) -> list[FloatArray]:
        """One float32 [0 or 1, 6] an image: x1, y1, x2, y2 (pixels), P(positive class), class 0 whichever it is."""
        boxes: list[FloatArray] = []
        for start in range(0, len(images), MAPS_AT_ONCE):
            some = images[start : start + MAPS_AT_ONCE]
            maps = self._backbone.feature_maps(np.stack([shrink(image) for image in some]))
            activations = self._head.activation_maps(maps)
            boxes += [box_row(activation, image.shape[1], image.shape[0], self._floor)
                      for image, activation in zip(some, activations, strict=True)]
        return boxes


def box_row(activation: FloatArray, width: int, height: int, min_confidence: float) -> FloatArray:
    """The box of one image of `width` x `height` pixels from its map float32 [h, w]: a detector's row, float32 [0 or 1, 6]."""
    confidence = float(_sigmoid(activation.mean()))
    if confidence < min_confidence:
        return np.empty((0, 6), np.float32)
    box = coarse_box(activation) * np.array([width, height, width, height], np.float32)
    return np.array([[*box, confidence, CLASS_NUMBER]], np.float32)


def coarse_box(activation: FloatArray, fraction: float = MAP_FRACTION) -> FloatArray:
    """Bounding box of the largest connected area that reaches `fraction` of the strongest activation.

    Args:
        activation: float32 [h, w]; 0 speaks neither for nor against the class.
        fraction: in 0..1; larger makes smaller boxes.

    Returns:
        float32 [4]: x1, y1, x2, y2 as shares of width and height, 0..1.
    """
    height, width = activation.shape
    fine = cv2.resize(activation, (width * STEPS, height * STEPS), interpolation=cv2.INTER_LINEAR)
    top = float(fine.max())
    # Without a cell that speaks for the class, the least negative ones are all there is.
    base = 0.0 if top > 0 else float(fine.min())
    mask = (fine >= base + fraction * (top - base)).astype(np.uint8)
    _, _, areas, _ = cv2.connectedComponentsWithStats(mask)
    x, y, w, h = areas[1 + int(areas[1:, cv2.CC_STAT_AREA].argmax()), :4]
    box = np.array([x / width, y / height, (x + w) / width, (y + h) / height]) / STEPS
    return np.asarray(box, np.float32)


def head_names() -> tuple[str, ...]:
    """The classes that a head ships for, sorted.

    Raises:
        MissingRequirement: none is installed.
    """
    try:
        stored = [entry.name for entry in files("tinysieve.models").joinpath(HEADS).iterdir()]
    except (ModuleNotFoundError, FileNotFoundError, NotADirectoryError):
        stored = []
    names = sorted(name.removesuffix(".npz") for name in stored if name.endswith(".npz"))
    if not names:
        raise MissingRequirement(f"the shipped {HEADS} are not installed", why="they are the default detector",
                                 fix="install tinysieve again")
    return tuple(names)


def load_head(positive: str = "person") -> PresenceHead:
    """The head for one of the classes in `head_names()`.

    Raises:
        InputError: no head for this class ships.
        MissingRequirement: no head is installed.

    >>> load_head("cat").weights.shape
    (1280,)
    """
    return PresenceHead.from_bytes(_head_bytes(positive))


def head_fingerprint(positive: str = "person") -> str:
    """Changes whenever the head's boxes would; cheap, needs neither backbone nor its weights."""
    return hashlib.sha256(_head_bytes(positive) + f"{MAP_FRACTION}/{STEPS}".encode()).hexdigest()[:16]


def _head_bytes(positive: str) -> bytes:
    names = head_names()
    # Compared with what is there, so that no name can lead out of the folder.
    if positive not in names:
        raise InputError(
            f"no presence head ships for class '{positive}'", where="filter.detector or filter.presence_head",
            why=f"heads ship for: {', '.join(names)}",
            fix="use a detector that knows the class, filter.detector: {kind: ultralytics, weights: FILE} or {kind: boxes, file: "
                "FILE}, with filter.presence_head: false; or call the class by one of these names if it means the same",
        )  # fmt: skip
    return files("tinysieve.models").joinpath(HEADS, f"{positive}.npz").read_bytes()


def _sigmoid(logits: NDArray[np.floating] | np.floating) -> FloatArray:
    # tanh cannot overflow, exp can.
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * np.asarray(logits, np.float32)), np.float32)
