"""Stage `detect`: the boxes that the configured detector sees in every image, or those of a file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import typer
from filelock import FileLock

from tinysieve.dataset.samples import Mask, SampleTable
from tinysieve.filtering.evidence.box_classes import stated_names
from tinysieve.filtering.evidence.box_file import ImageSizes, read_box_file
from tinysieve.filtering.evidence.box_files.listed_boxes import Stated
from tinysieve.filtering.evidence.boxes import Boxes, align, read_boxes, write_boxes
from tinysieve.filtering.evidence.detectors.box_parts import BoxParts, failures_csv, together
from tinysieve.filtering.evidence.detectors.detector import Detector
from tinysieve.ground.atomic_files import write_text
from tinysieve.pipeline.config.detectors import BoxFile, ClassNumbers, PresenceHeadDetector, UltralyticsDetector
from tinysieve.pipeline.config.sections import Config, Task
from tinysieve.pipeline.engine.artifacts import Artifact
from tinysieve.pipeline.engine.quiet_imports import quiet_imports
from tinysieve.pipeline.engine.stage_keys import library_versions
from tinysieve.pipeline.engine.stages import Run, Stage
from tinysieve.pipeline.stages.image_parts import make_parts, parts_folder, remove_parts
from tinysieve.pipeline.stages.ingest import samples_of
from tinysieve.pipeline.stages.libraries import DECODING, DETECTORS

VERSION = 2
DETECTIONS = Artifact("detect", "detections.parquet", read_boxes)


def boxes_of(run: Run, samples: SampleTable) -> tuple[Mask, Boxes]:
    """bool [N], examined at all; and the boxes of the samples, in their order."""
    return align(DETECTIONS.of(run), samples.sample_ids)


@dataclass(frozen=True)
class DetectorOpener:
    """Opens the configured detector in whichever process it is to work.

    Args:
        settings: of the detector.
        classes: that are looked for.
        head_class: the same for a shipped head.
        engines: folder for exports of the weights.
    """

    settings: UltralyticsDetector | PresenceHeadDetector
    classes: tuple[str, ...]
    head_class: str
    engines: Path

    def __call__(self, threads: int) -> Detector:
        """With so many threads."""
        with quiet_imports():
            if isinstance(self.settings, PresenceHeadDetector):
                return self._presence_head(self.settings, threads)
            # Several workers of a machine must not export the weights at once.
            self.engines.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self.engines.with_name(f".{self.engines.name}.lock")):
                return self._ultralytics(self.settings)

    def _presence_head(self, settings: PresenceHeadDetector, threads: int) -> Detector:
        from tinysieve.filtering.evidence.detectors.closer_look import CloserLook
        from tinysieve.filtering.evidence.presence_head import PresenceDetector

        if not settings.look_again_below:
            return PresenceDetector(settings.min_confidence, threads, self.head_class)
        return CloserLook(PresenceDetector(0.0, threads, self.head_class), settings.look_again_below, settings.min_confidence)

    def _ultralytics(self, settings: UltralyticsDetector) -> Detector:
        from tinysieve.filtering.evidence.detectors.open_detector import open_detector
        from tinysieve.filtering.evidence.detectors.second_look import SecondLook
        from tinysieve.filtering.evidence.detectors.weights import DetectorSettings

        wanted = DetectorSettings(settings.weights, settings.min_confidence, classes=self.classes,
                                  names=tuple(sorted(_names(settings.names).items())), other_classes=settings.other_classes,
                                  allow_download=settings.allow_download, trusted=settings.trusted)
        detector = open_detector(wanted, self.engines)
        return SecondLook(detector, settings.look_again_below) if settings.look_again_below else detector


def _image_parts(run: Run) -> BoxParts | None:
    return None if isinstance(run.config.filter.detector, BoxFile) else _parts_of(run)


def detector_opener(config: Config) -> DetectorOpener:
    """Of the configured detector, which is no file of boxes."""
    settings, task = config.filter.detector, config.task
    assert not isinstance(settings, BoxFile)
    return DetectorOpener(settings, task.detector_classes, task.head_class, config.run / "engines")


def _parts_of(run: Run) -> BoxParts:
    folder = parts_folder(run, "detect", VERSION, _settings(run.config), _fingerprints(run))
    return BoxParts(folder, detector_opener(run.config))


def _work(run: Run, folder: Path) -> str:
    samples, settings, target = samples_of(run), run.config.filter.detector, folder / DETECTIONS.file
    if isinstance(settings, BoxFile):
        write_boxes(_boxes_from_file(settings, run.config.task.detector_classes, samples), target)
        return ""
    parts = _parts_of(run)
    # It is written last: where it is there, a kill came after it.
    if not target.exists():
        made = together(parts, make_parts(run, parts, "detect"), samples)
        write_text(folder / "not_examined.csv", failures_csv(made.not_examined))
        write_boxes(made.boxes, target)
    remove_parts(parts)
    return ""


def _fingerprints(run: Run) -> dict[str, str]:
    """The classes looked for, and the hash of the weights or of the boxes; "missing" where they are not there."""
    task = run.config.task
    return {"classes": ", ".join(task.detector_classes), **_evidence_file(run.config.filter.detector, task)}


def _evidence_file(settings: UltralyticsDetector | PresenceHeadDetector | BoxFile, task: Task) -> dict[str, str]:
    match settings:
        case UltralyticsDetector(weights=weights):
            from tinysieve.filtering.evidence.detectors.weights import weights_hash

            return {"weights": weights_hash(weights) if weights.exists() else "missing", **library_versions(DETECTORS)}
        case BoxFile(file=file):
            return {"boxes": _digest_of(file)}
        case PresenceHeadDetector():
            from tinysieve.filtering.evidence.presence_head import head_fingerprint

            return {"head": head_fingerprint(task.head_class)}


def _digest_of(boxes: Path) -> str:
    """Hash of a file, or of every text in a folder of YOLO's labels."""
    digest = hashlib.blake2b(digest_size=8)
    files = [boxes] if boxes.is_file() else sorted(file for file in boxes.rglob("*") if file.suffix in (".txt", ".yaml", ".yml"))
    for file in files:
        digest.update(f"{file.name}\0{file.stat().st_size}\0".encode() if boxes.is_dir() else b"")
        digest.update(file.read_bytes())
    return digest.hexdigest() if files else "missing"


def _names(stated: ClassNumbers | None) -> dict[int, str]:
    return {} if stated is None else stated_names(stated)


def _boxes_from_file(settings: BoxFile, wanted: tuple[str, ...], samples: SampleTable) -> Boxes:
    sizes = ImageSizes(samples.sample_ids, samples.table["filepath"], samples.numbers("width"), samples.numbers("height"))
    stated = Stated(wanted, "normalised" if settings.normalized else "pixels", _names(settings.names), settings.class_of_all,
                    settings.confidence, settings.layout, settings.complete)
    imported = read_box_file(settings.file, sizes, stated)
    for note in imported.notes:
        typer.echo(f"{settings.file}: {note}", err=True)
    if imported.unknown_count:
        typer.echo(f"{settings.file}: {imported.unknown_count:,} images are not in the data set, such as "
                   f"{', '.join(imported.unknown[:3])}", err=True)
    if imported.clipped_count:
        typer.echo(f"{settings.file}: {imported.clipped_count:,} boxes stuck out of their image by a little and were cut at its "
                   "border", err=True)
    return imported.boxes


def _settings(config: Config) -> object:
    """Without where weights or boxes lie: what they give hangs on their bytes, which are in the fingerprints."""
    # A setting that is off leaves the key as it was before there was one: boxes that took hours stay.
    off = set() if getattr(config.filter.detector, "other_classes", False) else {"other_classes"}
    return config.filter.detector.model_dump(mode="json", exclude={"weights", "file", "trusted"} | off)


DETECT = Stage("detect", VERSION, ("ingest",), _settings, _work, _fingerprints, DECODING, image_parts=_image_parts)
