"""`metadata`: a copy of a .tflite file with class names, normalization and version in it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tinysieve.ground.atomic_files import replacing
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.model_files.model_file import about, check_output, labels_beside, read_model
from tinysieve.pipeline.stages.recorded_run import RecordedRun, open_recorded
from tinysieve.quantize.tflite.io_contract import CHALLENGE, Stated
from tinysieve.quantize.tflite.model_metadata import About, Described, with_metadata

LAYOUTS = ("NHWC", "NCHW")
CHANNELS = 3


def stated_settings(labels: tuple[str, ...], layout: str, pixel_mean: str, pixel_std: str, float_io: bool) -> dict[str, Any]:
    """What a user states of a model, as fields of ``Stated``; what is left at its default is left out.

    >>> stated_settings((), "NHWC", "127.5", "1", False)
    {'pixel_mean': (127.5, 127.5, 127.5)}

    Raises:
        InputError: an unknown layout, or numbers that are none.
    """
    if layout.upper() not in LAYOUTS:
        raise InputError(f"--layout {layout!r} is no layout", fix=f"give one of {', '.join(LAYOUTS)}")
    stated: dict[str, Any] = {
        "class_order": labels or Stated.class_order, "layout": layout.upper(),
        "pixel_mean": _a_channel("--pixel-mean", pixel_mean), "pixel_std": _a_channel("--pixel-std", pixel_std),
        "io_types": ("float32",) if float_io else Stated.io_types}
    if min(stated["pixel_std"]) <= 0:
        raise InputError(f"--pixel-std {pixel_std!r} is not positive", why="pixels are divided by it",
                         fix="give a positive number")
    return {name: value for name, value in stated.items() if value != getattr(Stated(), name)}


def _a_channel(option: str, text: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(number) for number in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) not in (1, CHANNELS) or not all(map(math.isfinite, numbers)):
        raise InputError(f"{option} {text!r} is neither a number nor three", fix="write 127.5, or 123.7,116.3,103.5")
    return numbers * CHANNELS if len(numbers) == 1 else numbers


def write_described(
    model: Path, output: Path, run: Path | None, licence: str, settings: Mapping[str, Any], force: bool
) -> dict[str, Any]:
    """Write the copy and say what it cost, in bytes.

    Args:
        model: a .tflite file; it stays as it is.
        output: the copy.
        run: folder of the run that made the model, for the version of its labels; None takes the model's own hash.
        licence: of the model, in words; may be empty.
        settings: what differs from the challenge's models, see `stated_settings`.
        force: overwrite `output`.

    Raises:
        InputError: `output` exists or has no folder, the model is none, or it is not the run's.
    """
    check_output(output, model, force)
    with about(model):
        data = read_model(model)
        version = _version(data, run)
        named = labels_beside(model, 2)
        stated = CHALLENGE if named is None else replace(CHALLENGE, class_order=named)
        described = with_metadata(data, About(version, licence), replace(stated, **settings))
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
    require_model_of(made, model)
    return f"labels {made.trained.version}, recipe {made.trained.recipe.name}, seed {made.trained.seed}"


def require_model_of(run: RecordedRun, model: bytes) -> None:
    """Raises InputError where the model is not the one that the run made."""
    digest = hashlib.sha256(model).hexdigest()
    if run.model_sha256 != digest:
        raise InputError("this is not the model of that run",
                         why=f"its SHA-256 is {digest[:16]}..., the run's {run.model_sha256[:16]}...",
                         fix=f"give {run.folder / 'quantize-mended' / 'model.tflite'}, or leave --run out")


def _said(output: Path, version: str, before: bytes, described: Described) -> dict[str, Any]:
    return {"output": str(output), "version": version, "before_bytes": len(before), "after_bytes": len(described.model),
            "metadata_bytes": described.metadata_bytes, "repacked_bytes": described.repacked_bytes,
            "sha256": hashlib.sha256(described.model).hexdigest()}
