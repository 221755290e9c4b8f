"""Data parameters on frozen features: a linear head and a temperature a sample, a million samples in minutes on two cores."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinysieve.filtering.data_parameters.gradients import tempered_cross_entropy
from tinysieve.filtering.data_parameters.indexed_sgd import TableSettings
from tinysieve.filtering.data_parameters.linear_head import LinearHead
from tinysieve.filtering.data_parameters.row_stream import BUFFER_ROWS, IntArray, RowStream
from tinysieve.filtering.data_parameters.temperatures import Temperatures
from tinysieve.filtering.data_parameters.trajectories import Arrays, HalfArray, TrajectoryLog
from tinysieve.ground.errors import InputError
from tinysieve.ground.progress import Progress


@dataclass(frozen=True)
class LinearFitSettings:
    """How the head and the temperatures learn.

    The head's learning rate is for rows of length 1 (see RowStream). The instances' rate of 1.0 is what the public fork used
    on a pretrained network for twenty epochs; the published 0.2 is meant for 120. `instance` None learns no temperatures.

    Raises:
        InputError: a value is out of range.
    """

    epochs: int = 30
    batch_size: int = 128
    learning_rate: float = 0.2
    momentum: float = 0.9
    weight_decay: float = 5e-4
    instance: TableSettings | None = field(default_factory=lambda: TableSettings(learning_rate=1.0))
    by_class: TableSettings | None = None

    def __post_init__(self) -> None:
        positive = self.epochs >= 1 and self.batch_size >= 1 and self.learning_rate > 0
        if not (positive and 0 <= self.momentum < 1 and self.weight_decay >= 0):
            raise InputError(f"{self} is out of range", fix="epochs and batch size from 1, rates above 0, momentum in [0, 1)")


@dataclass(eq=False)
class LinearTrainer:
    """A head and temperatures on the way; they move in place.

    Args:
        stream: features of M labelled rows.
        labels: int64 [M], 0..K-1.
        settings: how they learn.
        seed: the order of epoch e is drawn from (seed, e) alone.
    """

    stream: RowStream
    labels: IntArray
    settings: LinearFitSettings
    seed: int
    head: LinearHead = field(init=False)
    temperatures: Temperatures = field(init=False)

    def __post_init__(self) -> None:
        classes = int(self.labels.max()) + 1
        self.head = LinearHead.zero(self.stream.dim, classes)
        self.temperatures = Temperatures.start(len(self.labels), classes, self.settings.instance, self.settings.by_class)

    def run_epoch(self, epoch: int, places: IntArray | None = None) -> float:
        """Visit every place (or those given) once; gives the mean tempered loss in nats."""
        settings, total, count = self.settings, 0.0, 0
        for rows, features in self.stream.epoch(np.random.default_rng([self.seed, epoch]), settings.batch_size, places):
            made = self.temperatures.learn(self.head.logits(features), rows, self.labels[rows], settings.batch_size)
            gradient = made.logit_gradient / settings.batch_size
            self.head.step(features, gradient, settings.learning_rate, settings.momentum, settings.weight_decay)
            total, count = total + float(made.loss.sum()), count + len(rows)
        return total / count

    def logits_of(self, places: IntArray) -> NDArray[np.float32]:
        """float32 [n, K] of the places int [n]."""
        starts = range(0, len(places), BUFFER_ROWS)
        return np.concatenate([self.head.logits(self.stream.take(places[start : start + BUFFER_ROWS])) for start in starts])

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Everything that moves."""
        return {f"head.{name}": array for name, array in vars(self.head).items()} | self.temperatures.state()

    def restore(self, state: Arrays) -> None:
        """Take up what `state` gave."""
        for name, array in self.state().items():
            array[...] = state[name]


def fit_linear(
    stream: RowStream,
    labels: IntArray,
    settings: LinearFitSettings,
    seed: int,
    fingerprint: str,
    folder: Path,
    progress: Progress,
) -> HalfArray:
    """Learn a temperature for each sample; resumed after a kill at the last finished epoch.

    Args:
        stream: features of M labelled rows.
        labels: int64 [M], 0..K-1.
        settings: how.
        seed: of the order.
        fingerprint: of the features; a state of other features is not continued.
        folder: receives `trajectories.npy`.
        progress: told (samples visited, samples to visit) after each epoch.

    Returns:
        float16 [M, epochs], sigma of each sample after each epoch, a read-only memory map.
    """
    check_labels(labels, len(stream))
    trainer = LinearTrainer(stream, labels, settings, seed)
    table = trainer.temperatures.instance
    if table is None:
        raise InputError("no instance temperatures to follow", fix="give the settings an instance part")
    log = TrajectoryLog(folder, _identity(labels, settings, seed, fingerprint), len(labels), settings.epochs)
    done, state = log.resume()
    if done:
        trainer.restore(state)
    for epoch in range(done, settings.epochs):
        trainer.run_epoch(epoch)
        log.append(epoch, np.exp(table.log_sigma), trainer.state())
        progress((epoch + 1) * len(labels), settings.epochs * len(labels))
    return log.finish()


def held_out_losses(
    stream: RowStream, labels: IntArray, settings: LinearFitSettings, seed: int, share: float, progress: Progress
) -> NDArray[np.float32]:
    """Losses after each epoch of a like fit that leaves out a share of the samples, for `turning_point`.

    Args:
        stream, labels, settings, seed: as for `fit_linear`.
        share: of the samples to leave out, in (0, 1); at least one, at most all but one.
        progress: as for `fit_linear`.

    Returns:
        float32 [epochs, n], nats, of each sample that was left out; temperatures not used.
    """
    check_labels(labels, len(stream))
    if not 0 < share < 1 or len(labels) < 2:
        raise InputError(f"a share {share} of {len(labels)} samples cannot be held out", fix="a share in (0, 1) of 2 or more")
    trainer = LinearTrainer(stream, labels, settings, seed)
    mixed = np.random.default_rng([seed, settings.epochs, 1]).permutation(len(labels))
    out = min(max(round(share * len(labels)), 1), len(labels) - 1)
    held, teaching = np.sort(mixed[:out]), np.sort(mixed[out:])
    losses, ones = [], np.ones(out, np.float32)
    for epoch in range(settings.epochs):
        trainer.run_epoch(epoch, teaching)
        losses.append(tempered_cross_entropy(trainer.logits_of(held), labels[held], ones).loss)
        progress((epoch + 1) * len(teaching), settings.epochs * len(teaching))
    return np.array(losses, np.float32)


def check_labels(labels: NDArray[np.integer], count: int) -> None:
    """Refuse labels that cannot be learnt.

    Raises:
        InputError: another length than the features, a negative label, or a single class.
    """
    if len(labels) != count:
        raise InputError(f"{len(labels)} labels for {count} rows of features")
    if labels.min() < 0:
        raise InputError(f"label {labels.min()} at row {int(labels.argmin())}", fix="leave out samples without a label")
    if labels.min() == labels.max():
        raise InputError(f"every label is {labels[0]}", why="a classifier needs two classes", fix="give labels of both")


def _identity(labels: IntArray, settings: LinearFitSettings, seed: int, fingerprint: str) -> str:
    digest = hashlib.blake2b(json.dumps([asdict(settings), seed, fingerprint], sort_keys=True).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(labels).tobytes())
    return digest.hexdigest()
