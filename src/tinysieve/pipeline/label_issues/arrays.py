"""Probabilities and labels from plain files: `tinysieve label-issues` works where there is no data set at hand."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tinysieve.dataset.sources.tables import read_table
from tinysieve.filtering.label_errors.probability_matrix import (
    InvalidLabels,
    Labels,
    Probabilities,
    check_labels,
    check_probabilities,
)
from tinysieve.ground.errors import InputError

PROBABILITIES_KEY, LABELS_KEY = "pred_probs", "given"
# What numpy, zipfile and zlib raise on files that are cut short, damaged or made to hurt; a header may ask for any memory.
_DAMAGED = (OSError, ValueError, EOFError, TypeError, SyntaxError, RuntimeError, MemoryError, OverflowError, zipfile.BadZipFile,
            zlib.error, tokenize.TokenError)
_FORMATS = "labels come from .npy, .npz, .csv, .parquet or .txt (one number per line)"


def read_probabilities(path: Path, key: str = PROBABILITIES_KEY) -> Probabilities:
    """Out-of-fold probabilities float [N, K] from `.npy`, or from array `key` of an `.npz`; checked.

    Raises:
        InputError: no such file or array, or no probabilities; names file, row and remedy.
    """
    if path.suffix not in (".npy", ".npz"):
        raise InputError(f"probabilities from '{path.suffix or path.name}'", where=str(path),
                         fix=f"give .npy, or .npz with an array '{PROBABILITIES_KEY}'")
    pred_probs = _array(path, key)
    check_probabilities(pred_probs, str(path))
    return pred_probs


def read_labels(path: Path, pred_probs: Probabilities, key: str = LABELS_KEY) -> Labels:
    """Given labels int [N] from `.npy`, `.npz`, `.csv`, `.parquet` (array or column `key`) or `.txt`; checked.

    They must fit the probabilities. A table with one column needs no name for it.

    Raises:
        InputError: no such file, array or column, or labels that do not fit; names file, row and remedy.
    """
    count, classes = pred_probs.shape
    match path.suffix:
        case ".npy" | ".npz":
            labels = _array(path, key)
        case ".csv" | ".parquet":
            labels = _column(path, key)
        case ".txt":
            labels = _lines(path)
        case _:
            raise InputError(f"labels from '{path.suffix or path.name}'", where=str(path), fix=_FORMATS)
    labels = _whole(labels)
    check_labels(labels, classes, count, str(path))
    return labels


def _array(path: Path, key: str) -> NDArray[Any]:
    try:
        packed = path.suffix == ".npz" or zipfile.is_zipfile(path)
        loaded = _member(path, key) if packed else np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        raise InputError("no such file", where=str(path), fix="check the path") from error
    except _DAMAGED as error:
        raise InputError(f"cannot be read as a numpy file: {error}", where=str(path),
                         fix="write it with numpy.save or numpy.savez, as numbers") from error
    if isinstance(loaded, np.ndarray):
        return loaded
    raise InputError(f"no array '{key}'", where=str(path),
                     fix=f"its arrays: {', '.join(loaded)}; choose with --probabilities-key, --labels-key")


def _member(path: Path, key: str) -> NDArray[Any] | list[str]:
    """The array of that name, or the names that there are."""
    # Opened here, since numpy leaves a damaged archive open.
    with path.open("rb") as file:
        loaded = np.load(file, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded:
            return np.asarray(loaded[key]) if key in loaded.files else list(loaded.files)


def _whole(labels: NDArray[Any]) -> NDArray[Any]:
    """Floats that are all whole numbers as int64; others stay, for the check to name the first that is wrong."""
    if labels.ndim != 1 or labels.dtype.kind != "f" or not np.isfinite(labels).all():
        return labels
    with np.errstate(over="ignore"):
        exact = (labels == np.rint(labels)) & (np.abs(labels.astype(np.float64)) < 2.0**53)
    return labels.astype(np.int64) if exact.all() else labels


def _column(path: Path, key: str) -> NDArray[Any]:
    table = read_table(path)
    name = key if key in table.column_names else table.column_names[0] if table.num_columns == 1 else None
    if name is None:
        raise InputError(f"no column '{key}'", where=f"{path}:1",
                         fix=f"its columns: {', '.join(table.column_names)}; choose with --labels-key")
    column = table[name]
    if pa.types.is_integer(column.type) and not column.null_count:
        return np.asarray(column.to_numpy())
    if path.suffix == ".parquet":
        return _numbers(column, path, lambda row: f"{path}, row {row}")
    if table.num_columns == 1:
        _refuse_gaps(path)
    return _numbers(column, path, lambda row: f"{path}:{row + 2}")


def _refuse_gaps(path: Path) -> None:
    """Arrow skips empty lines: in a table of one column that is a sample without a label, and the labels below it would shift."""
    gap = 0
    # Every byte is a character of Latin-1, and none but line breaks breaks a line.
    with path.open(encoding="latin-1") as lines:
        for number, line in enumerate(lines, 1):
            if gap and line.strip():
                raise InvalidLabels("an empty line", where=f"{path}:{gap}", why="labels and probabilities must match row by row",
                                    fix="write one label per line, without empty lines")
            gap = gap or (0 if line.strip() else number)


def _lines(path: Path) -> NDArray[Any]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read: {error}", where=str(path), fix=_FORMATS) from error
    return _numbers(pa.chunked_array([lines], pa.string()), path, lambda row: f"{path}:{row + 1}")


def _numbers(values: pa.ChunkedArray, path: Path, place: Callable[[int], str]) -> NDArray[Any]:
    """float64 [N] of whatever reads as whole numbers; the first that does not is named by its place, made from its row."""
    try:
        words = pc.fill_null(pc.utf8_trim_whitespace(pc.cast(values, pa.string())), "").combine_chunks()
    except pa.ArrowException as error:
        raise InvalidLabels(f"labels of type {values.type} cannot be read: {error}", where=str(path),
                            fix="write one integer per sample") from error
    numeric = pc.match_substring_regex(words, r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
    numbers = pc.cast(pc.if_else(numeric, words, "nan"), pa.float64()).to_numpy(zero_copy_only=False)
    wrong = np.flatnonzero(~(numbers == np.rint(numbers)))
    if len(wrong):
        raise InvalidLabels(f"label {words[int(wrong[0])].as_py()!r} is not an integer ({len(wrong):,} such)",
                            where=place(int(wrong[0])), why="classes are numbered 0..K-1 in the order of the columns",
                            fix="write numbers instead of names, without empty lines")
    return np.asarray(numbers)
