"""The rows of a debugging task: embeddings, noisy labels and, for whoever may see them, the true ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from tinysieve.dataperf.debugging_setup import DebuggingSetup, TaskSetup
from tinysieve.dataset.samples import Mask
from tinysieve.dataset.sources.tables import read_table
from tinysieve.ground.arrays import FloatArray, IntArray
from tinysieve.ground.errors import InputError


@dataclass(frozen=True, eq=False)
class LabelledRows:
    """Rows of one split: `features` float32 [N, D], `labels` int64 [N] in {0, 1}, `filenames` of length N."""

    features: FloatArray
    labels: IntArray
    filenames: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class DebuggingTask:
    """What the evaluation of one task needs.

    Args:
        data_id: name of the task.
        budget: rows that a submission may have inspected.
        train: rows with the noisy labels.
        true_labels: int64 [N], what a person would find.
        test: rows that the accuracy is measured on.
    """

    data_id: str
    budget: int
    train: LabelledRows
    true_labels: IntArray
    test: LabelledRows


def load_task(setup: DebuggingSetup, task: TaskSetup) -> DebuggingTask:
    """Read what the evaluation of a task needs.

    Raises:
        InputError: a file is missing or not what it must be, or train and test differ in dimensions.
    """
    train, test = (read_rows(setup.embeddings_of(task, split)) for split in ("train", "test"))
    if train.features.shape[1] != test.features.shape[1]:
        raise InputError(f"train has {train.features.shape[1]} dimensions and test {test.features.shape[1]}",
                         where=str(setup.embeddings_of(task, "test")), fix="use embeddings of one backbone")
    truth = read_true_labels(setup.groundtruth_of(task), train.filenames)
    return DebuggingTask(task.data_id, task.train_size, train, truth, test)


def read_rows(path: Path) -> LabelledRows:
    """Read Parquet with the columns `filename`, `encoding` (a list of numbers) and `label` (0 or 1).

    Raises:
        InputError: a column is missing or of another type, vectors differ in length, a value is not finite or a label
            is not 0 or 1; names the row.
    """
    table = read_table(path)
    missing = [name for name in ("filename", "encoding", "label") if name not in table.column_names]
    if missing:
        raise InputError(f"no column '{missing[0]}'", where=str(path), fix="columns are filename, encoding, label")
    if table.num_rows == 0:
        raise InputError("no rows", where=str(path))
    labels = _labels(table["label"], path)
    filenames = tuple(str(name) for name in table["filename"].to_pylist())
    return LabelledRows(_features(table["encoding"], path), labels, filenames)


def _features(column: pa.ChunkedArray, path: Path) -> FloatArray:
    kind = column.type
    is_list = pt.is_list(kind) or pt.is_large_list(kind) or pt.is_fixed_size_list(kind)
    if not is_list or not (pt.is_floating(kind.value_type) or pt.is_integer(kind.value_type)):
        raise InputError(f"column 'encoding' is {kind}", where=str(path), fix="each row must be a list of numbers")
    lengths = np.asarray(pc.fill_null(pc.list_value_length(column), -1), np.int64)
    _refuse(np.not_equal(lengths, max(lengths[0], 1)), path, "an encoding of another length than the first, or empty,")
    values = pc.fill_null(pc.cast(pc.list_flatten(column), pa.float32()), float("nan"))
    features = np.asarray(values, np.float32).reshape(len(lengths), -1)
    _refuse(np.asarray(~np.isfinite(features).all(axis=1), bool), path, "an encoding with a value that is not finite")
    return features


def _labels(column: pa.ChunkedArray, path: Path) -> IntArray:
    if not pt.is_integer(column.type):
        raise InputError(f"column 'label' is {column.type}", where=str(path), fix="it must be 0 or 1")
    labels = np.asarray(pc.fill_null(column, -1), np.int64)
    _refuse(~np.isin(labels, (0, 1)), path, "a label that is not 0 or 1")
    return labels


def _refuse(bad: Mask, path: Path, what: str) -> None:
    rows = np.flatnonzero(bad)
    if len(rows):
        raise InputError(f"{what} ({len(rows)} such rows)", where=f"{path}: row {rows[0]}")


def read_true_labels(path: Path, filenames: tuple[str, ...]) -> IntArray:
    """The label `hv_label` that a person gave to each file; of rows with the same `ImageID` the first counts.

    Returns:
        int64 [N], in the order of `filenames`.

    Raises:
        InputError: a column is missing, or a file has no row or no label 0 or 1 in it.
    """
    table = read_table(path)
    missing = [name for name in ("ImageID", "hv_label") if name not in table.column_names]
    if missing:
        raise InputError(f"no column '{missing[0]}'", where=f"{path}:1")
    pairs = list(zip(table["ImageID"].to_pylist(), table["hv_label"].to_pylist(), strict=True))
    label_of = dict(reversed(pairs))
    values = {"0": 0, "1": 1, "0.0": 0, "1.0": 1}
    for name in filenames:
        if name not in label_of:
            raise InputError(f"no row for the train file '{name}'", where=str(path), why="its true label is unknown")
        if label_of[name] not in values:
            raise InputError(f"hv_label {label_of[name]!r} of '{name}' is not 0 or 1", where=str(path))
    return np.array([values[label_of[name]] for name in filenames], np.int64)
