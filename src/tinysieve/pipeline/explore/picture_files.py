"""A file for every picture, since FiftyOne shows nothing else: the photo's own, or a small one of what lies in an archive."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from tinysieve.dataset.image_store import Reading
from tinysieve.dataset.images import Pixels
from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.stores.store import ImageStore
from tinysieve.ground.atomic_files import replacing
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.stages import Run
from tinysieve.pipeline.stages.ingest import samples_of, store_of

FOLDER, PICTURES = "explore", "pictures"
"""Where what is made for the App is kept, and in there the pictures."""

SIDE = 640
"""Longer side of a small picture, in pixels."""


def picture_files(run: Run) -> list[str]:
    """The path of each sample's picture; small ones that are not there yet are made."""
    samples, store = samples_of(run), store_of(run.config)
    own = [store.local_path(name) for name in samples.table["filepath"].to_pylist()]
    if None not in own:
        return [str(path.absolute()) for path in own if path is not None]
    folder = run.at(FOLDER) / PICTURES
    folder.mkdir(parents=True, exist_ok=True)
    _make_small(store, samples, folder)
    return [str((folder / f"{sample_id}.jpg").absolute()) for sample_id in samples.sample_ids.to_pylist()]


def _make_small(store: ImageStore, samples: SampleTable, folder: Path) -> None:
    images = Reading(store, samples)
    with progress("pictures") as report:
        for done, (name, sample_id) in enumerate(zip(images.names, images.sample_ids, strict=True), start=1):
            target = folder / f"{sample_id}.jpg"
            if not target.exists():
                with replacing(target) as temporary:
                    temporary.write_bytes(_jpeg(images.decode(name, sample_id)))
            report(done, len(samples))


def _jpeg(pixels: Pixels) -> bytes:
    height, width = pixels.shape[:2]
    scale = min(SIDE / max(height, width), 1)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
    return np.asarray(data).tobytes()
