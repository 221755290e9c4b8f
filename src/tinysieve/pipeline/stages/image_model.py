"""Stage `image-model`: what the user's own classifier answers to every image."""

from __future__ import annotations

from pathlib import Path

from tinysieve.filtering.evidence.embeddings import ARRAY, embed_all
from tinysieve.filtering.filters.image_model import ImageModel
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.config.filters import ModelFileBackbone
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.quiet_imports import quiet_imports
from tinysieve.pipeline.engine.stages import Run, Stage
from tinysieve.pipeline.stages.detect import CHUNK, image_paths
from tinysieve.pipeline.stages.embed import open_backbone
from tinysieve.pipeline.stages.ingest import samples_of

STAGE = "image-model"


def _work(run: Run, folder: Path) -> str:
    samples, settings = samples_of(run), run.config.filter.of(ImageModel)
    if settings.file is None or not settings.file.is_file():
        raise InputError(f"no model at {settings.file}", where="filter.image_model.file", fix="correct the path")
    with progress("image model") as report:
        with quiet_imports():
            # A classifier is a backbone whose features are its outputs.
            model = open_backbone(ModelFileBackbone(kind=settings.kind, file=settings.file, side=settings.side,
                                                    mean=settings.mean, std=settings.std), run.config.workers)
        embed_all(model, image_paths(run, samples), samples.sample_ids.to_pylist(), folder, CHUNK, report)
    return ""


def _settings(config: Config) -> object:
    settings = config.filter.of(ImageModel)
    return {"kind": settings.kind, "side": settings.side, "mean": settings.mean, "std": settings.std}


IMAGE_MODEL = Stage(STAGE, 1, ("ingest",), _settings, _work, lambda run: run.config.filter.of(ImageModel).fingerprints)
OUTPUTS = ARRAY
