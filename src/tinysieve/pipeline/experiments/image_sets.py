"""Labelled images for experiments: Fashion-MNIST and CIFAR-10 from files that a person has, never downloaded.

What is read came from outside: every header and length is checked, and pickled files are refused.
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinysieve.ground.errors import InputError, MissingRequirement
from tinysieve.pipeline.experiments.cifar_parquet import read_cifar_parquet

Bytes = NDArray[np.uint8]

FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
CIFAR_10 = Path("cifar-10-batches-bin")
CLASSES = 10


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Train and test images of K classes with labels taken as true.

    Args:
        name: for tables and plots.
        train, test: uint8 [N, H, W, C].
        train_labels, test_labels: int64 [N], each 0..K-1.
        classes: K.
    """

    name: str
    train: Bytes
    train_labels: NDArray[np.int64]
    test: Bytes
    test_labels: NDArray[np.int64]
    classes: int


def fashion_mnist(folder: Path = FASHION_MNIST) -> ImageSet:
    """The four idx files, plain or `.gz`, of Fashion-MNIST (or MNIST) in a folder.

    Raises:
        MissingRequirement: a file is not there; says how Debian installs them.
        InputError: a file is not of the idx format.
    """
    parts = {}
    for part, prefix in (("train", "train"), ("test", "t10k")):
        parts[part] = _idx(_found(folder, f"{prefix}-images-idx3-ubyte"), 3)
        parts[part + "_labels"] = _idx(_found(folder, f"{prefix}-labels-idx1-ubyte"), 1)
        _same_length(parts[part], parts[part + "_labels"], folder)
    return _image_set("Fashion-MNIST", parts["train"][..., np.newaxis], parts["train_labels"], parts["test"][..., np.newaxis],
                      parts["test_labels"], folder)


def cifar_10(folder: Path = CIFAR_10) -> ImageSet:
    """CIFAR-10 from its binary files, or from `cifar10*train*.parquet` and `cifar10*test*.parquet` with JPEG images.

    Raises:
        MissingRequirement: neither is there.
        InputError: a file is not what it should be.
    """
    if (folder / "test_batch.bin").exists():
        batches = [_batch(folder / f"data_batch_{number}.bin") for number in range(1, 6)]
        train = np.concatenate([images for images, _ in batches]), np.concatenate([labels for _, labels in batches])
        test = _batch(folder / "test_batch.bin")
    else:
        train = read_cifar_parquet(_one(folder, "cifar10*train*.parquet"))
        test = read_cifar_parquet(_one(folder, "cifar10*test*.parquet"))
    return _image_set("CIFAR-10", train[0], train[1], test[0], test[1], folder)


def _image_set(name: str, train: Bytes, train_labels: Any, test: Bytes, test_labels: Any, folder: Path) -> ImageSet:
    for labels in (train_labels, test_labels):
        if len(labels) == 0 or labels.min() < 0 or labels.max() >= CLASSES:
            raise InputError(f"labels of {name} are not all in 0..{CLASSES - 1}", where=str(folder))
    return ImageSet(name, train, train_labels.astype(np.int64), test, test_labels.astype(np.int64), CLASSES)


def _found(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.exists():
            return path
    raise MissingRequirement(
        f"{name} does not exist, plain or .gz", where=str(folder), why="the experiment needs Fashion-MNIST's idx files",
        fix="on Debian: apt install dataset-fashion-mnist; elsewhere use --data FOLDER",
    )  # fmt: skip


def _idx(path: Path, dimensions: int) -> Bytes:
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"cannot be read: {error}", where=str(path), fix="download it again") from error
    header = 4 + 4 * dimensions
    shape = tuple(int.from_bytes(data[4 + 4 * axis : 8 + 4 * axis], "big") for axis in range(dimensions))
    if data[:4] != bytes([0, 0, 8, dimensions]) or len(data) != header + int(np.prod(shape, dtype=np.int64)):
        raise InputError(f"not an idx file of bytes with {dimensions} dimensions", where=str(path), fix="download it again")
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)


def _batch(path: Path) -> tuple[Bytes, NDArray[Any]]:
    if not path.exists():
        raise MissingRequirement(f"{path.name} does not exist", where=str(path.parent), fix="download CIFAR-10 in binary form")
    try:
        rows = np.fromfile(path, np.uint8)
    except OSError as error:
        raise InputError(f"cannot be read: {error}", where=str(path), fix="download it again") from error
    if not len(rows) or len(rows) % 3073:
        raise InputError(f"{len(rows):,} bytes are not a multiple of 3,073-byte images", where=str(path))
    rows = rows.reshape(-1, 3073)
    return np.ascontiguousarray(rows[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)), rows[:, 0]


def _one(folder: Path, pattern: str) -> Path:
    files = sorted(folder.glob(pattern))
    if len(files) != 1:
        raise MissingRequirement(
            f"{len(files)} files {pattern}", where=str(folder), why="the experiment needs CIFAR-10",
            fix="use --data FOLDER with CIFAR-10's binary files (data_batch_1.bin ...), or with one train and one test Parquet "
                "file that have columns 'jpeg' and 'clean_label'",
        )  # fmt: skip
    return files[0]


def _same_length(images: Bytes, labels: Bytes, folder: Path) -> None:
    if len(images) != len(labels):
        raise InputError(f"{len(images):,} images and {len(labels):,} labels", where=str(folder), fix="download the files again")
