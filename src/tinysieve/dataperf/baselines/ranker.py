"""What a ranking of the debugging benchmark may look at, and what it gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tinysieve.dataperf.debugging_data import read_rows
from tinysieve.dataperf.debugging_setup import DebuggingSetup, TaskSetup
from tinysieve.dataperf.submissions import Order
from tinysieve.ground.arrays import FloatArray, IntArray
from tinysieve.ground.errors import InputError


@dataclass(frozen=True, eq=False)
class RankingEvidence:
    """All that a ranking sees of a task: no true label of a train row, nothing of the test rows.

    Args:
        train: float32 [N, D].
        labels: int64 [N], the noisy ones, 0 or 1.
        val: float32 [M, D].
        val_labels: int64 [M], trusted, 0 or 1.
    """

    train: FloatArray
    labels: IntArray
    val: FloatArray
    val_labels: IntArray


Ranker = Callable[[RankingEvidence, np.random.Generator], Order]
"""Gives every train row once, the one to inspect first in front."""


def load_evidence(setup: DebuggingSetup, task: TaskSetup) -> RankingEvidence:
    """Read what a ranking may see of a task.

    Raises:
        InputError: a file is missing or wrong, or train and val differ in dimensions.
    """
    train, val = (read_rows(setup.embeddings_of(task, split)) for split in ("train", "val"))
    if train.features.shape[1] != val.features.shape[1]:
        raise InputError(f"train has {train.features.shape[1]} dimensions and val {val.features.shape[1]}",
                         where=str(setup.embeddings_of(task, "val")), fix="use embeddings of one backbone")
    return RankingEvidence(train.features, train.labels, val.features, val.labels)
