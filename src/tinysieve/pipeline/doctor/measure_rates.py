"""Rates of a configuration on this machine, from a few of its images; writes nothing."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pyarrow as pa

from tinysieve.dataset.images import Pixels, UndecodableImage, decode, resize_bilinear
from tinysieve.dataset.stores.store import ImageStore
from tinysieve.filtering.evidence.backbones.lite0_backbone import shrink
from tinysieve.filtering.evidence.detectors.detector import BATCH, Detector
from tinysieve.filtering.evidence.embeddings import Backbone
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.config.detectors import BoxFile
from tinysieve.pipeline.config.filters import ArrayBackbone
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.doctor.estimate import Rates
from tinysieve.pipeline.stages.detect import detector_opener
from tinysieve.pipeline.stages.embed import BackboneOpener
from tinysieve.pipeline.stages.ingest import list_source, store_of

T = TypeVar("T")


@dataclass
class _Clock:
    """Seconds of one kind of work."""

    clock: Callable[[], float]
    seconds: float = 0.0

    def timed(self, work: Callable[[], T]) -> T:
        began = self.clock()
        made = work()
        self.seconds += self.clock() - began
        return made


def measure(config: Config, sample: int, with_detector: bool) -> tuple[int, Rates]:
    """Images that are listed, and the rates.

    Args:
        config: whose images, detector and backbone.
        sample: images to look at, spread over the data set, in the order in which they are read.
        with_detector: whether the detector is opened and measured.

    Raises:
        InputError: none of them can be decoded.
        MissingRequirement: the detector's weights or a package are missing.
    """
    store = store_of(config)
    names = list_source(config, store).table["filepath"].combine_chunks()
    order = store.reading_order(names)
    chosen = order[np.unique(np.linspace(0, len(order) - 1, sample).astype(int))] if len(order) else order
    images, reading, decoding = _decoded(store, names.take(pa.array(chosen)).to_pylist())
    if not images:
        raise InputError(f"none of {len(chosen)} images could be decoded", where=store.where, fix="see 'tinysieve check'")
    detect = _detecting(detector_opener(config)(1), images) if with_detector and not isinstance(
        config.filter.detector, BoxFile) else 0.0
    embed, features = (0.0, 0) if isinstance(config.filter.backbone, ArrayBackbone) else _embedding(
        BackboneOpener(config.filter.backbone)(1), images)
    read, decoded, seen, embedded = (round(1000 * seconds / len(images), 3) for seconds in (reading, decoding, detect, embed))
    return len(names), Rates(read, decoded, seen, embedded, features, len(images), _most_resident())


def _most_resident() -> int:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


def _decoded(store: ImageStore, names: list[str]) -> tuple[list[Pixels], float, float]:
    """Images that can be decoded, seconds of reading and of decoding."""
    images: list[Pixels] = []
    reading, decoding = _Clock(time.perf_counter), _Clock(time.process_time)
    for name in names:
        try:
            data = reading.timed(lambda name=name: store.read(name))  # type: ignore[misc]
            image = decoding.timed(lambda data=data: decode(data))  # type: ignore[misc]
        except (UndecodableImage, OSError):
            continue
        decoding.timed(lambda image=image: resize_bilinear(image))  # type: ignore[misc]
        images.append(image)
    return images, reading.seconds, decoding.seconds


def _detecting(detector: Detector, images: list[Pixels]) -> float:
    """Seconds of the cores; the first image is not counted, for which engines prepare themselves."""
    detector.detect(images[:1])
    clock = _Clock(time.process_time)
    for start in range(0, len(images), BATCH):
        clock.timed(lambda start=start: detector.detect(images[start : start + BATCH]))  # type: ignore[misc]
    return clock.seconds


def _embedding(backbone: Backbone, images: list[Pixels]) -> tuple[float, int]:
    """Seconds of the cores, and features an image."""
    backbone.embed(shrink(images[0], backbone.side)[np.newaxis])
    clock = _Clock(time.process_time)
    clock.timed(lambda: backbone.embed(np.stack([shrink(image, backbone.side) for image in images])))
    return clock.seconds, backbone.dim
