"""The fit: fixed recipe, best-on-validation weights; a kill costs at most one epoch and changes nothing.

After every epoch one atomic file holds weights, optimizer state and history. What an epoch does depends on (seed,
epoch) and that state alone, so a resumed run ends in the bytes of an unbroken one on the same machine (same backend,
same threads).
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tinysieve.ground.errors import InputError
from tinysieve.ground.progress import Progress
from tinysieve.training.checkpoint import EpochRecord, load_state, load_weights, save_state, save_weights
from tinysieve.training.curves import log_tensorboard, log_time, write_history
from tinysieve.training.labelled_images import LabelledImages, check_disjoint
from tinysieve.training.mcunet import build_mcunet
from tinysieve.training.recipe import Recipe

if TYPE_CHECKING:
    import keras

ModelBuilder = Callable[[int], "keras.Model"]

WEIGHTS_NAME = "weights.npz"
STATE_NAME = "state.npz"


@dataclass(frozen=True)
class FitResult:
    """What a training run gave.

    Args:
        recipe: that was used.
        seed: of weights, order and augmentation.
        best_epoch: 1-based epoch whose weights were kept (the first of equals).
        best_validation_accuracy: of those weights, fraction in [0, 1].
        history: one record an epoch.
        weights_path: the kept weights, for `trained_mcunet`.
    """

    recipe: Recipe
    seed: int
    best_epoch: int
    best_validation_accuracy: float
    history: tuple[EpochRecord, ...]
    weights_path: Path


def fit(
    train: LabelledImages,
    validation: LabelledImages,
    recipe: Recipe,
    seed: int,
    folder: Path,
    progress: Progress,
    build: ModelBuilder = build_mcunet,
) -> FitResult:
    """Train, or go on training where a killed run stopped.

    Args:
        train: images to learn from; labels 0 or 1 only.
        validation: images that choose the best epoch; no row of `train` among them.
        recipe: hyper-parameters, unchanged.
        seed: of everything random, 0 or more.
        folder: for weights, state and curves; a state of the same run in it is continued.
        progress: called with (images seen, images in all epochs), those of the validation too, first with what an earlier run
            had done.
        build: makes the network from a seed; MCUNet outside of tests.

    Raises:
        InputError: a class or a split is missing, splits overlap, the folder holds another run, or the loss is no
            number.
    """
    _check(train, validation, seed)
    from tinysieve.training.epochs import fresh_model

    model = fresh_model(build, recipe, seed)
    identity = _identity(train, validation, recipe, seed, model)
    history = _resume(model, identity, folder)
    both = len(train) + len(validation)
    progress(len(history) * both, recipe.epochs * both)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for epoch in range(len(history) + 1, recipe.epochs + 1):
            started = time.monotonic()
            history.append(_one_epoch(model, train, validation, recipe, seed, epoch, threads, progress))
            _keep(model, history, identity, folder)
            log_time(folder, epoch, time.monotonic() - started, len(train))
    best = _best(history)
    return FitResult(recipe, seed, best.epoch, best.validation_accuracy, tuple(history), folder / WEIGHTS_NAME)


def trained_mcunet(weights_path: Path) -> keras.Model:
    """MCUNet with the weights that a fit kept, ready to convert: float32 [N, 144, 144, 3], 0..255 -> logits [N, 2]."""
    model = build_mcunet()
    load_weights(model, weights_path)
    return model


def _check(train: LabelledImages, validation: LabelledImages, seed: int) -> None:
    if seed < 0:
        raise InputError(f"seed = {seed} is negative", fix="use 0 or more")
    train.check()
    validation.check()
    check_disjoint(train, validation)


def _identity(
    train: LabelledImages, validation: LabelledImages, recipe: Recipe, seed: int, model: keras.Model
) -> str:
    """What must be the same for two runs to be one run."""
    import keras

    parts = [train.digest(), validation.digest(), recipe.digest, seed, model.count_params(), keras.backend.backend()]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _resume(model: keras.Model, identity: str, folder: Path) -> list[EpochRecord]:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / STATE_NAME
    return load_state(model, identity, path) if path.exists() else []


def _one_epoch(
    model: keras.Model,
    train: LabelledImages,
    validation: LabelledImages,
    recipe: Recipe,
    seed: int,
    epoch: int,
    threads: ThreadPoolExecutor,
    progress: Progress,
) -> EpochRecord:
    from tinysieve.training.batches import EpochBatches
    from tinysieve.training.epochs import loss_and_accuracy, predict_logits, train_epoch

    both = len(train) + len(validation)
    before, total = (epoch - 1) * both, recipe.epochs * both
    batches = EpochBatches(train, recipe, seed=seed, epoch=epoch, threads=threads)
    train_loss, train_accuracy = train_epoch(
        model, batches, recipe.batch_size, lambda seen: progress(before + min(seen, len(train)), total)
    )
    logits = predict_logits(
        model, validation, lambda seen: progress(before + len(train) + min(seen, len(validation)), total)
    )
    loss, accuracy = loss_and_accuracy(logits, validation.labels)
    if not (math.isfinite(train_loss) and math.isfinite(loss)):
        raise InputError(
            f"the loss is not a number: {train_loss} in training, {loss} in validation",
            where=f"epoch {epoch} of recipe {recipe.name!r}",
            fix=f"learning_rate {recipe.learning_rate} is too large for this data",
        )
    return EpochRecord(epoch, train_loss, train_accuracy, loss, accuracy)


def _keep(model: keras.Model, history: list[EpochRecord], identity: str, folder: Path) -> None:
    """Weights first, state last: a kill in between repeats the epoch, which writes the same weights again."""
    if _best(history) is history[-1]:
        save_weights(model, folder / WEIGHTS_NAME)
    write_history(folder, history)
    save_state(model, history, identity, folder / STATE_NAME)
    log_tensorboard(folder, history[-1])


def _best(history: Sequence[EpochRecord]) -> EpochRecord:
    return max(history, key=lambda record: (record.validation_accuracy, -record.epoch))
