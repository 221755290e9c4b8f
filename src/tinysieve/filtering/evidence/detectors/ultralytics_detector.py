"""Any weights that Ultralytics reads, on a CPU or CUDA, without its side effects.

Importing Ultralytics can install packages, write settings, post usage events and download weights;
all of that is switched off before the import. Ultralytics and its weights are AGPL-3.0.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tinysieve.filtering.evidence.detectors import yolo_head
from tinysieve.filtering.evidence.detectors.torchvision_ops import ensure_torchvision
from tinysieve.filtering.evidence.detectors.weights import DetectorSettings, fingerprint, require_weights, weights_hash
from tinysieve.filtering.evidence.detectors.weights_names import classes_of, names_in, parse_names
from tinysieve.filtering.evidence.trusted_files import require_detector_free_of_code
from tinysieve.ground.errors import MissingRequirement

QUIET = {"YOLO_AUTOINSTALL": "false", "YOLO_VERBOSE": "false"}


class UltralyticsDetector:
    """A `Detector` over `.pt`, ONNX, TFLite or OpenVINO weights.

    Images are placed on their canvas here and grouped by its shape, so that what an image's neighbours
    are does not change the canvas it gets, as it would inside Ultralytics.
    """

    name = "ultralytics"

    def __init__(self, settings: DetectorSettings) -> None:
        """Load the weights; see `require_weights` for what happens when they are missing."""
        if not settings.allow_download:
            require_weights(settings)
        self._model = load_yolo(settings)
        self._device = pick_device(settings.device)
        self.settings = settings
        self.fingerprint = fingerprint(self.name, settings)
        self._flexible = settings.weights.suffix == ".pt"
        own = parse_names(getattr(self._model, "names", None)) if self._flexible else names_in(settings.weights)
        self.classes = classes_of(own, dict(settings.names) or None, settings.classes, settings.weights, None)
        self._kept = settings.kept(self.classes)

    def detect(self, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Boxes of each image, float32 [n, 6]: x1, y1, x2, y2 (image pixels), confidence, class; best first."""
        size = self.settings.image_size
        shapes = [yolo_head.canvas_shape(image.shape[0], image.shape[1], size) if self._flexible else (size, size)
                  for image in images]
        results: list[np.ndarray] = [np.zeros((0, 6), np.float32)] * len(images)
        for shape in dict.fromkeys(shapes):
            rows = [k for k, size in enumerate(shapes) if size == shape]
            for k, boxes in zip(rows, self._group([images[k] for k in rows], shape), strict=True):
                results[k] = boxes
        return results

    def _group(self, images: list[np.ndarray], shape: tuple[int, int]) -> list[np.ndarray]:
        placed = [yolo_head.letterbox(image, shape) for image in images]
        outputs: list[np.ndarray] = []
        # A CPU gains nothing from a batch, and exports may accept one image only.
        step = len(placed) if self._device.startswith("cuda") and self._flexible else 1
        for start in range(0, len(placed), step):
            canvases = [np.ascontiguousarray(canvas[:, :, ::-1]) for canvas, _ in placed[start : start + step]]
            results = self._model.predict(
                canvases, conf=self.settings.confidence, iou=self.settings.iou, classes=list(self._kept),
                imgsz=self.settings.image_size, device=self._device, batch=len(canvases), rect=True, verbose=False,
                save=False, max_det=yolo_head.MOST_BOXES * len(self._kept),
            )
            outputs += [yolo_head.foremost(result.boxes.data.cpu().numpy().reshape(-1, 6), self.classes.numbers)
                        for result in results]
        return [yolo_head.to_image(output.astype(np.float32), placement)
                for output, (_, placement) in zip(outputs, placed, strict=True)]


@contextlib.contextmanager
def _quiet_settings(allow_download: bool) -> Iterator[None]:
    """Surroundings for the import: nothing installed, nothing sent, settings in a folder that goes away."""
    extra = QUIET if allow_download else {**QUIET, "YOLO_OFFLINE": "true"}
    before = {name: os.environ.get(name) for name in (*extra, "YOLO_CONFIG_DIR")}
    with tempfile.TemporaryDirectory(prefix="tinysieve-yolo-") as settings_folder:
        os.environ.update({**extra, "YOLO_CONFIG_DIR": settings_folder})
        threads = cv2.getNumThreads()
        try:
            # The import also changes how numpy prints and takes OpenCV's threads away, for the whole process.
            with np.printoptions():
                yield
        finally:
            cv2.setNumThreads(threads)
            for name, value in before.items():
                os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)


def load_yolo(settings: DetectorSettings) -> Any:
    """An `ultralytics.YOLO` for the weights.

    Raises:
        MissingRequirement: the package is not installed.
        UntrustedCode: the weights could run code, and nobody vouches for them.
    """
    try:
        with _quiet_settings(settings.allow_download):
            import ultralytics
            from ultralytics.nn import tasks
            from ultralytics.utils import events
    except ImportError as error:
        raise MissingRequirement(
            "package ultralytics is not installed", why="detector.weights are read by it",
            fix="pip install 'tinysieve[detect]' (AGPL-3.0), or give boxes that you have: "
                "filter.detector: {kind: boxes, file: FILE}",
        ) from error
    events.events.enabled = False
    # Read at the import, and by each load again: known classes only, unless somebody vouches for the file.
    tasks.SAFE_LOAD = not settings.trusted
    ensure_torchvision()
    require_detector_free_of_code(settings.weights, settings.trusted)
    return ultralytics.YOLO(str(settings.weights), task="detect")


def pick_device(device: str) -> str:
    """`auto` becomes `cuda:0` where torch sees one, else `cpu`."""
    available = device != "cpu" and _cuda_is_there()
    if device == "auto":
        return "cuda:0" if available else "cpu"
    if device.startswith("cuda") and not available:
        raise MissingRequirement(f"device {device} is not there", where="detector.device",
                                 fix="set detector.device: cpu, or install a CUDA build of torch")
    return device


def _cuda_is_there() -> bool:
    try:
        if metadata.version("torch").endswith("+cpu"):
            return False  # importing torch to hear the same takes two seconds
    except metadata.PackageNotFoundError:
        return False
    import torch

    return bool(torch.cuda.is_available())


def export_openvino(settings: DetectorSettings, cache: Path) -> Path:
    """Export a `.pt` to OpenVINO, dynamic in size, once per file of weights.

    Args:
        settings: their weights are a `.pt`.
        cache: folder for exports; the result is named by the weights' hash.

    Returns:
        The export's folder.
    """
    require_weights(settings)
    target = cache / f"{weights_hash(settings.weights)}-{settings.image_size}_openvino_model"
    if target.exists():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    # What a kill left behind; only one process works in a run folder.
    for left in cache.glob(".export-*"):
        shutil.rmtree(left, ignore_errors=True)
    # Ultralytics writes beside the weights, which may be read-only, so a copy is exported.
    with tempfile.TemporaryDirectory(dir=cache, prefix=".export-") as scratch:
        copy = Path(scratch, "model.pt")
        shutil.copyfile(settings.weights, copy)
        model = load_yolo(DetectorSettings(copy, image_size=settings.image_size, trusted=settings.trusted))
        made = Path(model.export(format="openvino", dynamic=True, imgsz=settings.image_size, device="cpu"))
        made.replace(target)
    return target
