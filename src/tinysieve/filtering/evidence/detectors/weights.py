"""Which detector to run, as settings, and the file of weights: found, hashed, or asked for by name.

Never downloads: a file that is missing is an error that says where a person gets it, unless the
user's config asks for the download by name.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from pathlib import Path

from tinysieve.filtering.evidence.box_classes import BoxClasses
from tinysieve.ground.errors import InputError, MissingRequirement

ENGINES = ("auto", "openvino", "ultralytics")
RELEASES = "https://github.com/ultralytics/assets/releases"


@dataclass(frozen=True)
class DetectorSettings:
    """What decides the boxes; all of it is in the fingerprint but for `device`, `allow_download` and `trusted`.

    Attributes:
        weights: `.pt`, `.onnx`, `.tflite` or the folder of an OpenVINO export.
        confidence: boxes above this are kept, 0..1; low, so that thresholds can move without a new run.
        iou: a box that overlaps a better one by more than this is dropped, 0..1.
        image_size: long side of what the network sees, pixels; an export with a fixed size keeps its own.
        classes: names of the classes to keep, looked up in the weights' own.
        names: number and name of each class, for weights that do not carry them.
        other_classes: keep the boxes of all other classes too; they are shown and never count.
        device: `auto` (CUDA where there is one), `cpu`, `cuda`, `cuda:1`.
        engine: `auto` (OpenVINO for OpenVINO exports and, on a CPU, for `.pt`), `openvino`, `ultralytics`.
        allow_download: let Ultralytics fetch weights that are not there.
        trusted: load weights that could run code.
    """

    weights: Path
    confidence: float = 0.05
    iou: float = 0.7
    image_size: int = 640
    classes: tuple[str, ...] = ("person",)
    names: tuple[tuple[int, str], ...] = ()
    other_classes: bool = False
    device: str = "auto"
    engine: str = "auto"
    allow_download: bool = False
    trusted: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", Path(self.weights))
        for name in ("confidence", "iou"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise InputError(f"detector.{name} {getattr(self, name)} is not in [0, 1]")
        if self.image_size < 32 or self.image_size % 32:
            raise InputError(f"detector.image_size {self.image_size} is not a multiple of 32", fix="640 is usual")
        if self.engine not in ENGINES:
            raise InputError(f"detector.engine '{self.engine}' is not known", fix=f"one of: {', '.join(ENGINES)}")
        if not self.classes:
            raise InputError("task.detector_classes is empty", fix="name the classes that show what is to be detected")


    def kept(self, classes: BoxClasses) -> tuple[int, ...]:
        """Numbers of the classes whose boxes are kept."""
        return tuple(number for number, _ in classes.names) if self.other_classes else classes.numbers


def require_weights(settings: DetectorSettings) -> Path:
    """The weights, if they are there.

    Raises:
        MissingRequirement: names the file, where to get it, and the way without weights.
    """
    path = settings.weights
    if path.exists():
        return path
    raise MissingRequirement(
        f"detector weights {path.name} are not there",
        where=str(path),
        why="without a detector there are no boxes to hold against the labels",
        fix=f"download {path.name} from {RELEASES} (AGPL-3.0) and set filter.detector.weights to it; or set "
            "filter.detector.allow_download: true; or give boxes that you have: filter.detector: {kind: boxes, file: FILE}",
    )


def weights_hash(path: Path) -> str:
    """blake2b of the file, or of an export folder's files by name; 32 hex digits.

    Hidden files and caches in an export folder do not change what it detects and are left out.
    """
    digest = hashlib.blake2b(digest_size=16)
    if path.is_file():
        files = [path]
    else:
        files = [file for file in sorted(path.iterdir()) if file.is_file() and not file.name.startswith(".")]
    for file in files:
        digest.update(f"{file.name if path.is_dir() else ''}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def fingerprint(engine: str, settings: DetectorSettings) -> str:
    """What decides the boxes, as 32 hex digits: engine, weights' hash, thresholds, size, classes."""
    aside = {"weights", "device", "engine", "allow_download", "trusted"}
    values = {f.name: getattr(settings, f.name) for f in fields(settings) if f.name not in aside}
    text = json.dumps([engine, weights_hash(settings.weights), values], sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
