"""Stage `image-model`: how sure the user's own classifier is of the positive class, for every image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.classes import ClassNames
from tinysieve.dataset.images import Pixels
from tinysieve.filtering.evidence.embedding_parts import EmbeddingParts, gather
from tinysieve.filtering.evidence.embeddings import ARRAY, Backbone, read_embeddings
from tinysieve.filtering.filters.image_model import ImageModel, positive_column, positive_margin
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.config.filters import ModelFileBackbone
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.engine.quiet_imports import quiet_imports
from tinysieve.pipeline.engine.stages import Run, Stage
from tinysieve.pipeline.stages.embed import open_backbone
from tinysieve.pipeline.stages.image_parts import make_parts, parts_folder, remove_parts
from tinysieve.pipeline.stages.ingest import samples_of
from tinysieve.pipeline.stages.libraries import DECODING

STAGE, VERSION = "image-model", 2


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


@dataclass(frozen=True)
class MarginOpener:
    """Opens the user's classifier in whichever process it is to work: a backbone whose features are its outputs."""

    settings: ImageModel
    backbone: ModelFileBackbone
    classes: ClassNames

    def __call__(self, threads: int) -> Backbone:
        """With so many threads."""
        with quiet_imports():
            classifier = open_backbone(self.backbone, threads)
        return _Margin(classifier, self.settings, positive_column(self.settings.classes, self.classes))


def margins_of(run: Run) -> NDArray[np.float32]:
    """float32 [N], log-odds as the model gives them."""
    return read_embeddings(run.at(STAGE) / ARRAY, len(samples_of(run)))[:, 0].astype(np.float32)


def _image_parts(run: Run) -> EmbeddingParts:
    settings = run.config.filter.of(ImageModel)
    if settings.file is None or not settings.file.is_file():
        raise InputError(f"no model at {settings.file}", where="filter.image_model.file", fix="correct the path")
    backbone = ModelFileBackbone(kind=settings.kind, file=settings.file, side=settings.side, mean=settings.mean,
                                 std=settings.std, trusted=settings.trusted)
    outside = {**settings.fingerprints, "classes": "\0".join(run.config.task.classes.in_code_order)}
    folder = parts_folder(run, STAGE, VERSION, _settings(run.config), outside)
    return EmbeddingParts(folder, MarginOpener(settings, backbone, run.config.task.classes))


def _work(run: Run, folder: Path) -> str:
    samples, parts = samples_of(run), _image_parts(run)
    gather(parts, make_parts(run, parts, "image model"), samples, folder / ARRAY)
    read_embeddings(folder / ARRAY, len(samples))
    remove_parts(parts)
    return ""


def _settings(config: Config) -> object:
    settings = config.filter.of(ImageModel)
    return {"kind": settings.kind, "side": settings.side, "mean": settings.mean, "std": settings.std,
            "classes": settings.classes, "outputs": settings.outputs}


IMAGE_MODEL = Stage(STAGE, VERSION, ("ingest",), _settings, _work, lambda run: run.config.filter.of(ImageModel).fingerprints,
                    DECODING, image_parts=_image_parts)
