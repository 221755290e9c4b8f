"""Stages `train-*`: the baseline on version 0 and the mended model on the current version, same recipe and seed."""

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
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.quiet_imports import load_keras
from tinysieve.pipeline.engine.stages import Run, Stage
from tinysieve.pipeline.stages.ingest import samples_of, versions_of
from tinysieve.pipeline.stages.libraries import TRAINING
from tinysieve.pipeline.stages.recipes import recipe_of

if TYPE_CHECKING:
    pass



BASELINE, MENDED = "baseline", "mended"


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
        return LabelledImages(pixels, pixel_row[rows], version.labels[rows], name, samples.classes)

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


def _train_settings(config: Config) -> object:
    return {"recipe": asdict(recipe_of(config)), "seed": config.seed}


def _current_version(run: Run) -> dict[str, str]:
    """Training follows the current version, wherever `undo`, `checkout` or a review put it."""
    store = versions_of(run)
    if not (store.folder / "HEAD").exists():
        return {"version": "none yet"}
    head = store.resolve("HEAD")
    try:
        return {"version": store.load(head).id}
    except InputError as error:
        # The stage that made it makes it again, if one did; else the training itself stops at it.
        return {"version": f"{head}, damaged: {error.what}"}


TRAIN_BASELINE = Stage("train-baseline", 1, ("ingest",), _train_settings,
                       lambda run, folder: _train(run, folder, BASELINE), libraries=TRAINING)


TRAIN_MENDED = Stage("train-mended", 1, ("ingest", "policy"), _train_settings,
                     lambda run, folder: _train(run, folder, MENDED), _current_version, libraries=TRAINING)
