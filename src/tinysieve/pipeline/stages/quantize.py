"""Stages `quantize-*`: both models as int8, the mended one fitted into its budgets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tinysieve.dataset.ingest import open_pixels
from tinysieve.ground.atomic_files import write_text
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.quiet_imports import load_keras
from tinysieve.pipeline.engine.stages import Run, Stage
from tinysieve.pipeline.stages.ingest import samples_of, versions_of
from tinysieve.pipeline.stages.libraries import VERIFYING
from tinysieve.quantize.calibration import choose_calibration

if TYPE_CHECKING:
    from tinysieve.quantize.passes.fit_model import FitResult
from tinysieve.pipeline.stages.train import BASELINE, MENDED, VERSION_OF

MODEL = "model.tflite"


# Names of the scores in their order, a line each, as tools for .tflite files expect them beside a model.
LABELS = "labels.txt"


# As converted: the same answers in more room.
BEFORE_FIT = "model_before_fit.tflite"


FIT_FACTS = ("before", "after", "extra_macs", "passes", "left_alone", "equality")


# The name under which the challenge expects the submitted model.
CHALLENGE_MODEL = "wv_quality_mcunet-320kb-1mb_vww.tflite"


def _quantize(run: Run, folder: Path, which: str) -> str:
    from tinysieve.quantize.convert import convert_int8
    from tinysieve.training.fit import trained_mcunet

    samples, version = samples_of(run), versions_of(run).load(VERSION_OF[which])
    train_labels = np.where(samples.in_split("train", "unlabeled"), version.labels, np.int8(-1))
    rows = choose_calibration(train_labels, run.config.quantize.calibration_images, np.random.default_rng(run.config.seed),
                              samples.classes)
    pixels = open_pixels(run.at("ingest"))[samples.numbers("pixel_row")[rows]]
    with progress(f"convert {which}"):
        load_keras()
        model = trained_mcunet(run.at(f"train-{which}") / "weights.npz")
        data = convert_int8(model, pixels, run.config.quantize.io_type)
    chosen = samples.table.select(["sample_id", "filepath"]).take(rows).to_pylist()
    # The baseline is compared by its answers alone, and fitting changes no answer; only the mended model is flashed.
    fitted = _fit(data, run.config, folder) if which == MENDED else None
    data = data if fitted is None else fitted.model
    (folder / MODEL).write_bytes(data)
    write_text(folder / LABELS, "\n".join(samples.classes.in_code_order) + "\n")
    summary = {"file_bytes": len(data), "io_type": run.config.quantize.io_type, "calibration_rows": rows.tolist(),
               "calibration": chosen, "fit": None if fitted is None else {name: fitted.to_json()[name] for name in FIT_FACTS}}
    (folder / f"quantize-{which}.json").write_text(json.dumps(summary, indent=1) + "\n")
    if which == MENDED:
        (folder / CHALLENGE_MODEL).write_bytes(data)
    return ""


def _fit(data: bytes, config: Config, folder: Path) -> FitResult:
    """The model fitted into the RAM of `verify`, which is where a budget that is still missed becomes an error."""
    from tinysieve.quantize.passes.fit_model import Target, fit_model

    (folder / BEFORE_FIT).write_bytes(data)
    target = Target(ram_bytes=config.verify.ram, max_extra_macs=config.quantize.fit.max_extra_macs)
    with progress("fit", "steps") as report:
        return fit_model(data, target, config.seed, report)


def _quantize_settings(config: Config) -> object:
    return {"io_type": config.quantize.io_type, "calibration_images": config.quantize.calibration_images, "seed": config.seed}


def _fit_settings(config: Config) -> object:
    return {"quantize": _quantize_settings(config), "fit": config.quantize.fit.model_dump(), "ram": config.verify.ram}


QUANTIZE_BASELINE = Stage("quantize-baseline", 2, ("train-baseline",), _quantize_settings,
                          lambda run, folder: _quantize(run, folder, BASELINE), libraries=VERIFYING)


QUANTIZE_MENDED = Stage("quantize-mended", 2, ("train-mended",), _fit_settings,
                        lambda run, folder: _quantize(run, folder, MENDED), libraries=VERIFYING)
