"""Runs data parameters on a folder of classes for the command."""

from __future__ import annotations

from pathlib import Path

from tinysieve.filtering.data_parameters.indexed_sgd import TableSettings
from tinysieve.ground.atomic_files import check_folder
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.quiet_imports import load_keras
from tinysieve.pipeline.experiments.class_folders import read_class_folders
from tinysieve.pipeline.experiments.folder_parameters import (
    KEPT,
    SUMMARY,
    TRIAGE_FILE,
    UNREAD,
    Learning,
    learn,
    read,
    stored,
    write,
    write_kept,
)
from tinysieve.pipeline.experiments.tempered_training import TrainingPlan

_RATE, _HELD_OUT = 0.1, 0.1


def run_folder(
    images: Path, side: int, epochs: int, batch_size: int, instance_rate: float, seed: int, earlier: Path | None,
    read_epoch: int | None, keep: float | None, per_class: bool, out: Path,
) -> dict[str, object]:
    """Learn, or read what was learnt; write table and pictures into `out`, and what to keep if asked. Gives the counts.

    Raises:
        InputError: a folder without classes, numbers that make no training, or trajectories of other pictures.
    """
    if keep is not None and not 0 < keep < 1:
        raise InputError(f"--keep {keep:g} is not between 0 and 1", fix="0.6 keeps the three fifths that are least suspect")
    plan = TrainingPlan("small", epochs, batch_size, _RATE, seed)
    settings = Learning(plan, TableSettings(learning_rate=instance_rate), None, _HELD_OUT, "tsne_plots")
    check_folder(out, (TRIAGE_FILE, SUMMARY, KEPT, UNREAD))
    with progress("pictures") as report:
        given = read_class_folders(images, side, report)
    if earlier is not None and read_epoch is not None:
        made = read(given, settings, stored(earlier), read_epoch)
    else:
        load_keras()
        with progress("temperatures", "epochs") as report:
            trajectories, epoch = learn(given, settings, out, report)
        made = read(given, settings, trajectories, epoch)
    counts = write(given, settings, made, out)
    return counts if keep is None else counts | {"kept": write_kept(given, made, keep, per_class, out)}
