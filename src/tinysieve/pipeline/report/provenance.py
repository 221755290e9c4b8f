"""Where a result comes from: keys of the stages, hashes, settings, packages, and the commands that make it again."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass
from importlib import metadata

import yaml

from tinysieve.ground.errors import InputError
from tinysieve.pipeline.engine.records import read_record
from tinysieve.pipeline.engine.stages import Run
from tinysieve.pipeline.stages.quantize import INT8_MODEL
from tinysieve.pipeline.stages.train import MENDED

PACKAGES = ("tensorflow-cpu", "tensorflow", "keras", "ai-edge-litert", "tflite-micro", "numpy", "pyarrow", "pillow",
            "opencv-python-headless", "scikit-learn", "torch", "ultralytics-opencv-headless", "openvino", "onnxruntime",
            "matplotlib")
# Where the next run should not overwrite this one, and what differs between machines without changing a result.
REDO_FOLDER, REDO_FILE = "runs/redo", "redo.yaml"


@dataclass(frozen=True)
class StageRow:
    """A finished stage: its content key and what it read from outside the run, by hash."""

    name: str
    key: str
    outside: dict[str, str]


@dataclass(frozen=True)
class Provenance:
    """All that is needed to make the run again, and to see that it is the same."""

    seed: int
    stages: tuple[StageRow, ...]
    settings: str
    packages: dict[str, str]
    hashes: dict[str, str]
    commands: tuple[str, ...]


def provenance_of(run: Run, stages: tuple[str, ...]) -> Provenance:
    """Read it from the records of the stages."""
    settings = run.config.model_dump(mode="json", exclude={"workers"}) | {"run": REDO_FOLDER}
    return Provenance(
        seed=run.config.seed, stages=tuple(_stage_row(run, name) for name in stages),
        settings=yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, width=100),
        packages=package_versions(PACKAGES),
        hashes={f"{which} model": hashlib.sha256(model.of(run)).hexdigest() for which, model in INT8_MODEL.items()},
        commands=(f"tinysieve run --config {REDO_FILE}",
                  f"sha256sum {REDO_FOLDER}/{INT8_MODEL[MENDED].stage}/{INT8_MODEL[MENDED].file}"),
    )


def package_versions(names: tuple[str, ...]) -> dict[str, str]:
    """Version of each named distribution that is installed, and of Python; nothing is imported."""
    versions = {"python": platform.python_version()}
    for name in names:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _stage_row(run: Run, name: str) -> StageRow:
    record = read_record(run.at(name))
    if record is None:
        raise InputError(f"stage '{name}' has not finished", where=str(run.at(name)),
                         why="the report says how every stage was made", fix="run 'tinysieve report', which runs what is missing")
    return StageRow(name, record.key, record.parts["outside"])
