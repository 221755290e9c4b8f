"""Features from a user's own network: what all formats share. Each format has an adapter module that gives a `Runner`.

Every image is a call of its own, so its features do not depend on which images happen to share a batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.images import Pixels
from tinysieve.ground.errors import InputError

FloatArray = NDArray[np.float32]
# One prepared image float32 [1, side, side, 3] -> features [1, D] or a map [1, h, w, D].
Runner = Callable[[FloatArray], NDArray[Any]]


@dataclass(frozen=True)
class Preparation:
    """What the network was trained on: (pixel - mean) / std, with pixels 0..255 in RGB order.

    Args:
        mean, std: one number, or one a channel; std is positive.
    """

    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        if len(self.mean) not in (1, 3) or len(self.std) not in (1, 3) or min(self.std) <= 0:
            raise InputError(f"backbone mean {self.mean} and std {self.std}", fix="one or three numbers each, std above 0")

    def apply(self, image: Pixels) -> FloatArray:
        """uint8 [side, side, 3] -> float32 [1, side, side, 3]."""
        mean, std = np.asarray(self.mean, np.float32), np.asarray(self.std, np.float32)
        return np.asarray((image - mean) / std, np.float32)[np.newaxis]


class ModelBackbone:
    """A `Backbone` around a runner.

    Args:
        path: the model's file, whose bytes are part of the fingerprint.
        run: the adapter's runner.
        side: pixels of the square that the model takes.
        preparation: of the pixels.

    Raises:
        InputError: the model gives no features for an image, or numbers that are not finite.
    """

    def __init__(self, path: Path, run: Runner, side: int, preparation: Preparation) -> None:
        self.name, self.side = path.name, side
        self._run, self._preparation = run, preparation
        digest = hashlib.sha256(path.read_bytes())
        digest.update(repr((side, preparation)).encode())
        self.fingerprint = digest.hexdigest()[:16]
        first = self._features(np.zeros((side, side, 3), np.uint8))
        if first.ndim != 1 or not len(first) or not np.isfinite(first).all():
            raise InputError(f"the model gives {list(first.shape)} for an image, expected features [D]", where=str(path),
                             fix="cut the model after its last pooling or feature layer")
        self.dim = len(first)

    def embed(self, images: Pixels) -> FloatArray:
        """Features float32 [n, dim] of images uint8 [n, side, side, 3]."""
        features = np.empty((len(images), self.dim), np.float32)
        for row, image in enumerate(images):
            features[row] = self._features(image)
        return features

    def _features(self, image: Pixels) -> FloatArray:
        made = np.asarray(self._run(self._preparation.apply(image)), np.float32)[0]
        return made.mean(axis=(0, 1)) if made.ndim == 3 else made


def image_side(shape: Sequence[object], asked: int | None, path: Path) -> tuple[int, bool]:
    """Side in pixels, and whether channels come first, from a model's input shape [1, ...].

    Args:
        shape: four entries; what is not a whole number above 0 is free.
        asked: side from the settings, for models that leave it free.
        path: for errors.

    Raises:
        InputError: no image goes in, the side is free and not asked for, or another one is asked for.

    >>> image_side([1, 3, 96, 96], None, Path("m.onnx"))
    (96, True)
    """
    known = [entry if isinstance(entry, int) and entry > 0 else None for entry in shape]
    if len(known) != 4 or (known[3] != 3 and known[1] != 3):
        raise InputError(f"the model's input is {list(shape)}, expected [1, side, side, 3] or [1, 3, side, side]",
                         where=str(path), fix="give a model that takes one RGB image")
    channels_first = known[3] != 3
    high, wide = known[2:] if channels_first else known[1:3]
    side = high or asked
    if side is None or (high and wide and high != wide) or (asked and side != asked):
        raise InputError(f"the model's input is {list(shape)} and filter.backbone.side {asked}", where=str(path),
                         fix="set filter.backbone.side to the pixels of the square that the model takes")
    return side, channels_first
