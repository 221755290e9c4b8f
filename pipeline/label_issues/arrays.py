"""Probabilities and labels from plain files: `tinysieve label-issues` works where there is no data set at hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dataset.errors import InputError
from dataset.sources.tables import read_table
from filtering.opinions.probability_matrix import InvalidLabels, Labels, Probabilities, check_labels, check_probabilities

PROBABILITIES_KEY, LABELS_KEY = "pred_probs", "given"
_FORMATS = "labels come from .npy, .npz, .csv, .parquet or .txt (one number a line)"


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
    if labels.ndim == 1 and labels.dtype.kind == "f" and np.isfinite(labels).all() and (labels == np.rint(labels)).all():
        labels = labels.astype(np.int64)
    check_labels(labels, classes, count, str(path))
    return labels


def _array(path: Path, key: str) -> NDArray[Any]:
    try:
        loaded = np.load(path, mmap_mode="r" if path.suffix == ".npy" else None, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded:
            if key in loaded.files:
                return np.asarray(loaded[key])
            known = ", ".join(loaded.files)
    except FileNotFoundError as error:
        raise InputError("no such file", where=str(path), fix="check the path") from error
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"cannot be read as a numpy file: {error}", where=str(path),
                         fix="write it with numpy.save or numpy.savez, as numbers") from error
    raise InputError(f"no array '{key}'", where=str(path),
                     fix=f"its arrays: {known}; choose with --probabilities-key, --labels-key")


def _column(path: Path, key: str) -> Labels:
    table = read_table(path)
    name = key if key in table.column_names else table.column_names[0] if table.num_columns == 1 else None
    if name is None:
        raise InputError(f"no column '{key}'", where=f"{path}:1",
                         fix=f"its columns: {', '.join(table.column_names)}; choose with --labels-key")
    if pa.types.is_integer(table[name].type) and not table[name].null_count:
        return np.asarray(table[name].to_numpy())
    return _numbers(pc.cast(table[name], pa.string()), path, 2)


def _lines(path: Path) -> Labels:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read: {error}", where=str(path), fix=_FORMATS) from error
    return _numbers(pa.chunked_array([lines], pa.string()), path, 1)


def _numbers(words: pa.ChunkedArray, path: Path, first_line: int) -> Labels:
    """Whole numbers; a word that is none is named with its line."""
    trimmed = pc.fill_null(pc.utf8_trim_whitespace(words), "").combine_chunks()
    wrong = np.flatnonzero(~pc.match_substring_regex(trimmed, r"^-?\d{1,9}$").to_numpy(zero_copy_only=False))
    if len(wrong):
        raise InvalidLabels(f"label {trimmed[int(wrong[0])].as_py()!r} is no whole number ({len(wrong):,} such lines)",
                            where=f"{path}:{wrong[0] + first_line}",
                            why="classes are numbered 0..K-1 in the order of the columns",
                            fix="write numbers instead of names, and no empty lines")
    return np.asarray(pc.cast(trimmed, pa.int64()).to_numpy())
