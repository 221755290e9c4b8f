"""Stage `embed`: from the configured backbone to features on disk: the default network, a user's own model, or an array."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

from tinysieve.filtering.evidence.backbones.model_backbone import Preparation
from tinysieve.filtering.evidence.embedding_parts import EmbeddingParts, gather
from tinysieve.filtering.evidence.embeddings import ARRAY, Backbone, HalfArray, read_embeddings
from tinysieve.filtering.evidence.trusted_files import require_backbone_free_of_code
from tinysieve.ground.atomic_files import replacing
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.config.filters import ArrayBackbone, DefaultBackbone, ModelFileBackbone
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.engine.artifacts import Artifact
from tinysieve.pipeline.engine.quiet_imports import quiet_imports
from tinysieve.pipeline.engine.stage_keys import library_versions
from tinysieve.pipeline.engine.stages import Run, Stage
from tinysieve.pipeline.stages.image_parts import make_parts, parts_folder, remove_parts
from tinysieve.pipeline.stages.ingest import samples_of
from tinysieve.pipeline.stages.libraries import BACKBONES, DECODING

VERSION = 2
COPIED_ROWS = 65_536
EMBEDDINGS = Artifact("embed", ARRAY, lambda path: np.load(path, mmap_mode="r", allow_pickle=False))


def features_of(run: Run) -> HalfArray:
    """Features of every image, float [N, D], a read-only memory map."""
    return read_embeddings(EMBEDDINGS.path(run), len(samples_of(run)))


@dataclass(frozen=True)
class BackboneOpener:
    """Opens the configured backbone in whichever process it is to work."""

    settings: DefaultBackbone | ModelFileBackbone

    def __call__(self, threads: int) -> Backbone:
        """With so many threads."""
        with quiet_imports():
            return open_backbone(self.settings, threads)


def _image_parts(run: Run) -> EmbeddingParts | None:
    settings = run.config.filter.backbone
    return None if isinstance(settings, ArrayBackbone) else _parts_of(run, settings)


def _parts_of(run: Run, settings: DefaultBackbone | ModelFileBackbone) -> EmbeddingParts:
    folder = parts_folder(run, "embed", VERSION, _settings(run.config), _fingerprints(run))
    return EmbeddingParts(folder, BackboneOpener(settings))


def _work(run: Run, folder: Path) -> str:
    samples, settings, target = samples_of(run), run.config.filter.backbone, folder / ARRAY
    if isinstance(settings, ArrayBackbone):
        _copy(settings.file, len(samples), folder)
        return ""
    parts = _parts_of(run, settings)
    gather(parts, make_parts(run, parts, "embed"), samples, target)
    read_embeddings(target, len(samples))
    remove_parts(parts)
    return ""


def _settings(config: Config) -> object:
    settings = config.filter.backbone
    is_default = isinstance(settings, DefaultBackbone)
    return {"backbone": settings.kind if is_default else settings.model_dump(mode="json", exclude={"trusted"})}


def _fingerprints(run: Run) -> dict[str, str]:
    """Hash of the user's file; "missing" where it is not there, so that the stage says so; nothing for the default."""
    settings = run.config.filter.backbone
    if isinstance(settings, DefaultBackbone):
        return {}
    if not settings.file.is_file():
        return {"backbone": "missing"}
    digest = hashlib.blake2b(digest_size=8)
    with settings.file.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return {"backbone": digest.hexdigest(), **library_versions(BACKBONES.get(settings.kind, ()))}


def open_backbone(settings: DefaultBackbone | ModelFileBackbone, workers: int) -> Backbone:
    """The network that the settings name, by the adapter of its format.

    Raises:
        InputError: no such file, or not what its adapter reads.
    """
    if isinstance(settings, DefaultBackbone):
        from tinysieve.filtering.evidence.backbones.lite0_backbone import Lite0Backbone

        return Lite0Backbone(workers=workers)
    if not settings.file.is_file():
        raise InputError(f"no backbone at {settings.file}", where="filter.backbone.file", fix="correct the path")
    require_backbone_free_of_code(settings.file, settings.kind, settings.trusted)
    preparation = Preparation(settings.mean, settings.std)
    match settings.kind:
        case "tflite":
            from tinysieve.filtering.evidence.backbones.tflite_backbone import open_tflite

            return open_tflite(settings.file, preparation, settings.side)
        case "onnx":
            from tinysieve.filtering.evidence.backbones.onnx_backbone import open_onnx

            return open_onnx(settings.file, preparation, settings.side)
        case "torch":
            from tinysieve.filtering.evidence.backbones.torch_backbone import open_torch

            return open_torch(settings.file, preparation, settings.side)
        case "keras":
            from tinysieve.filtering.evidence.backbones.keras_backbone import open_keras

            return open_keras(settings.file, preparation, settings.side, settings.trusted)


def _copy(source: Path, count: int, folder: Path) -> None:
    """A user's array as the float16 array that later stages open; checked on the way in and out (float16 ends at 65,504)."""
    given = read_embeddings(source, count)
    with replacing(folder / ARRAY) as temporary:
        rows = open_memmap(temporary, "w+", np.float16, given.shape)
        for start in range(0, count, COPIED_ROWS):
            with np.errstate(over="ignore"):
                rows[start : start + COPIED_ROWS] = given[start : start + COPIED_ROWS]
        rows.flush()
        del rows
    read_embeddings(folder / ARRAY, count)


EMBED = Stage("embed", VERSION, ("ingest",), _settings, _work, _fingerprints, DECODING, image_parts=_image_parts)
