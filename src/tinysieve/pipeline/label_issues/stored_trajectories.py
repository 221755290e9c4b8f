"""Data parameters, the steps apart: read stored trajectories at a chosen epoch, keep the least suspect, as a version."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa

from tinysieve.dataset.classes import UNLABELED
from tinysieve.dataset.decisions import drop
from tinysieve.dataset.versions import apply_decisions
from tinysieve.filtering.data_parameters.least_suspect import keep_least_suspect, read_at, refuse_lost_class
from tinysieve.filtering.data_parameters.trajectories import read_trajectories
from tinysieve.filtering.data_parameters.turning_point import suspicion
from tinysieve.filtering.data_parameters.whose_trajectories import refuse_other_rows
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.engine.stages import Run, locked
from tinysieve.pipeline.stages.ingest import samples_of, versions_of

Level = Literal["dataset", "class"]


@dataclass(frozen=True)
class LeastSuspect:
    """What was kept.

    Args:
        version: id of the new version, now current.
        parent: id of the version that it was made from.
        samples: labelled train samples with a trajectory.
        kept: how many of them.
        read_epoch: counted from 1.
        by_class: samples and kept of each class.
    """

    version: str
    parent: str
    samples: int
    kept: int
    read_epoch: int
    by_class: dict[str, tuple[int, int]]


def keep_stored(run: Run, file: Path, epoch: int, share: float, level: Level) -> LeastSuspect:
    """Drop the most suspect of the labelled train samples from the current version.

    Args:
        run: its ingest has finished.
        file: `trajectories.npy` of all labelled train samples in table order, as `data-parameters` stores them.
        epoch: when to read, from 1.
        share: of the samples to keep, in (0, 1).
        level: whether the share holds for all samples together, or within each class.

    Raises:
        InputError: trajectories of other samples, no such epoch, or a share that keeps nobody or everybody or loses a class.
    """
    if not 0 < share < 1:
        raise InputError(f"--keep {share:g} is not between 0 and 1", fix="0.6 keeps the three fifths that are least suspect")
    with locked(run.folder):
        samples, store = samples_of(run), versions_of(run)
        rows = np.flatnonzero(samples.in_split("train") & (samples.labels > UNLABELED))
        labels = samples.labels[rows]
        refuse_other_rows(file, "sample_id", samples.sample_ids.take(pa.array(rows)).to_pylist())
        kept = keep_least_suspect(suspicion(read_at(read_trajectories(file), epoch, len(rows))), labels, share, level)
        refuse_lost_class(labels, kept, samples.classes.in_code_order, share)
        parent = store.load("HEAD")
        gone = rows[~kept]
        gone = gone[parent.labels[gone] > UNLABELED]
        words = f"temperatures read after epoch {epoch}"
        made = apply_decisions(samples, parent, drop(gone, "data_parameters", f"among the most suspect by {words}"),
                               f"{kept.sum():,} least suspect of {len(rows):,} by {words}", frozenset({"validation"}))
        store.save(made)
    by_class = {name: (int((labels == code).sum()), int((kept & (labels == code)).sum()))
                for code, name in enumerate(samples.classes.in_code_order)}
    return LeastSuspect(made.id, parent.id, len(rows), int(kept.sum()), epoch, by_class)
