"""`metadata`: a copy of a .tflite file with class names, normalization and version in it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from tinysieve.dataset.classes import NEGATIVE, POSITIVE, ClassNames
from tinysieve.ground.atomic_files import replacing
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.model_files.model_file import about, check_output, labels_beside, read_model
from tinysieve.pipeline.stages.recorded_run import open_recorded
from tinysieve.quantize.tflite.io_contract import CHALLENGE, stated_for
from tinysieve.quantize.tflite.model_metadata import About, Described, with_metadata


def write_described(model: Path, output: Path, run: Path | None, licence: str, force: bool) -> dict[str, Any]:
    """Write the copy and say what it cost, in bytes.

    Args:
        model: a .tflite file; it stays as it is.
        output: the copy.
        run: folder of the run that made the model, for the version of its labels; None takes the model's own hash.
        licence: of the model, in words; may be empty.
        force: overwrite `output`.

    Raises:
        InputError: `output` exists or has no folder, the model is none, or it is not the run's.
    """
    check_output(output, model, force)
    with about(model):
        data = read_model(model)
        version = _version(data, run)
        named = labels_beside(model, 2)
        stated = CHALLENGE if named is None else stated_for(ClassNames(named[POSITIVE], named[NEGATIVE]))
        described = with_metadata(data, About(version, licence), stated)
    with replacing(output) as temporary:
        temporary.write_bytes(described.model)
    return _said(output, version, data, described)


def described_text(said: dict[str, Any]) -> str:
    """What `write_described` gives, as two lines."""
    repacked = f"; written anew {said['repacked_bytes']:+,} B" if said["repacked_bytes"] else ""
    return (f"{said['output']}: version '{said['version']}'\n"
            f"file {said['before_bytes']:,} B -> {said['after_bytes']:,} B: metadata {said['metadata_bytes']:+,} B{repacked}")


def _version(model: bytes, run: Path | None) -> str:
    digest = hashlib.sha256(model).hexdigest()
    if run is None:
        return f"sha256 {digest[:16]}"
    made = open_recorded(run)
    if made.model_sha256 != digest:
        raise InputError("this is not the model of that run",
                         why=f"its SHA-256 is {digest[:16]}..., the run's {made.model_sha256[:16]}...",
                         fix=f"give {run / 'quantize-mended' / 'model.tflite'}, or leave --run out")
    return f"labels {made.trained['version']}, recipe {made.trained['recipe']['name']}, seed {made.trained['seed']}"


def _said(output: Path, version: str, before: bytes, described: Described) -> dict[str, Any]:
    return {"output": str(output), "version": version, "before_bytes": len(before), "after_bytes": len(described.model),
            "metadata_bytes": described.metadata_bytes, "repacked_bytes": described.repacked_bytes,
            "sha256": hashlib.sha256(described.model).hexdigest()}
