"""Data parameters where they were published: corrupt CIFAR, train with and without, drop what is most suspect, train again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tinysieve.filtering.data_parameters.indexed_sgd import TableSettings
from tinysieve.filtering.data_parameters.least_suspect import keep_least_suspect, read_at
from tinysieve.filtering.data_parameters.temperatures import Temperatures
from tinysieve.filtering.data_parameters.trajectories import TrajectoryLog, summarise
from tinysieve.filtering.data_parameters.turning_point import suspicion, turning_point
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.experiments.image_sets import ImageSet
from tinysieve.pipeline.experiments.problem import plant_uniform
from tinysieve.pipeline.experiments.retraining import RETRAINED, WITHOUT, ProgressBars, train_before_and_after
from tinysieve.pipeline.experiments.tempered_training import IntArray, Pictures, Training, TrainingPlan, train

# Names of the trainings, and of their folders.
TRAININGS = (WITHOUT, "with", RETRAINED)


@dataclass(frozen=True)
class CifarNoise:
    """The experiment's settings.

    Args:
        corrupt: share of the training labels that get another class, every other class alike, in (0, 1).
        keep: share of the teaching samples that is kept for the retraining, in (0, 1).
        keep_level: "dataset" drops the most suspect of all, "class" the same share of each class.
        held_out: share of the training set that teaches nothing and says when to read the temperatures.
        images: training images to use, drawn at random; None for all.
        instance, by_class: how temperatures are learnt; without instance ones nothing can be identified.
        plan: of each of the three trainings.
    """

    corrupt: float
    keep: float
    keep_level: Literal["dataset", "class"]
    held_out: float
    images: int | None
    instance: TableSettings | None
    by_class: TableSettings | None
    plan: TrainingPlan

    def __post_init__(self) -> None:
        for name in ("corrupt", "keep", "held_out"):
            if not 0 < getattr(self, name) < 1:
                raise InputError(f"{name} = {getattr(self, name)} is not in (0, 1)")
        if self.images is not None and self.images < 1:
            raise InputError(f"images = {self.images:,}", fix="a count from 1; the command's 0 means all")
        if self.instance is None and self.by_class is None:
            raise InputError("neither instance nor class temperatures to learn")


@dataclass(frozen=True, eq=False)
class CifarNoiseOutcome:
    """What came of it; accuracies are of the true test labels, in [0, 1].

    Args:
        teach: the samples that taught, with the labels that they were given.
        corrupt: bool [N], of those.
        epoch: of the reading, from 0.
        without, with_temperatures, retrained: the trainings; the last None without instance temperatures.
        kept: bool [N], kept for the retraining.
    """

    teach: Pictures
    corrupt: NDArray[np.bool_]
    epoch: int
    without: Training
    with_temperatures: Training
    retrained: Training | None
    kept: NDArray[np.bool_]


def cifar_noise(images: ImageSet, settings: CifarNoise, folder: Path, bars: ProgressBars) -> CifarNoiseOutcome:
    """Run the experiment; a killed one goes on at the last finished epoch.

    Args:
        images: with labels taken as true.
        settings: how.
        folder: receives the trainings' trajectories and states.
        bars: makes a progress callback from a title and a unit.
    """
    teach, held_out, corrupt = _split(images, settings)
    test = Pictures(images.test, images.test_labels, images.classes)

    def run(name: str, pictures: Pictures, instance: TableSettings | None, by_class: TableSettings | None) -> Training:
        temperatures = Temperatures.start(len(pictures.labels), images.classes, instance, by_class)
        log = TrajectoryLog(folder / name, _identity(pictures, settings), len(pictures.labels), settings.plan.epochs)
        with bars(name, "epochs") as report:
            return train(pictures, held_out, test, settings.plan, temperatures, log, report)

    without = run(WITHOUT, teach, None, None)
    tempered = run("with", teach, settings.instance, settings.by_class)
    epoch = turning_point(tempered.held_out_losses)
    kept = np.ones(len(teach.labels), bool)
    if settings.instance is None:
        return CifarNoiseOutcome(teach, corrupt, epoch, without, tempered, None, kept)
    suspect = suspicion(summarise(tempered.trajectories, epoch))
    kept = keep_least_suspect(suspect, teach.labels, settings.keep, settings.keep_level)
    retrained = run(RETRAINED, Pictures(teach.images[kept], teach.labels[kept], images.classes), None, None)
    return CifarNoiseOutcome(teach, corrupt, epoch, without, tempered, retrained, kept)


def retrain_stored(images: ImageSet, settings: CifarNoise, trajectories: NDArray[np.floating], epoch: int, folder: Path,
                   bars: ProgressBars) -> dict[str, Any]:
    """The last steps alone: identify from stored trajectories after an epoch, counted from 1, train on all and on the kept.

    Raises:
        InputError: trajectories of another training, or no such epoch.
    """
    teach, held_out, corrupt = _split(images, settings)
    suspect = suspicion(read_at(trajectories, epoch, len(teach.labels)))
    kept = keep_least_suspect(suspect, teach.labels, settings.keep, settings.keep_level)
    accuracies = train_before_and_after(teach, kept, held_out, Pictures(images.test, images.test_labels, images.classes),
                                        settings.plan, folder, bars)
    return {"corrupt": settings.corrupt, "teaching_images": len(corrupt), "read_after_epoch": epoch,
            "test_accuracy": accuracies,
            "kept": int(kept.sum()), "clean_share_of_kept": float(1 - corrupt[kept].mean()) if kept.any() else None}


def figures(outcome: CifarNoiseOutcome, settings: CifarNoise) -> dict[str, Any]:
    """What the experiment is run for, as plain numbers."""
    at = outcome.epoch
    made: dict[str, Any] = {
        "corrupt": settings.corrupt, "teaching_images": len(outcome.corrupt), "read_after_epoch": at + 1,
        "test_accuracy": {name: {"last": float(training.test_accuracy[-1]), "best": float(training.test_accuracy.max())}
                          for name, training in _trainings(outcome).items()},
    }  # fmt: skip
    made["test_accuracy"]["with"]["at_reading"] = float(outcome.with_temperatures.test_accuracy[at])
    if settings.instance is not None:
        made |= {"identification": _identification(outcome, settings), "kept": int(outcome.kept.sum()),
                 "clean_share_of_kept": float(1 - outcome.corrupt[outcome.kept].mean()) if outcome.kept.any() else None}
    return made


def _identification(outcome: CifarNoiseOutcome, settings: CifarNoise) -> dict[str, dict[str, float]]:
    """AUROC and precision of the top k, k the number of corrupt labels, for the ways to read a trajectory."""
    from sklearn.metrics import roc_auc_score

    last = summarise(outcome.with_temperatures.trajectories, -1)
    read = summarise(outcome.with_temperatures.trajectories, outcome.epoch)
    made = {}
    for name, scores in (("turning_point", suspicion(read)), ("last", suspicion(last)), ("mean", last.mean)):
        top = np.argsort(-scores, kind="stable")[: int(outcome.corrupt.sum())]
        auroc = float(roc_auc_score(outcome.corrupt, scores))
        made[name] = {"auroc": auroc, "precision_top_k": float(outcome.corrupt[top].mean())}
    return made


def _trainings(outcome: CifarNoiseOutcome) -> dict[str, Training]:
    made = (outcome.without, outcome.with_temperatures, outcome.retrained)
    return {name: training for name, training in zip(TRAININGS, made, strict=True) if training is not None}


def plant(images: ImageSet, settings: CifarNoise) -> tuple[IntArray, IntArray, int]:
    """Rows of the training set int64 [n], the labels they are given, and how many of the first are held out.

    Raises:
        InputError: too few images, or not both right and wrong labels among those that teach.
    """
    rng = np.random.default_rng(settings.plan.seed)
    rows = rng.permutation(len(images.train))[: settings.images]
    given = plant_uniform(images.train_labels[rows], settings.corrupt, images.classes, rng)
    out = round(settings.held_out * len(rows))
    if out < 1 or len(rows) - out < settings.plan.batch_size:
        raise InputError(f"{len(rows)} images are too few", fix="use more images, or a smaller batch")
    wrong = int((given != images.train_labels[rows])[out:].sum())
    if not 0 < wrong < len(rows) - out:
        raise InputError(f"with {100 * settings.corrupt:g} % corrupt {wrong:,} of the {len(rows) - out:,} labels that teach are "
                         "wrong", why="the experiment needs both wrong and correct labels",
                         fix="use more images, or another share")
    return rows, given, out


def _split(images: ImageSet, settings: CifarNoise) -> tuple[Pictures, Pictures, NDArray[np.bool_]]:
    """Teaching samples with planted noise, held-out samples with the same noise, and which teaching labels are corrupt."""
    rows, given, out = plant(images, settings)
    held, teach = (Pictures(images.train[part], labels, images.classes)
                   for part, labels in ((rows[:out], given[:out]), (rows[out:], given[out:])))
    return teach, held, np.asarray(teach.labels != images.train_labels[rows[out:]])


def _identity(pictures: Pictures, settings: CifarNoise) -> str:
    digest = hashlib.blake2b(json.dumps(asdict(settings), sort_keys=True).encode(), digest_size=16)
    digest.update(pictures.labels.tobytes())
    digest.update(np.ascontiguousarray(pictures.images[:16]).tobytes())
    return digest.hexdigest()
