"""Stages `train-*`: the baseline on version 0 and the mended model on the current version, same recipe and seed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.versions import Version
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.engine.artifacts import Artifact, Facts, facts
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.quiet_imports import load_keras
from tinysieve.pipeline.engine.stages import Run, Stage
from tinysieve.pipeline.stages.ingest import PIXELS, freeze_test, samples_of, versions_of
from tinysieve.pipeline.stages.libraries import TRAINING
from tinysieve.pipeline.stages.recipes import recipe_of
from tinysieve.training.checkpoint import EpochRecord
from tinysieve.training.curves import read_history
from tinysieve.training.recipe import Recipe

BASELINE, MENDED = "baseline", "mended"
VERSION_OF = {BASELINE: "0", MENDED: "HEAD"}


@dataclass(frozen=True)
class TrainFacts:
    """How one model was trained.

    Args:
        version: id of the labels.
        recipe: the hyper-parameters.
        seed: of weights, order and augmentation.
        train_images, validation_images: counts.
        best_epoch: whose weights were kept, counted from 1.
        best_validation_accuracy: of that epoch, in [0, 1].
    """

    version: str
    recipe: Recipe
    seed: int
    train_images: int
    validation_images: int
    best_epoch: int
    best_validation_accuracy: float


def _trained_model(path: Path) -> Any:
    """The Keras model with the weights that were kept."""
    from tinysieve.training.fit import trained_mcunet

    load_keras()
    return trained_mcunet(path)


def _epochs(path: Path) -> tuple[EpochRecord, ...]:
    return read_history(path.parent)


# Of each model, by "baseline" and "mended".
TRAIN_FACTS: dict[str, Facts[TrainFacts]] = {
    which: facts(f"train-{which}", f"train-{which}.json", TrainFacts) for which in VERSION_OF}
WEIGHTS: dict[str, Artifact[Any]] = {which: Artifact(f"train-{which}", "weights.npz", _trained_model) for which in VERSION_OF}
HISTORY: dict[str, Artifact[tuple[EpochRecord, ...]]] = {
    which: Artifact(f"train-{which}", "history.jsonl", _epochs) for which in VERSION_OF}


def labelled_rows(samples: SampleTable, version: Version, *splits: str) -> NDArray[np.int64]:
    """Rows of the splits that have a label in this version; pseudo-labelled images count as train."""
    return np.flatnonzero(samples.in_split(*splits) & (version.labels >= 0))


def _train(run: Run, folder: Path, which: str) -> str:
    from tinysieve.training.fit import fit
    from tinysieve.training.labelled_images import LabelledImages

    freeze_test(run)
    samples, version = samples_of(run), versions_of(run).load(VERSION_OF[which])
    pixels, pixel_row = PIXELS.of(run), samples.numbers("pixel_row")

    def images(name: str, *splits: str) -> LabelledImages:
        rows = labelled_rows(samples, version, *splits)
        return LabelledImages(pixels, pixel_row[rows], version.labels[rows], name, samples.classes)

    # The baseline leaves unlabeled images out; in a mended version some of them have a label.
    train_images, validation = images("train", "train", "unlabeled"), images("validation", "validation")
    with progress(f"train {which}") as report:
        load_keras()
        result = fit(train_images, validation, recipe_of(run.config), run.config.seed, folder, report)
    TRAIN_FACTS[which].write(TrainFacts(
        version.id, result.recipe, result.seed, len(train_images), len(validation), result.best_epoch,
        result.best_validation_accuracy), folder)
    return ""


def _train_settings(config: Config) -> object:
    return {"recipe": recipe_of(config).settings, "seed": config.seed}


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
