"""Stage `image-model`: how sure the user's own classifier is of the positive class, for every image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.image_store import Reading
from tinysieve.dataset.images import Pixels
from tinysieve.filtering.evidence.embeddings import ARRAY, Backbone, embed_all, read_embeddings
from tinysieve.filtering.filters.image_model import ImageModel, positive_column, positive_margin
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.config.filters import ModelFileBackbone
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.quiet_imports import quiet_imports
from tinysieve.pipeline.engine.stages import Run, Stage
from tinysieve.pipeline.stages.detect import CHUNK
from tinysieve.pipeline.stages.embed import open_backbone
from tinysieve.pipeline.stages.ingest import samples_of, store_of
from tinysieve.pipeline.stages.libraries import DECODING

STAGE = "image-model"


class _Margin:
    """A backbone of one feature: the log-odds of the positive class."""

    dim = 1

    def __init__(self, classifier: Backbone, settings: ImageModel, column: int) -> None:
        self.name, self.side = classifier.name, classifier.side
        self.fingerprint = f"{classifier.fingerprint}:{column}"
        self._classifier, self._settings, self._column = classifier, settings, column

    def embed(self, images: Pixels) -> NDArray[np.float32]:
        outputs, settings = self._classifier.embed(images), self._settings
        return positive_margin(outputs, self._column, len(settings.classes), settings.outputs)[:, np.newaxis]


def margins_of(run: Run) -> NDArray[np.float32]:
    """float32 [N], log-odds as the model gives them."""
    return read_embeddings(run.at(STAGE) / ARRAY, len(samples_of(run)))[:, 0].astype(np.float32)


def _work(run: Run, folder: Path) -> str:
    samples, settings = samples_of(run), run.config.filter.of(ImageModel)
    if settings.file is None or not settings.file.is_file():
        raise InputError(f"no model at {settings.file}", where="filter.image_model.file", fix="correct the path")
    with progress("image model") as report:
        with quiet_imports():
            # A classifier is a backbone whose features are its outputs.
            classifier = open_backbone(ModelFileBackbone(kind=settings.kind, file=settings.file, side=settings.side,
                                                    mean=settings.mean, std=settings.std,
                                                         trusted=settings.trusted), run.config.workers)
        model = _Margin(classifier, settings, positive_column(settings.classes, samples.classes))
        images = Reading(store_of(run.config), samples)
        embed_all(model, images.names, images.sample_ids, folder, CHUNK, report, images.decode, images.rows)
    return ""


def _settings(config: Config) -> object:
    settings = config.filter.of(ImageModel)
    return {"kind": settings.kind, "side": settings.side, "mean": settings.mean, "std": settings.std,
            "classes": settings.classes, "outputs": settings.outputs}


IMAGE_MODEL = Stage(STAGE, 1, ("ingest",), _settings, _work, lambda run: run.config.filter.of(ImageModel).fingerprints,
                    DECODING)
