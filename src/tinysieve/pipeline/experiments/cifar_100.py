"""CIFAR-100 from its binary files; the Python version is pickled and is not read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinysieve.ground.errors import InputError, MissingRequirement
from tinysieve.pipeline.experiments.image_sets import ImageSet

FOLDER = Path("cifar-100-binary")
CLASSES = 100
_ROW = 2 + 3 * 32 * 32


def cifar_100(folder: Path = FOLDER) -> ImageSet:
    """`train.bin` and `test.bin`: rows of coarse label, fine label (the one used), and 3,072 bytes of colour planes.

    Raises:
        MissingRequirement: a file does not exist.
        InputError: a file is not what it should be.
    """
    train, train_labels = _read(folder / "train.bin")
    test, test_labels = _read(folder / "test.bin")
    return ImageSet("CIFAR-100", train, train_labels, test, test_labels, CLASSES)


def _read(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    if not path.is_file():
        raise MissingRequirement(f"{path.name} does not exist", where=str(path.parent), why="the experiment needs CIFAR-100",
                                 fix="use --data FOLDER with CIFAR-100's binary version (train.bin, test.bin)")
    rows = np.fromfile(path, np.uint8)
    if not len(rows) or len(rows) % _ROW:
        raise InputError(f"{len(rows):,} bytes are not a multiple of {_ROW:,}-byte rows", where=str(path))
    rows = rows.reshape(-1, _ROW)
    labels = rows[:, 1].astype(np.int64)
    if labels.max() >= CLASSES:
        raise InputError(f"label {labels.max()} at row {int(labels.argmax())} is not in 0..{CLASSES - 1}", where=str(path))
    return np.ascontiguousarray(rows[:, 2:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)), labels
