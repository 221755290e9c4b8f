"""Is the kept part of a folder of classes worth more than all of it? Judged on another folder, whose labels are right."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinysieve.ground.atomic_files import write_text
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.quiet_imports import load_keras
from tinysieve.pipeline.experiments.class_folders import ClassFolders, read_class_folders
from tinysieve.pipeline.experiments.folder_parameters import Learning, Read, taught_rows
from tinysieve.pipeline.experiments.retraining import train_before_and_after
from tinysieve.pipeline.experiments.tempered_training import Pictures

RETRAINED_FIGURES = "retrained.json"


def read_test_folder(test: Path, images: Path, given: ClassFolders) -> Pictures:
    """Pictures of `test`, a folder a class, with the codes of the classes that teach.

    Raises:
        InputError: a class that does not teach, a picture that cannot be read, or the photos that teach themselves.
    """
    if test.resolve() == images.resolve():
        raise InputError("--test is the folder that teaches", where=str(test), why="a network knows what it has learnt by heart",
                         fix="give a folder of other photos, whose labels are right")
    with progress("test pictures") as report:
        found = read_class_folders(test, given.images.shape[1], report)
    strange = sorted(set(found.classes) - set(given.classes))
    if strange:
        raise InputError(f"class {strange[0]!r} of the test pictures teaches nothing", where=str(test),
                         fix=f"name its folders as those of {images}: {', '.join(given.classes)}")
    if found.unread:
        raise InputError(f"{len(found.unread):,} test pictures cannot be read: {found.unread[0][1]}",
                         where=str(test / found.unread[0][0]), why="a test set must not change quietly",
                         fix="mend or remove them")
    codes = np.array([given.classes.index(name) for name in found.classes], np.int64)
    return Pictures(found.images, codes[found.labels], len(given.classes))


def retrain(given: ClassFolders, settings: Learning, made: Read, kept: NDArray[np.bool_], test: Pictures,
            folder: Path) -> dict[str, object]:
    """Train on all pictures that taught and on the kept ones; gives the test accuracies, and writes them.

    Args:
        given: the pictures.
        settings: their plan is that of both trainings.
        made: which rows taught.
        kept: bool [n], of those.
        test: true labels.
        folder: receives the trainings' states.
    """
    load_keras()
    _, held = taught_rows(given, settings)
    teach, held_out = (Pictures(given.images[rows], given.labels[rows], test.classes) for rows in (made.rows, held))
    accuracies = train_before_and_after(teach, kept, held_out, test, settings.plan, folder, progress)
    figures: dict[str, object] = {"taught": len(kept), "kept": int(kept.sum()), "test_pictures": len(test.labels),
                                  "test_accuracy": accuracies}
    write_text(folder / RETRAINED_FIGURES, json.dumps(figures, indent=1) + "\n")
    return figures
