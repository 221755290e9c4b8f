"""Data parameters of a folder of classes, learnt while a network trains on the pixels: trajectories that rise and fall."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tinysieve.dataset.classes import Codes
from tinysieve.filtering.data_parameters.indexed_sgd import TableSettings
from tinysieve.filtering.data_parameters.least_suspect import keep_least_suspect, read_at, refuse_lost_class
from tinysieve.filtering.data_parameters.temperatures import Temperatures
from tinysieve.filtering.data_parameters.trajectories import ARRAY, HalfArray, TrajectoryLog, read_trajectories, summarise
from tinysieve.filtering.data_parameters.triage import RULES, TRIAGE_NAMES, triage
from tinysieve.filtering.data_parameters.turning_point import suspicion, turning_point
from tinysieve.filtering.data_parameters.whose_trajectories import refuse_other_rows
from tinysieve.ground.atomic_files import replacing, write_text
from tinysieve.ground.csv_text import csv_lines
from tinysieve.ground.errors import InputError
from tinysieve.ground.progress import Progress
from tinysieve.pipeline.experiments.class_folders import ClassFolders
from tinysieve.pipeline.experiments.tempered_training import Pictures, TrainingPlan, train

TRIAGE_FILE, SUMMARY, KEPT, UNREAD = "triage.parquet", "data-parameters.json", "kept.csv", "unread.csv"


@dataclass(frozen=True)
class Learning:
    """How temperatures are learnt.

    Args:
        plan: of the network's training.
        instance, by_class: of the temperatures.
        held_out: share of the pictures that teaches nothing and says when to read.
        rule: of the triage, which looks at the last epoch.
    """

    plan: TrainingPlan
    instance: TableSettings
    by_class: TableSettings | None
    held_out: float
    rule: str

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise InputError(f"no triage rule '{self.rule}'", fix="one of " + ", ".join(RULES))
        if not 0 < self.held_out < 1:
            raise InputError(f"held_out = {self.held_out} is not in (0, 1)")


def learn(given: ClassFolders, settings: Learning, folder: Path, progress: Progress) -> tuple[HalfArray, int]:
    """Trajectories float16 [n, epochs] of the pictures that taught, and the epoch to read, from 1; resumes a killed training.

    Raises:
        InputError: too few pictures for a batch.
    """
    teach, out = taught_rows(given, settings)
    if len(teach) < settings.plan.batch_size or not len(out):
        raise InputError(f"{len(given.labels):,} pictures are too few", fix="use more pictures, or a smaller --batch-size")
    classes = len(given.classes)
    digest = hashlib.blake2b(json.dumps(asdict(settings), sort_keys=True).encode(), digest_size=16)
    some = given.images[:: max(1, len(given.images) // 64)]
    for part in (given.labels.tobytes(), "\0".join(given.paths).encode(), some.tobytes()):
        digest.update(part)
    log = TrajectoryLog(folder, digest.hexdigest(), len(teach), settings.plan.epochs)
    temperatures = Temperatures.start(len(teach), classes, settings.instance, settings.by_class)
    taught, held = (Pictures(given.images[rows], given.labels[rows], classes) for rows in (teach, out))
    made = train(taught, held, held, settings.plan, temperatures, log, progress)
    return made.trajectories, turning_point(made.held_out_losses) + 1


def taught_rows(given: ClassFolders, settings: Learning) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows that teach and rows that are held out, each ascending; the same for the same pictures, seed and share."""
    order = np.random.default_rng(settings.plan.seed).permutation(len(given.labels))
    out = max(1, round(settings.held_out * len(order)))
    return np.sort(order[out:]), np.sort(order[:out])


@dataclass(frozen=True, eq=False)
class Read:
    """Trajectories after they were read.

    Args:
        rows: int64 [n], who they are of.
        trajectories: float16 [n, epochs].
        epoch: of the reading, from 1.
        codes: int8 [n], triage by the last epoch.
        suspicion: float64 [n] in [0, 1), by the reading.
    """

    rows: NDArray[np.int64]
    trajectories: HalfArray
    epoch: int
    codes: Codes
    suspicion: NDArray[np.float64]


def read(given: ClassFolders, settings: Learning, trajectories: HalfArray, epoch: int) -> Read:
    """Sort the pictures that taught by their trajectories.

    Raises:
        InputError: trajectories of other pictures, or no such epoch.
    """
    rows, _ = taught_rows(given, settings)
    suspect = suspicion(read_at(trajectories, epoch, len(rows)))
    return Read(rows, trajectories, epoch, triage(summarise(trajectories, -1), RULES[settings.rule]), suspect)


def stored(given: ClassFolders, settings: Learning, file: Path) -> HalfArray:
    """Trajectories of an earlier run: the file, or the folder that it left.

    Raises:
        InputError: of other pictures, or learnt with another seed, which held out others.
    """
    file = file / ARRAY if file.is_dir() else file
    rows, _ = taught_rows(given, settings)
    refuse_other_rows(file, "filepath", [given.paths[row] for row in rows])
    return read_trajectories(file)


def write(given: ClassFolders, settings: Learning, made: Read, folder: Path) -> dict[str, object]:
    """Table, counts and pictures; gives the counts."""
    from tinysieve.pipeline.pictures.trajectories import draw_triage
    from tinysieve.pipeline.pictures.triage import Triage

    last = summarise(made.trajectories, -1)
    order = np.lexsort((made.rows, -made.suspicion))
    rows, labels = made.rows[order], given.labels[made.rows]
    at_reading = read_at(made.trajectories, made.epoch, len(made.rows)).final
    table = pa.table({
        "filepath": np.array(given.paths)[rows], "label": np.array(given.classes)[given.labels[rows]],
        "triage": np.array(TRIAGE_NAMES)[made.codes[order]], "temperature": at_reading[order],
        "final": last.final[order], "highest": last.highest[order], "lowest": last.lowest[order], "mean": last.mean[order],
        "suspicion": made.suspicion[order], "trajectory_row": order,
    })  # fmt: skip
    with replacing(folder / TRIAGE_FILE) as temporary:
        pq.write_table(table, temporary, compression="zstd")
    shown = Triage(lambda row: given.images[made.rows[row]], labels, given.classes, made.codes, last, made.suspicion,
                   made.trajectories, made.epoch - 1)
    draw_triage(shown, folder / "pictures", settings.plan.seed)
    counts: dict[str, object] = {
        "samples": len(made.rows), "epochs": int(made.trajectories.shape[1]), "read_after_epoch": made.epoch,
        "rule": settings.rule, "unread": len(given.unread),
        "triage": {name: {word: int(((labels == label) & (made.codes == code)).sum()) for code, word in enumerate(TRIAGE_NAMES)}
                   for label, name in enumerate(given.classes)}}
    write_text(folder / SUMMARY, json.dumps(counts, indent=1) + "\n")
    write_text(folder / UNREAD, csv_lines([["filepath", "reason"], *map(list, given.unread)]))
    return counts


def kept_of(given: ClassFolders, made: Read, share: float, per_class: bool) -> NDArray[np.bool_]:
    """bool [n]: the least suspect of the pictures that taught.

    Raises:
        InputError: no picture of a class is left.
    """
    labels = given.labels[made.rows]
    kept = keep_least_suspect(made.suspicion, labels, share, "class" if per_class else "dataset")
    refuse_lost_class(labels, kept, given.classes, share)
    return kept


def write_kept(given: ClassFolders, made: Read, kept: NDArray[np.bool_], folder: Path) -> int:
    """A table of the least suspect pictures, to retrain on; gives their number. What was held out is not judged, and stays."""
    rows = np.sort(np.concatenate([made.rows[kept], np.setdiff1d(np.arange(len(given.labels)), made.rows)]))
    lines: list[list[object]] = [["filepath", "label"], *([given.paths[row], given.classes[given.labels[row]]] for row in rows)]
    write_text(folder / KEPT, csv_lines(lines))
    return len(rows)
