"""Probabilities and labels from plain files: `tinysieve label-issues` works where there is no data set at hand."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tinysieve.dataset.table_file import TableFile, open_table
from tinysieve.filtering.label_errors.probability_matrix import (
    InvalidLabels,
    Labels,
    Probabilities,
    absent_classes,
    check_labels,
    check_probabilities,
)
from tinysieve.ground.errors import InputError
from tinysieve.ground.regular_file import require_file
from tinysieve.ground.small_text import read_small_text
from tinysieve.pipeline.label_issues.row_order import index_columns, refuse_other_order

PROBABILITIES_KEY, LABELS_KEY = "pred_probs", "given"
# What numpy, zipfile and zlib raise on files that are cut short, damaged or made to hurt; a header may ask for any memory.
_DAMAGED = (OSError, ValueError, EOFError, TypeError, SyntaxError, RuntimeError, MemoryError, OverflowError, zipfile.BadZipFile,
            zlib.error, tokenize.TokenError)
_FORMATS = "labels come from .npy, .npz, .csv, .tsv, .xlsx, .parquet or .txt (one a line)"
_LARGEST_LIST_BYTES = 1_000_000_000


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


def read_labels(path: Path, pred_probs: Probabilities, key: str = LABELS_KEY, names: Sequence[str] = (),
                say: Callable[[str], None] = lambda note: None) -> Labels:
    """Given labels int [N] from `.npy`, `.npz`, a table (array or column `key`) or `.txt`; checked.

    They must fit the probabilities. A table with one column needs no name for it; a pandas index that is not 0, 1, 2, ... is
    refused, because it and the order of the rows would say different things.

    Args:
        path: file of labels: numbers, or names of classes.
        pred_probs: what they must fit, float [N, K].
        key: array or column.
        names: of the classes in the order of the columns; empty for the order of the alphabet.
        say: takes what was assumed.

    Raises:
        InputError: no such file, array or column, or labels that do not fit; names file, row and remedy.
    """
    count, classes = pred_probs.shape
    match path.suffix:
        case ".npy" | ".npz":
            labels = _array(path, key)
        case ".csv" | ".tsv" | ".xlsx" | ".parquet":
            labels = _column(open_table(path), key)
        case ".txt":
            labels = _lines(path)
        case _:
            raise InputError(f"labels from '{path.suffix or path.name}'", where=str(path), fix=_FORMATS)
    labels = labels.astype(np.int64) if labels.dtype.kind == "b" else labels
    labels = _numbered(labels, names, classes, path, say) if labels.dtype.kind in "US" and labels.ndim == 1 else _whole(labels)
    check_labels(labels, classes, count, str(path))
    absent = absent_classes(labels, classes)
    if len(absent):
        called = [names[code] if names else str(code) for code in absent[:10].tolist()]
        say(f"{path}: no label is of class {', '.join(called)}: no sample is suspected to belong there")
    return labels


def _numbered(labels: NDArray[Any], names: Sequence[str], classes: int, path: Path, say: Callable[[str], None]) -> NDArray[Any]:
    """Names of classes as numbers."""
    words, numbers = np.unique(labels, return_inverse=True)
    seen = [word.decode() if isinstance(word, bytes) else str(word) for word in words]
    if not names and len(seen) != classes:
        raise InvalidLabels(f"{len(seen):,} names of classes for {classes:,} columns of probabilities", where=str(path),
                            why="which column is whose cannot be told",
                            fix="name the classes in the order of the columns: --classes")
    order = list(names) or seen
    unknown = [word for word in seen if word not in order]
    if unknown:
        raise InvalidLabels(f"'{unknown[0]}' is none of {', '.join(order)}", where=str(path), fix="mend it, or --classes")
    if not names:
        say(f"{path}: columns are taken for the classes in the order of the alphabet: {', '.join(order)}; --classes tells others")
    return np.array([order.index(word) for word in seen])[numbers]


def _array(path: Path, key: str) -> NDArray[Any]:
    require_file(path, "check the path")
    try:
        packed = path.suffix == ".npz" or zipfile.is_zipfile(path)
        loaded = _member(path, key) if packed else np.load(path, mmap_mode="r", allow_pickle=False)
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


def _column(file: TableFile, key: str) -> NDArray[Any]:
    table, index = file.table, index_columns(file)
    values = [name for name in table.column_names if name not in index]
    name = values[0] if len(values) == 1 and key not in values else file.column(key)
    refuse_other_order(file, index, [value for value in values if value != name])
    if table.num_columns == 1:
        _refuse_gaps(file)
    column = table[name]
    if (pa.types.is_integer(column.type) or pa.types.is_boolean(column.type)) and not column.null_count:
        return np.asarray(column.to_numpy())
    return _numbers(column, file.path, file.place)


def _refuse_gaps(file: TableFile) -> None:
    """In a table of one column a blank line is a sample without a label, and the labels below it would shift."""
    if file.path.suffix == ".parquet" or not len(file.lines):
        return
    jumps = np.flatnonzero(np.diff(file.lines, prepend=1) != 1)
    if len(jumps):
        row = int(jumps[0])
        line = int(file.lines[row - 1]) + 1 if row else 1 if file.lines[0] == 3 else 2
        raise InvalidLabels("an empty line", where=f"{file.path}:{line}", why="labels and probabilities must match row by row",
                            fix="write one label per line, without empty lines")


def _lines(path: Path) -> NDArray[Any]:
    try:
        lines = read_small_text(path, _LARGEST_LIST_BYTES, "a list of labels", _FORMATS).splitlines()
    except OSError as error:
        raise InputError(f"cannot be read: {error}", where=str(path), fix=_FORMATS) from error
    while lines and not lines[-1].strip():
        lines.pop()
    return _numbers(pa.chunked_array([lines], pa.string()), path, lambda row: f"{path}:{row + 1}")


def _numbers(values: pa.ChunkedArray, path: Path, place: Callable[[int], str]) -> NDArray[Any]:
    """float64 [N] of whatever reads as whole numbers, or names of classes [N]; a cell that is neither is named by its place."""
    try:
        words = pc.fill_null(pc.utf8_trim_whitespace(pc.cast(values, pa.string())), "").combine_chunks()
    except pa.ArrowException as error:
        raise InvalidLabels(f"labels of type {values.type} cannot be read: {error}", where=str(path),
                            fix="write one integer per sample") from error
    numeric = pc.match_substring_regex(words, r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
    numbers = pc.cast(pc.if_else(numeric, words, "nan"), pa.float64()).to_numpy(zero_copy_only=False)
    if not pc.any(pc.or_(numeric, pc.equal(words, ""))).as_py() and not _are_no_numbers(words):
        return np.array(words.to_pylist())
    wrong = np.flatnonzero(~(numbers == np.rint(numbers)))
    if len(wrong):
        raise InvalidLabels(f"label {words[int(wrong[0])].as_py()!r} is not an integer ({len(wrong):,} such)",
                            where=place(int(wrong[0])), why="classes are numbered 0..K-1 in the order of the columns",
                            fix="write numbers or names everywhere, and no empty lines")
    return np.asarray(numbers)


def _are_no_numbers(words: pa.Array) -> bool:
    """Whether some word is what a computer writes for a missing number."""
    return bool(pc.any(pc.is_in(pc.utf8_lower(words), pa.array(["nan", "inf", "-inf", "null", "none"]))).as_py())
