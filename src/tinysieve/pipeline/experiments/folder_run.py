"""Runs data parameters on a folder of classes for the command."""

from __future__ import annotations

from dataclasses import dataclass
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
    kept_of,
    learn,
    read,
    stored,
    write,
    write_kept,
)
from tinysieve.pipeline.experiments.folder_retraining import read_test_folder, retrain
from tinysieve.pipeline.experiments.tempered_training import TrainingPlan

_RATE, _HELD_OUT = 0.1, 0.1


@dataclass(frozen=True)
class Keeping:
    """What becomes of the least suspect pictures.

    Args:
        share: of the pictures that taught, to keep; in (0, 1).
        per_class: whether the share holds within each class.
        test: folder of pictures with true labels, a folder a class: the network is trained on all and on the kept, and judged.

    Raises:
        InputError: a share that keeps nobody or everybody.
    """

    share: float
    per_class: bool
    test: Path | None

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise InputError(f"--keep {self.share:g} is not between 0 and 1",
                             fix="0.6 keeps the three fifths that are least suspect")


def run_folder(
    images: Path, side: int, epochs: int, batch_size: int, instance_rate: float, seed: int, earlier: Path | None,
    read_epoch: int | None, keeping: Keeping | None, out: Path,
) -> dict[str, object]:
    """Learn, or read what was learnt; write table and pictures into `out`, and keep and retrain if asked. Gives the counts.

    Raises:
        InputError: a folder without classes, numbers that make no training, or trajectories of other pictures.
    """
    plan = TrainingPlan("small", epochs, batch_size, _RATE, seed)
    settings = Learning(plan, TableSettings(learning_rate=instance_rate), None, _HELD_OUT, "tsne_plots")
    check_folder(out, (TRIAGE_FILE, SUMMARY, KEPT, UNREAD))
    with progress("pictures") as report:
        given = read_class_folders(images, side, report)
    test = None if keeping is None or keeping.test is None else read_test_folder(keeping.test, images, given)
    if earlier is not None and read_epoch is not None:
        made = read(given, settings, stored(given, settings, earlier), read_epoch)
    else:
        load_keras()
        with progress("temperatures", "epochs") as report:
            trajectories, epoch = learn(given, settings, out, report)
        made = read(given, settings, trajectories, epoch)
    counts = write(given, settings, made, out)
    if keeping is None:
        return counts
    kept = kept_of(given, made, keeping.share, keeping.per_class)
    counts |= {"kept": write_kept(given, made, kept, out)}
    return counts if test is None else counts | {"retraining": retrain(given, settings, made, kept, test, out)}
