"""Stage `detect`: the boxes that the configured detector sees in every image, or those of a file."""

from __future__ import annotations

import hashlib
from pathlib import Path

import typer

from tinysieve.dataset.samples import Mask, SampleTable
from tinysieve.filtering.evidence.box_file import ImageSizes, read_box_file
from tinysieve.filtering.evidence.boxes import Boxes, align, read_boxes, write_boxes
from tinysieve.filtering.evidence.detectors.detector import Detector, detect_all, remove_parts
from tinysieve.pipeline.config.filters import BoxFile, PresenceHeadDetector, UltralyticsDetector
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.engine.artifacts import Artifact
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.quiet_imports import quiet_imports
from tinysieve.pipeline.engine.stages import Run, Stage
from tinysieve.pipeline.stages.ingest import samples_of

CHUNK = 256
DETECTIONS = Artifact("detect", "detections.parquet", read_boxes)


def boxes_of(run: Run, samples: SampleTable) -> tuple[Mask, Boxes]:
    """bool [N], examined at all; and the boxes of the samples, in their order."""
    return align(DETECTIONS.of(run), samples.sample_ids)


def _work(run: Run, folder: Path) -> str:
    samples, settings = samples_of(run), run.config.filter.detector
    if isinstance(settings, BoxFile):
        write_boxes(_boxes_from_file(settings, samples), folder / DETECTIONS.file)
        return ""
    with progress("detect") as report:
        with quiet_imports():
            detector = _open(settings, run)
        detect_all(detector, image_paths(run, samples), samples.sample_ids.to_pylist(), folder, CHUNK, report)
    remove_parts(folder)
    return ""


def image_paths(run: Run, samples: SampleTable) -> list[Path]:
    """Full path of every image, in sample order."""
    root = run.config.dataset.source.images
    return [root / name for name in samples.table["filepath"].to_pylist()]


def _fingerprints(run: Run) -> dict[str, str]:
    """Hash of the weights or of the file of boxes; "missing" where it is not there, so that the stage says so."""
    match run.config.filter.detector:
        case UltralyticsDetector(weights=weights):
            from tinysieve.filtering.evidence.detectors.weights import weights_hash

            return {"weights": weights_hash(weights) if weights.exists() else "missing"}
        case BoxFile(file=file):
            data = file.read_bytes() if file.exists() else b"missing"
            return {"boxes": hashlib.blake2b(data, digest_size=8).hexdigest()}
        case PresenceHeadDetector():
            from tinysieve.filtering.evidence.presence_head import head_fingerprint

            return {"head": head_fingerprint()}


def _boxes_from_file(settings: BoxFile, samples: SampleTable) -> Boxes:
    sizes = ImageSizes(samples.sample_ids, samples.table["filepath"], samples.numbers("width"), samples.numbers("height"))
    imported = read_box_file(settings.file, sizes, "normalised" if settings.normalized else "pixels")
    if imported.unknown_count:
        typer.echo(f"{settings.file}: {imported.unknown_count:,} images are not in the data set, such as "
                   f"{', '.join(imported.unknown[:3])}", err=True)
    if imported.clipped_count:
        typer.echo(f"{settings.file}: {imported.clipped_count:,} boxes stuck out of their image by a little and were cut at its "
                   "border", err=True)
    return imported.boxes


def _open(settings: UltralyticsDetector | PresenceHeadDetector, run: Run) -> Detector:
    if isinstance(settings, PresenceHeadDetector):
        from tinysieve.filtering.evidence.presence_head import PresenceDetector

        return PresenceDetector(min_confidence=settings.min_confidence, workers=run.config.workers)
    from tinysieve.filtering.evidence.detectors.open_detector import open_detector
    from tinysieve.filtering.evidence.detectors.second_look import SecondLook
    from tinysieve.filtering.evidence.detectors.weights import DetectorSettings

    wanted = DetectorSettings(settings.weights, settings.min_confidence, allow_download=settings.allow_download)
    detector = open_detector(wanted, run.folder / "engines")
    return SecondLook(detector, settings.look_again_below) if settings.look_again_below else detector


def _settings(config: Config) -> object:
    """Without where weights or boxes lie: what they give hangs on their bytes, which are in the fingerprints."""
    return config.filter.detector.model_dump(mode="json", exclude={"weights", "file"})


DETECT = Stage("detect", 1, ("ingest",), _settings, _work, _fingerprints)
