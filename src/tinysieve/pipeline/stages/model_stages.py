"""Stages `train-*`, `quantize-*`, `verify`: the baseline on version 0 and the mended model on the current version.

Both follow one recipe and one seed and are measured on the same frozen test images.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.ingest import open_pixels
from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.versions import Version
from tinysieve.ground.errors import GateMissed
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.quiet_imports import load_keras
from tinysieve.pipeline.engine.stages import Run, Stage
from tinysieve.pipeline.stages.ingest import samples_of, versions_of
from tinysieve.pipeline.stages.near_duplicates import leaked_rows, refuse_leaks
from tinysieve.pipeline.stages.recipes import recipe_of
from tinysieve.pipeline.stages.slices import slices_of
from tinysieve.quantize.calibration import choose_calibration
from tinysieve.quantize.verdict.verdict import Gates, challenge_line

if TYPE_CHECKING:
    from tinysieve.quantize.passes.fit_model import FitResult

BASELINE, MENDED = "baseline", "mended"
MODEL = "model.tflite"
# As converted: the same answers in more room.
BEFORE_FIT = "model_before_fit.tflite"
FIT_FACTS = ("before", "after", "extra_macs", "passes", "left_alone", "equality")
# The name under which the challenge expects the submitted model.
CHALLENGE_MODEL = "wv_quality_mcunet-320kb-1mb_vww.tflite"
VERSION_OF = {BASELINE: "0", MENDED: "HEAD"}


def labelled_rows(samples: SampleTable, version: Version, *splits: str) -> NDArray[np.int64]:
    """Rows of the splits that have a label in this version; pseudo-labelled images count as train."""
    return np.flatnonzero(samples.in_split(*splits) & (version.labels >= 0))


def _train(run: Run, folder: Path, which: str) -> str:
    from tinysieve.training.fit import fit
    from tinysieve.training.labelled_images import LabelledImages

    samples, version = samples_of(run), versions_of(run).load(VERSION_OF[which])
    pixels, pixel_row = open_pixels(run.at("ingest")), samples.numbers("pixel_row")

    def images(name: str, *splits: str) -> LabelledImages:
        rows = labelled_rows(samples, version, *splits)
        return LabelledImages(pixels, pixel_row[rows], version.labels[rows], name)

    # The baseline leaves unlabeled images out; in a mended version some of them have a label.
    train_images, validation = images("train", "train", "unlabeled"), images("validation", "validation")
    with progress(f"train {which}") as report:
        load_keras()
        result = fit(train_images, validation, recipe_of(run.config), run.config.seed, folder, report)
    summary = {"version": version.id, "recipe": asdict(result.recipe), "seed": result.seed,
               "train_images": len(train_images), "validation_images": len(validation), "best_epoch": result.best_epoch,
               "best_validation_accuracy": result.best_validation_accuracy}
    (folder / f"train-{which}.json").write_text(json.dumps(summary, indent=1) + "\n")
    return ""


def _quantize(run: Run, folder: Path, which: str) -> str:
    from tinysieve.quantize.convert import convert_int8
    from tinysieve.training.fit import trained_mcunet

    samples, version = samples_of(run), versions_of(run).load(VERSION_OF[which])
    train_labels = np.where(samples.in_split("train", "unlabeled"), version.labels, np.int8(-1))
    rows = choose_calibration(train_labels, run.config.quantize.calibration_images, np.random.default_rng(run.config.seed))
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


def _verify(run: Run, folder: Path) -> str:
    from tinysieve.quantize.verdict.verify import Evidence, verify

    samples = samples_of(run)
    trained = json.loads((run.at("train-mended") / "train-mended.json").read_text())["version"]
    refuse_leaks(run, versions_of(run).load(trained).labels)
    leaked = {which: leaked_rows(run, versions_of(run).load(version).labels)
              for which, version in ((BASELINE, "0"), (MENDED, trained))}
    rows = np.flatnonzero(samples.in_split("test"))
    images = open_pixels(run.at("ingest"))[samples.numbers("pixel_row")[rows]]
    mended, baseline = ((run.at(f"quantize-{which}") / MODEL).read_bytes() for which in (MENDED, BASELINE))
    quantized = json.loads((run.at("quantize-mended") / "quantize-mended.json").read_text())
    with progress("verify") as report:
        evidence = Evidence(images, samples.labels[rows], _float_logits(run, images), baseline, slices_of(samples, rows),
                            quantized["calibration_rows"], run.config.verify.tflm_images)
        found = verify(mended, evidence, _gates(run.config), np.random.default_rng(run.config.seed), progress=report)
    np.savez(folder / "logits.npz", rows=rows, int8=found.int8_logits, baseline=np.asarray(found.baseline_logits))
    verdict = found.verdict.to_json() | {
        "test_rows": len(rows), "challenge_line": challenge_line(round(found.verdict.int8.value, 4)),
        "leaked_train_images": {which: None if one is None else len(one) for which, one in leaked.items()},
        "fit": quantized["fit"],
        "worst_mistake_samples": samples.sample_ids.take(rows[list(found.verdict.worst_mistakes)]).to_pylist()}
    (folder / "verify.json").write_text(json.dumps(verdict, indent=1) + "\n")
    return ""


def _float_logits(run: Run, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    from tinysieve.training.fit import trained_mcunet

    load_keras()
    model = trained_mcunet(run.at("train-mended") / "weights.npz")
    return np.asarray(model.predict(images, batch_size=32, verbose=0), np.float32)


def _gates(config: Config) -> Gates:
    return Gates(flash_bytes=config.verify.flash, arena_bytes=config.verify.ram,
                 minimum_accuracy=config.verify.min_accuracy or None)


def require_gates(run: Run) -> None:
    """Raise where the verdict misses a gate.

    Raises:
        GateMissed: names each gate, the limit, what was measured and how.
    """
    verdict = json.loads((run.at("verify") / "verify.json").read_text())
    missed = [budget for budget in verdict["budgets"] if budget["met"] is False]
    if missed:
        raise GateMissed("; ".join(
            f"{one['name']}: {one['measured']:,.10g} {one['unit']} against {one['limit']:,.10g}" for one in missed),
            where=str(run.at("quantize-mended") / MODEL), why="; ".join(one["how"] for one in missed),
            fix="see the report; the gates are settings under 'verify'")


def _train_settings(config: Config) -> object:
    return {"recipe": asdict(recipe_of(config)), "seed": config.seed}


def _current_version(run: Run) -> dict[str, str]:
    """Training follows the current version, wherever `undo`, `checkout` or a review put it."""
    store = versions_of(run)
    return {"version": store.load("HEAD").id if (store.folder / "HEAD").exists() else "none yet"}


def _verify_settings(config: Config) -> object:
    return config.verify.model_dump() | {"seed": config.seed}


def _quantize_settings(config: Config) -> object:
    return {"io_type": config.quantize.io_type, "calibration_images": config.quantize.calibration_images, "seed": config.seed}


def _fit_settings(config: Config) -> object:
    return {"quantize": _quantize_settings(config), "fit": config.quantize.fit.model_dump(), "ram": config.verify.ram}


TRAIN_BASELINE = Stage("train-baseline", 1, ("ingest",), _train_settings,
                       lambda run, folder: _train(run, folder, BASELINE))
TRAIN_MENDED = Stage("train-mended", 1, ("ingest", "policy"), _train_settings,
                     lambda run, folder: _train(run, folder, MENDED), _current_version)
QUANTIZE_BASELINE = Stage("quantize-baseline", 2, ("train-baseline",), _quantize_settings,
                          lambda run, folder: _quantize(run, folder, BASELINE))
QUANTIZE_MENDED = Stage("quantize-mended", 2, ("train-mended",), _fit_settings,
                        lambda run, folder: _quantize(run, folder, MENDED))
VERIFY = Stage("verify", 5, ("ingest", "opinions", "train-mended", "quantize-baseline", "quantize-mended"),
               _verify_settings, _verify)
