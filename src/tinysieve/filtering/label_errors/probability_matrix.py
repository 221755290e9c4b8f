"""Class probabilities and given labels as they come from outside: checked once, then walked in chunks that fit the cache.

Nothing a classifier wrote is trusted: a table of logits or percentages, a NaN or a shifted label column would give a
ranking that looks like any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinysieve.ground.errors import InputError

Probabilities = NDArray[np.floating[Any]]
Labels = NDArray[np.integer[Any]]
Doubles = NDArray[np.float64]

# Published float16 probabilities miss 1 by up to 0.013; logits, percentages and a lost column miss it by far more.
SUM_TOLERANCE = 0.02
CHUNK_VALUES = 1 << 17


class InvalidProbabilities(InputError):
    """Probabilities that are none."""


class InvalidLabels(InputError):
    """Labels that do not fit the probabilities."""


def check_probabilities(pred_probs: Probabilities, source: str = "pred_probs") -> None:
    """Refuse what is not a matrix of probabilities.

    Args:
        pred_probs: float [N, K], K at least 2, each row a distribution over the classes.
        source: file or name for the error.

    Raises:
        InvalidProbabilities: not float [N, K], no rows, or a row with a NaN, a negative number, or a sum that is not 1; the
            first such row is named.
    """
    if pred_probs.ndim == 2 and not len(pred_probs):
        raise InvalidProbabilities("no rows of probabilities", where=source, fix="write one row a sample")
    if pred_probs.ndim != 2 or pred_probs.dtype.kind != "f" or pred_probs.shape[1] < 2:
        raise InvalidProbabilities(
            f"probabilities are {pred_probs.dtype} {list(pred_probs.shape)}, expected float [N, K] with K at least 2",
            where=source, why="each row is one sample's distribution over all classes",
            fix="for two classes with p = P(class 1): np.stack([1 - p, p], axis=1)",
        )  # fmt: skip
    for start, columns in class_columns(pred_probs):
        total = columns.sum(axis=0)
        # Written so that a NaN fails it too; which row it is matters only when it does.
        if not (columns.min() >= 0 and total.min() >= 1 - SUM_TOLERANCE and total.max() <= 1 + SUM_TOLERANCE):
            bad = ~(np.abs(total - 1) <= SUM_TOLERANCE) | (columns.min(axis=0) < 0)
            raise _invalid_row(columns[:, int(bad.argmax())], f"{source}, row {start + int(bad.argmax())}")


def check_labels(labels: Labels, classes: int, count: int, source: str = "labels") -> None:
    """Refuse labels that do not fit `count` rows of `classes` probabilities.

    Raises:
        InvalidLabels: another length or type, a label outside 0..classes-1 (the first row is named), or one label everywhere.
    """
    if labels.ndim == 1 and labels.dtype.kind == "f":
        raise _broken_label(labels, classes, source)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise InvalidLabels(f"labels are {labels.dtype} {list(labels.shape)}, expected integers [N]", where=source,
                            fix="write one class number a sample, 0..K-1")
    if len(labels) != count:
        alone = f"row {len(labels)} of the probabilities has no label" if len(labels) < count else f"label {count} has no row"
        raise InvalidLabels(f"{len(labels):,} labels for {count:,} rows of probabilities: {alone}", where=source,
                            why="row i of each belongs to the same sample", fix="make both files from one list of samples")
    outside = (labels < 0) | (labels >= classes)
    if outside.any():
        raise _outside(labels, outside, classes, source)
    empty = absent_classes(labels, classes)
    if len(empty) == classes - 1:
        raise InvalidLabels(f"class {empty[0]} never occurs among the labels, and no other but one does", where=source,
                            why="label errors are found by comparing classes", fix="give labels of two classes or more")


def absent_classes(labels: Labels, classes: int) -> NDArray[np.int64]:
    """Classes that have a column and no sample, rising.

    >>> absent_classes(np.array([0, 2, 2]), 4)
    array([1, 3])
    """
    return np.flatnonzero(np.bincount(labels, minlength=classes) == 0)


def class_columns(pred_probs: Probabilities) -> Iterator[tuple[int, Doubles]]:
    """(first row, float64 [K, n]) chunk by chunk, transposed: numpy is fast along rows and slow along K short columns."""
    rows = max(CHUNK_VALUES // pred_probs.shape[1], 1)
    for start in range(0, len(pred_probs), rows):
        yield start, np.ascontiguousarray(pred_probs[start : start + rows].T, np.float64)


def own_class(columns: Doubles, labels: Labels) -> Doubles:
    """float64 [n]: from float64 [K, n] the value of each sample's own class."""
    count = columns.shape[1]
    return columns.ravel()[labels.astype(np.int64) * count + np.arange(count)]


def code_type(classes: int) -> type[np.signedinteger[Any]]:
    """The smallest signed type that numbers the classes and has room for -1."""
    return np.int8 if classes <= 127 else np.int16 if classes <= 32_767 else np.int32


def _broken_label(labels: NDArray[Any], classes: int, source: str) -> InvalidLabels:
    """Names the first label that is not an integer, else the first outside 0..classes-1; else asks for integers."""
    broken = ~(np.isfinite(labels) & (labels == np.rint(labels)))
    if broken.any():
        row = int(broken.argmax())
        return InvalidLabels(f"label {labels[row]:g} is not an integer ({_rows(broken)})", where=f"{source}, row {row}",
                             why="classes are numbered 0..K-1 in the order of the columns",
                             fix="leave samples without a label out of both files, and write one class number a sample")
    outside = (labels < 0) | (labels > classes - 1)
    if outside.any():
        return _outside(labels, outside, classes, source)
    return InvalidLabels(f"labels are {labels.dtype}, expected integers [N]", where=source, fix="write labels.astype(int)")


def _outside(labels: NDArray[Any], outside: NDArray[np.bool_], classes: int, source: str) -> InvalidLabels:
    row = int(outside.argmax())
    return InvalidLabels(
        f"label {labels[row]} is outside 0..{classes - 1} ({_rows(outside)})", where=f"{source}, row {row}",
        why=f"the probabilities have {classes} columns, one a class",
        fix="number the classes from 0 in the order of the columns, and leave samples without a label out of both files",
    )  # fmt: skip


def _rows(wrong: NDArray[np.bool_]) -> str:
    count = int(wrong.sum())
    return f"{count:,} such row{'s' if count != 1 else ''}"


def _invalid_row(row: Doubles, where: str) -> InvalidProbabilities:
    if np.isnan(row).any():
        what, fix = "a probability is NaN", "the model has diverged, or a fold was never scored: make the probabilities again"
    elif (row < 0).any():
        what, fix = f"a probability is {row.min():.6g}, less than 0", "these may be logits or margins: apply softmax first"
    else:
        what = f"probabilities sum to {row.sum():.6g}, not to 1"
        fix = "apply softmax to logits, divide percentages by 100, keep all classes"
    return InvalidProbabilities(what, where=where, why="a wrong scale gives a ranking that looks right and is not", fix=fix)
