"""The second of the published steps: of the samples that were identified, keep those that are least suspect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tinysieve.filtering.data_parameters.trajectories import TrajectorySummary, summarise
from tinysieve.ground.errors import InputError


def keep_least_suspect(
    suspect: NDArray[np.floating], labels: NDArray[np.integer], share: float, level: Literal["dataset", "class"]
) -> NDArray[np.bool_]:
    """bool [N]: the share of the samples that is least suspect, over all or within each class; ties go to the earlier row.

    >>> keep_least_suspect(np.array([0.1, 0.9, 0.2, 0.3]), np.array([0, 0, 1, 1]), 0.5, "class").tolist()
    [True, False, True, False]
    """
    kept = np.zeros(len(labels), bool)
    groups = [np.arange(len(labels))] if level == "dataset" else [np.flatnonzero(labels == label) for label in np.unique(labels)]
    for members in groups:
        order = members[np.argsort(suspect[members], kind="stable")]
        kept[order[: round(share * len(members))]] = True
    return kept


def refuse_lost_class(labels: NDArray[np.integer], kept: NDArray[np.bool_], names: Sequence[str], share: float) -> None:
    """Refuse what leaves no sample of a class.

    Args:
        labels: int [N], each an index into `names`.
        kept: bool [N].
        names: of the classes.
        share: that was asked for.

    Raises:
        InputError: names the classes.
    """
    lost = [names[label] for label in np.setdiff1d(labels, labels[kept])]
    if lost:
        raise InputError(f"--keep {share:g} leaves nothing of {', '.join(lost)}", why="nothing can be learnt of such a class",
                         fix="keep more, or the same share of each class: --per-class")


def read_at(trajectories: NDArray[np.floating], epoch: int, samples: int) -> TrajectorySummary:
    """Stored trajectories as they were after an epoch, counted from 1 as the commands print it.

    Args:
        trajectories: float [N, epochs].
        epoch: 1..epochs.
        samples: the N that they must be of.

    Raises:
        InputError: of other samples, or no such epoch.
    """
    if len(trajectories) != samples:
        raise InputError(f"trajectories of {len(trajectories):,} samples, but there are {samples:,}", where="--from",
                         why="row i of both must be the same sample", fix="use those that were learnt on these samples")
    if not 1 <= epoch <= trajectories.shape[1]:
        raise InputError(f"epoch {epoch} of {trajectories.shape[1]}", where="--read-epoch", fix="epochs are counted from 1")
    return summarise(trajectories, epoch - 1)
