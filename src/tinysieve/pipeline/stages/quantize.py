"""Stages `quantize-*`: both models as int8, the mended one fitted into its budgets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinysieve.ground.atomic_files import write_text
from tinysieve.ground.progress import PERCENT
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.engine.artifacts import Artifact, Facts, facts
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.quiet_imports import load_keras
from tinysieve.pipeline.engine.stages import Run, Stage
from tinysieve.pipeline.stages.ingest import PIXELS, samples_of, versions_of
from tinysieve.pipeline.stages.libraries import VERIFYING
from tinysieve.pipeline.stages.train import BASELINE, MENDED, VERSION_OF, WEIGHTS
from tinysieve.quantize.calibration import choose_calibration
from tinysieve.quantize.passes.equality import Equality
from tinysieve.quantize.passes.fit_model import FitResult, PassGain, Size, Target, fit_model

MODEL = "model.tflite"
# Names of the scores in their order, a line each, as tools for .tflite files expect them beside a model.
LABELS = "labels.txt"
# As converted: the same answers in more room.
BEFORE_FIT = "model_before_fit.tflite"
# The name under which the challenge expects the submitted model.
CHALLENGE_MODEL = "wv_quality_mcunet-320kb-1mb_vww.tflite"


@dataclass(frozen=True)
class CalibrationImage:
    """An image that set the int8 ranges: the hash of its file, and its path below the image folder."""

    sample_id: str
    filepath: str


@dataclass(frozen=True, kw_only=True)
class FitFacts:
    """What fitting made of the model; see `FitResult`."""

    before: Size
    after: Size
    extra_macs: float
    passes: tuple[PassGain, ...] = ()
    left_alone: tuple[str, ...] = ()
    equality: Equality


@dataclass(frozen=True)
class QuantizeFacts:
    """An int8 model as converted and, for the mended one, fitted.

    Args:
        file_bytes: of the model that is used.
        io_type: of its input and output.
        calibration_rows: rows of the sample table that set the int8 ranges.
        calibration: the images of these rows.
        fit: None for the baseline, which is not flashed.
    """

    file_bytes: int
    io_type: str
    calibration_rows: tuple[int, ...]
    calibration: tuple[CalibrationImage, ...]
    fit: FitFacts | None = None


# Of each model, by "baseline" and "mended".
QUANTIZE_FACTS: dict[str, Facts[QuantizeFacts]] = {
    which: facts(f"quantize-{which}", f"quantize-{which}.json", QuantizeFacts) for which in VERSION_OF}
INT8_MODEL: dict[str, Artifact[bytes]] = {which: Artifact(f"quantize-{which}", MODEL, Path.read_bytes) for which in VERSION_OF}
INT8_MODEL_BEFORE_FIT: Artifact[bytes] = Artifact(f"quantize-{MENDED}", BEFORE_FIT, Path.read_bytes)


def _quantize(run: Run, folder: Path, which: str) -> str:
    from tinysieve.quantize.convert import convert_int8

    samples, version = samples_of(run), versions_of(run).load(VERSION_OF[which])
    train_labels = np.where(samples.in_split("train", "unlabeled"), version.labels, np.int8(-1))
    rows = choose_calibration(train_labels, run.config.quantize.calibration_images, np.random.default_rng(run.config.seed),
                              samples.classes)
    pixels = PIXELS.of(run)[samples.numbers("pixel_row")[rows]]
    with progress(f"convert {which}") as report:
        load_keras()
        data = convert_int8(WEIGHTS[which].of(run), pixels, run.config.quantize.io_type, report)
    chosen = samples.table.select(["sample_id", "filepath"]).take(rows).to_pylist()
    # The baseline is compared by its answers alone, and fitting changes no answer; only the mended model is flashed.
    fitted = _fit(data, run.config, folder) if which == MENDED else None
    data = data if fitted is None else fitted.model
    (folder / MODEL).write_bytes(data)
    write_text(folder / LABELS, "\n".join(samples.classes.in_code_order) + "\n")
    QUANTIZE_FACTS[which].write(QuantizeFacts(
        len(data), run.config.quantize.io_type, tuple(rows.tolist()), tuple(CalibrationImage(**row) for row in chosen),
        None if fitted is None else fit_facts(fitted)), folder)
    if which == MENDED:
        (folder / CHALLENGE_MODEL).write_bytes(data)
    return ""


def fit_facts(result: FitResult) -> FitFacts:
    """What is kept of a fit beside the model."""
    return FitFacts(before=result.before, after=result.after, extra_macs=result.extra_macs, passes=result.passes,
                    left_alone=result.left_alone, equality=result.equality)


def _fit(data: bytes, config: Config, folder: Path) -> FitResult:
    """The model fitted into the RAM of `verify`, which is where a budget that is still missed becomes an error."""
    (folder / BEFORE_FIT).write_bytes(data)
    target = Target(ram_bytes=config.verify.ram, max_extra_macs=config.quantize.fit.max_extra_macs)
    with progress("fit", PERCENT) as report:
        return fit_model(data, target, config.seed, report)


def _quantize_settings(config: Config) -> object:
    return {"io_type": config.quantize.io_type, "calibration_images": config.quantize.calibration_images, "seed": config.seed}


def _fit_settings(config: Config) -> object:
    return {"quantize": _quantize_settings(config), "fit": config.quantize.fit.model_dump(), "ram": config.verify.ram}


QUANTIZE_BASELINE = Stage("quantize-baseline", 2, ("train-baseline",), _quantize_settings,
                          lambda run, folder: _quantize(run, folder, BASELINE), libraries=VERIFYING)

QUANTIZE_MENDED = Stage("quantize-mended", 3, ("train-mended",), _fit_settings,
                        lambda run, folder: _quantize(run, folder, MENDED), libraries=VERIFYING)
