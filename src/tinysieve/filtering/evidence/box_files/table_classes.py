"""The class of each row of a table of boxes: from words, or from numbers whose names are stated; never from a guess."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tinysieve.filtering.evidence.box_classes import UNSTATED, listed
from tinysieve.filtering.evidence.box_files.listed_boxes import NO_CLASS, Stated, refuse_rows
from tinysieve.ground.errors import InputError

CLASS_COLUMNS = ("class", "name", "class_name", "classname", "label", "label_name", "labelname", "category", "category_name",
                 "cls", "class_id", "classid", "category_id", "label_id")
_EMPTY = ("", "nan", "null", "na", "n/a", "<na>")
_MAY_BE_CLASS = re.compile(r"^(tags?|obj|objects?|types?|kind|species|what|detected\w*|object_(name|type))$")
_AND_STATE = ", and where all boxes are of one class set filter.detector.class_of_all to its name"
_NUMBER = r"^\d{1,4}(\.0*)?$"


@dataclass(frozen=True, eq=False)
class TableClasses:
    """Class numbers int32 [R], NO_CLASS for a row without box, with their names; `declared` where all names are stated."""

    class_id: NDArray[np.int32]
    names: Mapping[int, str]
    declared: bool


def read_classes(rows: pa.Table, boxed: NDArray[np.bool_], stated: Stated, place: Callable[[int], str],
                 path: Path) -> TableClasses:
    """Classes of the rows that are boxes.

    Raises:
        InputError: no column says the class, two columns contradict each other, a box has no class, or a number no name.
    """
    texts = {name: pc.fill_null(pc.utf8_trim_whitespace(rows[name].cast(pa.string())), "").combine_chunks()
             for name in CLASS_COLUMNS if name in rows.column_names}
    if not texts:
        return _one_for_all(rows, boxed, stated, path)
    if stated.class_of_all is not None:
        raise InputError(f"filter.detector.class_of_all is set, and the file has a column {next(iter(texts))}", where=str(path),
                         fix="leave the setting out")
    for name, values in texts.items():
        # Software that knows a missing value by another word writes that word.
        empty = np.asarray(pc.is_in(pc.utf8_lower(values), pa.array(_EMPTY)).to_numpy(zero_copy_only=False))
        refuse_rows(boxed & empty, place, f"has no class in column {name}", "write the class of each box")
    numbered = {name: values for name, values in texts.items() if _all_numbers(values, boxed)}
    named = {name: values for name, values in texts.items() if name not in numbered}
    words = _agreeing(named, boxed, place, path)
    numbers = _agreeing({name: _integers(values, boxed) for name, values in numbered.items()}, boxed, place, path)
    if words is None:
        assert numbers is not None
        return _numbered(numbers, boxed, stated, place, path)
    return _named(words, numbers, boxed, stated, place)


def _one_for_all(rows: pa.Table, boxed: NDArray[np.bool_], stated: Stated, path: Path) -> TableClasses:
    """Every box is of the class that is stated, and no column may say otherwise: "detection" and "dog" look alike."""
    columns = rows.column_names
    for name in (name for name in columns if _MAY_BE_CLASS.match(name)):
        words = pc.unique(rows[name].filter(pa.array(boxed)).cast(pa.string())).drop_null().to_pylist()
        if any(word.strip().casefold() != (stated.class_of_all or "").strip().casefold() for word in words):
            raise InputError(f"column '{name}' looks like the class of the boxes and is not read: {listed(words)}",
                             where=str(path), why="a box around a dog would count as any other",
                             fix=f"if it is the class, call it 'class'; if not, remove it{_AND_STATE}")
    if stated.class_of_all is None:
        raise InputError("no column with the class of the boxes", where=str(path),
                         why="a box around a dog would count as any other",
                         fix=f"add a column {', '.join(CLASS_COLUMNS)}; or, where all boxes are of one class, set "
                             f"filter.detector.class_of_all to its name; the file has: {', '.join(columns)}")
    return TableClasses(np.where(boxed, np.int32(0), np.int32(NO_CLASS)), {0: stated.class_of_all}, True)


def _all_numbers(values: pa.Array, boxed: NDArray[np.bool_]) -> bool:
    return bool(pc.all(pc.match_substring_regex(values.filter(pa.array(boxed)), _NUMBER)).as_py() is not False)


def _integers(values: pa.Array, boxed: NDArray[np.bool_]) -> pa.Array:
    """Class numbers as texts: "3.0" is "3"."""
    return pc.replace_substring_regex(values, r"^0*(\d+?)(\.0*)?$", r"\1")


def _agreeing(columns: Mapping[str, pa.Array], boxed: NDArray[np.bool_], place: Callable[[int], str],
              path: Path) -> pa.Array | None:
    """The one answer of columns that say the same; None where there are no columns."""
    names = list(columns)
    for other in names[1:]:
        unlike = pc.not_equal(pc.utf8_lower(columns[names[0]]), pc.utf8_lower(columns[other]))
        differs = np.asarray(unlike.to_numpy(zero_copy_only=False))
        if (boxed & differs).any():
            first = int(np.flatnonzero(boxed & differs)[0])
            raise InputError(f"columns {names[0]} and {other} name different classes", where=f"{path}, {place(first)}",
                             why="one of them is not the class of the box", fix="remove the one that is not, or rename it")
    return columns[names[0]] if names else None


def _numbered(numbers: pa.Array, boxed: NDArray[np.bool_], stated: Stated, place: Callable[[int], str],
              path: Path) -> TableClasses:
    # Detectors trained on COCO write numbers alone; whoever reads the file is told that they were taken for COCO's.
    names = stated.names or UNSTATED
    missing = [name for name in stated.wanted if name.strip().casefold() not in names.values()]
    if not stated.names and missing:
        raise InputError(f"the classes of the boxes are numbers, and COCO's 80 have no '{missing[0]}'", where=str(path),
                         why="nothing says what the numbers mean",
                         fix="set filter.detector.names: a list of names, or number: name")
    class_id = _as_ids(numbers, boxed)
    if not stated.names:
        _refuse_counted_from_one(class_id[boxed], path)
    refuse_rows(boxed & ~np.isin(class_id, list(names)), place, "has a class number without a name",
                f"filter.detector.names has {min(names)} to {max(names)}: {listed(names.values())}")
    return TableClasses(class_id, dict(names), True)


def _refuse_counted_from_one(class_id: NDArray[np.int32], path: Path) -> None:
    """Numbers without names that have a 1 and no 0 may count from 1: then all persons would be bicycles."""
    if (class_id == 1).any() and not (class_id == 0).any():
        raise InputError("the classes of the boxes are numbers from 1 on, and nothing says what they mean", where=str(path),
                         why="category 1 is a person in COCO's files and a bicycle to most detectors",
                         fix="set filter.detector.names: coco91 (person is 1), coco80 (person is 0), or number: name")


def _named(words: pa.Array, numbers: pa.Array | None, boxed: NDArray[np.bool_], stated: Stated,
           place: Callable[[int], str]) -> TableClasses:
    loose = np.asarray(pc.match_substring_regex(words, _NUMBER).to_numpy(zero_copy_only=False))
    refuse_rows(boxed & loose, place, "has a number where others have the name of a class", "write the name")
    plain = pc.utf8_lower(words)
    unique = sorted(set(plain.filter(pa.array(boxed)).to_pylist()))
    if numbers is None:
        class_id = np.asarray(pc.fill_null(pc.index_in(plain, pa.array(unique, pa.string())), NO_CLASS), np.int32)
        return TableClasses(np.where(boxed, class_id, np.int32(NO_CLASS)), dict(enumerate(unique)), False)
    class_id = _as_ids(numbers, boxed)
    names: dict[int, str] = {}
    for number, word in sorted(set(zip(class_id[boxed].tolist(), plain.filter(pa.array(boxed)).to_pylist(), strict=True))):
        if names.setdefault(number, word) != word:
            rows = boxed & (class_id == number)
            refuse_rows(rows, place, f"are class {number}, which is both '{names[number]}' and '{word}'", "mend numbers or names")
    return TableClasses(class_id, names, False)


def _as_ids(numbers: pa.Array, boxed: NDArray[np.bool_]) -> NDArray[np.int32]:
    known = pc.if_else(pa.array(boxed), numbers, pa.scalar(str(NO_CLASS)))
    return np.asarray(known.cast(pa.int32()).to_numpy(zero_copy_only=False), np.int32)
