"""From what a user names to a problem: an image set by name and folder, or a run of ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tinysieve.filtering.evidence.embeddings import ARRAY, read_embeddings
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.engine.stages import Run
from tinysieve.pipeline.experiments.image_sets import ImageSet, cifar_10, fashion_mnist
from tinysieve.pipeline.experiments.patch_features import patch_features
from tinysieve.pipeline.experiments.problem import Problem
from tinysieve.pipeline.stages.ingest import samples_of

SETS: dict[str, Callable[..., ImageSet]] = {"fashion-mnist": fashion_mnist, "cifar-10": cifar_10}


def image_problem(name: str, folder: Path | None, seed: int, progress: Callable[[int, int], None]) -> Problem:
    """Patch features of a known image set.

    Args:
        name: fashion-mnist or cifar-10.
        folder: with its files; the usual place when not given.
        seed: chooses the patches.
        progress: told (done, total) images.

    Raises:
        InputError, MissingRequirement: no such set, or its files are not there.
    """
    if name not in SETS:
        raise InputError(f"no image set '{name}'", fix=f"one of {', '.join(SETS)}; or a run with --config")
    images = SETS[name](folder) if folder else SETS[name]()
    train, test = patch_features(images.train, images.test, np.random.default_rng(seed), progress)
    return Problem(images.name, train, images.train_labels, test, images.test_labels, images.classes)


def run_problem(run: Run) -> Problem:
    """Embeddings and given labels of a run's train and test splits; its stages `ingest` and `embed` have finished.

    The given labels are taken as true, so what is planted comes on top of the errors that are already there.
    """
    samples = samples_of(run)
    features = read_embeddings(run.at("embed") / ARRAY, len(samples))
    train, test = (np.flatnonzero(samples.in_split(split) & (samples.labels >= 0)) for split in ("train", "test"))
    labels = samples.labels.astype(np.int64)
    return Problem(run.folder.name, features[train].astype(np.float32), labels[train],
                   features[test].astype(np.float32), labels[test], len(samples.classes.in_code_order), labels_known=False)
