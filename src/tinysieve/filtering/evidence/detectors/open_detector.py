"""From settings to the fastest detector that gives the same boxes."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from tinysieve.filtering.evidence.detectors.detector import Detector
from tinysieve.filtering.evidence.detectors.openvino_engine import OpenVinoDetector
from tinysieve.filtering.evidence.detectors.ultralytics_detector import UltralyticsDetector, export_openvino, pick_device
from tinysieve.filtering.evidence.detectors.weights import DetectorSettings, require_weights
from tinysieve.filtering.evidence.trusted_files import require_detector_free_of_code


def open_detector(settings: DetectorSettings, cache: Path) -> Detector:
    """Load the detector that `settings` ask for.

    Args:
        settings: weights and thresholds.
        cache: folder for exports made from a `.pt`.

    Raises:
        MissingRequirement: weights, a package or the device are not there.
        UntrustedCode: the weights could run code, and nobody vouches for them.
    """
    if not settings.allow_download:
        require_weights(settings)
    require_detector_free_of_code(settings.weights, settings.trusted)
    engine = settings.engine if settings.engine != "auto" else _fastest(settings)
    if engine == "ultralytics":
        return UltralyticsDetector(settings)
    if settings.weights.suffix == ".pt":
        return OpenVinoDetector(settings, export_openvino(settings, cache))
    return OpenVinoDetector(settings)


def _fastest(settings: DetectorSettings) -> str:
    if not find_spec("openvino") or not settings.weights.exists():
        return "ultralytics"
    if settings.weights.is_dir():
        return "openvino" if list(settings.weights.glob("*.xml")) else "ultralytics"
    if settings.weights.suffix == ".pt":
        return "openvino" if pick_device(settings.device) == "cpu" else "ultralytics"
    return "ultralytics"
