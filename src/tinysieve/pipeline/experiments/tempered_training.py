"""One training of the CIFAR experiment: a network on given labels, with or without data parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinysieve.filtering.data_parameters.keras_trainer import KerasTrainer
from tinysieve.filtering.data_parameters.temperatures import Temperatures
from tinysieve.filtering.data_parameters.trajectories import HalfArray, TrajectoryLog
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.experiments.cifar_networks import NETWORKS

IntArray = NDArray[np.int64]
Bytes = NDArray[np.uint8]

MOMENTUM, PAD = 0.9, 4
# The published runs divide the rate by ten at epochs 80 and 100 of 120.
DROPS = (80 / 120, 100 / 120)


@dataclass(frozen=True)
class TrainingPlan:
    """How a network is trained.

    Args:
        network: a name in NETWORKS.
        epochs, batch_size: counts, from 1.
        learning_rate: of the network, in the beginning; above 0.
        seed: of weights, order and augmentation, in 0..2^32 - 1.

    Raises:
        InputError: a value is out of range.
    """

    network: str
    epochs: int
    batch_size: int
    learning_rate: float
    seed: int

    def __post_init__(self) -> None:
        sound = {"epochs": self.epochs >= 1, "batch_size": self.batch_size >= 1,
                 "learning_rate": 0 < self.learning_rate < np.inf, "seed": 0 <= self.seed < 2**32}  # fmt: skip
        for name in (name for name, fits in sound.items() if not fits):
            raise InputError(f"{name} = {getattr(self, name)}",
                             fix="epochs and batch size from 1, a learning rate above 0, a seed in 0..4294967295")

    def rate(self, epoch: int) -> float:
        """Learning rate of an epoch, counted from 0."""
        return self.learning_rate * 0.1 ** sum(epoch >= round(drop * self.epochs) for drop in DROPS)


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures with labels: images uint8 [N, S, S, 3], labels int64 [N] in 0..classes-1."""

    images: Bytes
    labels: IntArray
    classes: int


@dataclass(frozen=True, eq=False)
class Training:
    """What a training gave.

    Args:
        test_accuracy: float64 [epochs], on true labels.
        held_out_losses: float32 [epochs, n], on the given labels of samples that taught nothing.
        trajectories: float16 [N, epochs], all 1 where no instance temperatures were learnt.
    """

    test_accuracy: NDArray[np.float64]
    held_out_losses: NDArray[np.float32]
    trajectories: HalfArray


def train(
    teach: Pictures, held_out: Pictures, test: Pictures, plan: TrainingPlan, temperatures: Temperatures, log: TrajectoryLog,
    progress: Callable[[int, int], None],
) -> Training:
    """Train from scratch, or go on where a killed run stopped.

    Args:
        teach: what is learnt; `temperatures` and `log` have its length.
        held_out: given labels that teach nothing.
        test: true labels.
        plan: how.
        temperatures: start values; they move.
        log: where trajectories and state are kept.
        progress: told (epochs done, epochs).
    """
    import keras

    model = NETWORKS[plan.network](teach.classes, plan.seed, teach.images.shape[1])
    trainer = KerasTrainer(model, keras.optimizers.SGD(plan.learning_rate, momentum=MOMENTUM), temperatures, plan.batch_size)
    done, state = log.resume()
    accuracies, losses = np.zeros(plan.epochs), np.zeros((plan.epochs, len(held_out.labels)), np.float32)
    if done:
        trainer.restore(state)
        accuracies[:done], losses[:done] = state["accuracies"][:done], state["losses"][:done]
    for epoch in range(done, plan.epochs):
        trainer.set_learning_rate(plan.rate(epoch))
        for rows, images in batches(teach.images, plan, epoch):
            trainer.step(images, teach.labels[rows], rows)
        accuracies[epoch] = (trainer.logits(test.images).argmax(axis=1) == test.labels).mean()
        losses[epoch] = trainer.losses(held_out.images, held_out.labels)
        log.append(epoch, _sigma(temperatures, len(teach.labels)), trainer.state() | {"accuracies": accuracies, "losses": losses})
        progress(epoch + 1, plan.epochs)
    return Training(accuracies, losses, log.finish())


def batches(images: Bytes, plan: TrainingPlan, epoch: int) -> Iterator[tuple[IntArray, Bytes]]:
    """Rows and augmented pictures of an epoch: shuffled, mirrored at random, shifted by up to PAD pixels."""
    rng = np.random.default_rng([plan.seed, epoch])
    order = rng.permutation(len(images))
    for start in range(0, len(order), plan.batch_size):
        rows = order[start : start + plan.batch_size]
        yield rows, shifted(images[rows], rng.integers(0, 2 * PAD + 1, (len(rows), 2)), rng.random(len(rows)) < 0.5)


def shifted(images: Bytes, corner: NDArray[np.integer], mirrored: NDArray[np.bool_]) -> Bytes:
    """Crop each picture out of itself with PAD black pixels around.

    Args:
        images: uint8 [B, H, W, C].
        corner: int [B, 2], row and column 0..2 * PAD where the crop begins; PAD is no shift.
        mirrored: bool [B], left and right exchanged afterwards.

    Returns:
        uint8 [B, H, W, C].
    """
    height, width = images.shape[1:3]
    padded = np.pad(images, ((0, 0), (PAD, PAD), (PAD, PAD), (0, 0)))
    rows = corner[:, :1] + np.arange(height)
    columns = corner[:, 1:] + np.arange(width)
    columns = np.where(mirrored[:, np.newaxis], columns[:, ::-1], columns)
    return np.asarray(padded[np.arange(len(images))[:, np.newaxis, np.newaxis], rows[:, :, np.newaxis], columns[:, np.newaxis]])


def _sigma(temperatures: Temperatures, count: int) -> NDArray[np.float32]:
    return np.ones(count, np.float32) if temperatures.instance is None else np.exp(temperatures.instance.log_sigma)
