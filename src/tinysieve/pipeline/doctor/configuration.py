"""What a configuration asks for, and whether it is there: images, tables, detector weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tinysieve.dataset.sources.image_places import is_address, local_paths, places_of
from tinysieve.ground.errors import TinysieveError
from tinysieve.pipeline.config.filters import BoxFile, PresenceHeadDetector, UltralyticsDetector
from tinysieve.pipeline.config.read import load_config
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.doctor.finding import MISSING, OK, PROBLEM, Finding

TOPIC = "configuration"


def configuration_findings(path: Path | None) -> tuple[tuple[Finding, ...], Path]:
    """Findings, and the folder in which the run would be written."""
    if path is None:
        head = _presence_head("no configuration given")
        none = Finding(TOPIC, "file", OK, "none given", "doctor --config FILE also checks images and weights")
        return (none, head), Path()
    try:
        config = load_config(path)
    except TinysieveError as error:
        return (Finding(TOPIC, "file", PROBLEM, error.what, f"{error.where} {error.fix}".strip()),), Path()
    return (Finding(TOPIC, "file", OK, str(path)), *_sources(config), _detector(config)), config.run


def _sources(config: Config) -> tuple[Finding, ...]:
    source = config.dataset.source
    wanted = [*(("images", path) for path in local_paths(source.images)), *(("table", table) for table in source.tables)]
    remote = [Finding(TOPIC, "images", OK, f"{place.path}, not asked") for place in places_of(source.images)
              if is_address(place.path)]
    return (*remote, *(Finding(TOPIC, name, OK, str(path)) if path.exists()
                       else Finding(TOPIC, name, PROBLEM, f"not found: {path}", f"set dataset.source.{name}")
                       for name, path in wanted))


def _detector(config: Config) -> Finding:
    match config.filter.detector:
        case UltralyticsDetector() as asked:
            return _weights(asked)
        case BoxFile() as asked:
            return _box_file(asked.file)
        case PresenceHeadDetector():
            return _presence_head("")


def _weights(asked: UltralyticsDetector) -> Finding:
    from tinysieve.filtering.evidence.detectors.weights import RELEASES, weights_hash

    if asked.weights.exists():
        return Finding(TOPIC, "detector weights", OK, f"{asked.weights}, blake2b {weights_hash(asked.weights)}")
    if asked.allow_download:
        return Finding(TOPIC, "detector weights", MISSING, f"not found: {asked.weights}",
                       "allow_download is true: Ultralytics downloads them at first use")
    return Finding(TOPIC, "detector weights", PROBLEM, f"not found: {asked.weights}",
                   f"download them from {RELEASES} (AGPL-3.0), or use a box file: filter.detector {{kind: boxes, file: F}}")


def _box_file(path: Path) -> Finding:
    if not path.exists():
        return Finding(TOPIC, "boxes", PROBLEM, f"not found: {path}", "set filter.detector.file to CSV or Parquet")
    if path.is_dir():
        return Finding(TOPIC, "boxes", OK, f"{path}, a folder")
    digest = hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
    return Finding(TOPIC, "boxes", OK, f"{path}, blake2b {digest}")


def _presence_head(note: str) -> Finding:
    from tinysieve.filtering.evidence.presence_head import head_fingerprint

    try:
        fingerprint = head_fingerprint()
    except TinysieveError as error:
        return Finding(TOPIC, "presence head", PROBLEM, error.what, error.fix)
    except OSError as error:
        # What importlib says of an installation that points at a folder that has moved.
        return Finding(TOPIC, "presence head", PROBLEM, f"cannot be read: {error}", "reinstall tinysieve")
    return Finding(TOPIC, "presence head", OK, f"{fingerprint} ({note})" if note else fingerprint)
