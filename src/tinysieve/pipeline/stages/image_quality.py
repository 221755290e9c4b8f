"""Stage `image-quality`: measures of the packed pixels, for the filter of poor images."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np

from tinysieve.dataset.ingest import open_pixels
from tinysieve.filtering.evidence.image_quality import ImageQuality, measure_quality
from tinysieve.pipeline.engine.artifacts import Artifact
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.stages import Run, Stage
from tinysieve.pipeline.stages.ingest import samples_of
from tinysieve.pipeline.stages.libraries import DECODING


def _read(path: Path) -> ImageQuality:
    with np.load(path, allow_pickle=False) as stored:
        return ImageQuality(**stored)


MEASURES = Artifact("image-quality", "measures.npz", _read)


def _work(run: Run, folder: Path) -> str:
    samples = samples_of(run)
    with progress("image quality") as report:
        quality = measure_quality(open_pixels(run.at("ingest")), samples.numbers("pixel_row"), samples.numbers("width"),
                                  samples.numbers("height"), run.config.workers, report)
    np.savez(folder / MEASURES.file, **asdict(quality))
    return ""


IMAGE_QUALITY = Stage("image-quality", 1, ("ingest",), lambda config: {}, _work, libraries=DECODING)
