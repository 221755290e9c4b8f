"""Probabilities and labels as a notebook has them: lists, arrays, pandas or polars; neither library is imported here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinysieve.filtering.label_errors.probability_matrix import InvalidLabels, InvalidProbabilities, Labels, Probabilities
from tinysieve.ground.errors import InputError


def probability_array(pred_probs: ArrayLike) -> Probabilities:
    """The values as a float array; what they hold is checked where they are judged.

    Raises:
        InvalidProbabilities: they are no array of numbers.
    """
    try:
        array = np.asarray(pred_probs)
        return array.astype(np.float64) if array.dtype.kind == "O" else array
    except (TypeError, ValueError, RuntimeError) as error:
        raise InvalidProbabilities(f"probabilities are no array of numbers: {error}", where="pred_probs",
                                   fix="give float [N, K]: one row a sample, one column a class") from error


def label_array(labels: ArrayLike, class_names: Sequence[str] | None) -> Labels:
    """Labels as class numbers; names become numbers by their place in `class_names`.

    Raises:
        InvalidLabels: a missing label, a mix of names and numbers, names without `class_names` or that are not in it.
    """
    array: NDArray[Any] = np.asarray(labels)
    if array.dtype.kind == "O" and array.ndim == 1:
        array = _plain(array)
    return _numbers(array, class_names) if array.dtype.kind == "U" else array


def refuse_other_rows(pred_probs: object, labels: object) -> None:
    """Refuse two pandas objects with different indexes, and a shuffled one beside an array: their rows are other samples.

    Raises:
        InvalidLabels: the indexes differ.
    """
    first: Any = getattr(pred_probs, "index", None)
    second: Any = getattr(labels, "index", None)
    if hasattr(second, "equals") and not hasattr(first, "equals"):
        _refuse_shuffled(second)
    if hasattr(first, "equals") and hasattr(second, "equals") and not first.equals(second):
        raise InvalidLabels("the indexes of pred_probs and labels differ", where="labels",
                            why="rows are matched by their order, and these name other samples",
                            fix="labels.reindex(pred_probs.index), or .to_numpy() where the order is right")


def _refuse_shuffled(index: Any) -> None:
    """Refuse a pandas index that holds the numbers of all rows in another order: it says where each row belongs."""
    numbers = np.asarray(index)
    if numbers.dtype.kind in "iu" and (numbers != np.arange(len(numbers))).any() and (
            np.sort(numbers) == np.arange(len(numbers))).all():
        raise InvalidLabels("the index of labels is not 0, 1, 2, ..., but the same numbers in another order", where="labels",
                            why="nothing says whether the index or the order of the rows counts",
                            fix="labels.sort_index(), or .to_numpy() where the order of the rows is right")


def check_class_names(class_names: Sequence[str] | None, classes: int) -> tuple[str, ...] | None:
    """The names as a tuple.

    Raises:
        InputError: another number than there are columns, or a name twice.
    """
    if class_names is None:
        return None
    names = tuple(map(str, class_names))
    if len(names) != classes or len(set(names)) != len(names):
        raise InputError(f"class_names are {list(names)[:10]}, pred_probs has {classes} columns", where="class_names",
                         fix="give a different name for each column, in the order of the columns")
    return names


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    """Python objects as integers or as strings, if all of them are either."""
    for kind in (int, str):
        right = [isinstance(value, kind | np.integer if kind is int else kind) and not isinstance(value, bool) for value in array]
        if all(right):
            return np.asarray(array.tolist(), np.int64 if kind is int else None)
        if any(right):
            break
    row = right.index(False)
    raise InvalidLabels(f"label {array[row]!r} is no class", where=f"labels, row {row}", why="every sample needs a label",
                        fix="leave samples without a label out of both, and give all labels as numbers or all as names")


def _numbers(words: NDArray[np.str_], class_names: Sequence[str] | None) -> Labels:
    if class_names is None:
        raise InvalidLabels(f"label '{words.flat[0]}' is a name", where="labels", why="which column it belongs to is not known",
                            fix="give class_names=[...], the names in the order of the columns of pred_probs")
    number = {str(name): code for code, name in enumerate(class_names)}
    codes = np.array([number.get(str(word), -1) for word in words.ravel()], np.int64).reshape(words.shape)
    if (codes < 0).any():
        row = int((codes.ravel() < 0).argmax())
        raise InvalidLabels(f"label '{words.flat[row]}' is not in class_names", where=f"labels, row {row}",
                            fix="class_names are " + ", ".join(list(number)[:20]))
    return codes
