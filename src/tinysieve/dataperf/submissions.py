"""Submissions to the debugging benchmark: the order in which a method would have its rows inspected, and how long it took.

One file a task and method, `{data_id}_{method}.txt`, a row index from 0 a line; `time_{data_id}_{method}.txt` beside it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinysieve.ground.atomic_files import write_text
from tinysieve.ground.errors import InputError
from tinysieve.ground.regular_file import require_file

Order = NDArray[np.int64]
_ENDING, _TIME = ".txt", "time"


def find_submissions(folder: Path, data_id: str) -> dict[str, Path]:
    """Method -> file, by name of file; the method is the name without task and ending, wherever in it they stand.

    Raises:
        InputError: no such folder, or two files give the same method.
    """
    if not folder.is_dir():
        raise InputError("no folder of submissions", where=str(folder), fix="correct 'paths.submission_folder' in the setup")
    submissions: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        name = path.name
        if not _is_text(name) or name.startswith(_TIME) or name.split("_")[0] != data_id:
            continue
        method = re.sub(re.escape(_ENDING), "", name, flags=re.IGNORECASE).replace(f"{data_id}_", "")
        if method in submissions:
            raise InputError(f"a second submission called '{method}', beside {submissions[method].name}", where=str(path),
                             why="results are named by method", fix="rename one")
        submissions[method] = path
    return submissions


def ignored_files(folder: Path, data_ids: Collection[str]) -> list[tuple[str, str]]:
    """Files that look like submissions and are those of no task, with the reason.

    Args:
        folder: of submissions.
        data_ids: of all tasks of the setup.
    """
    ignored = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        name = path.name
        stem = path.stem.removeprefix(f"{_TIME}_")
        if name.startswith(".") or not path.is_file() or (_is_text(name) and "_" in stem and stem.split("_")[0] in data_ids):
            continue
        if not _is_text(name):
            reason = f"does not end in {_ENDING}"
        elif "_" not in stem:
            reason = "no method in the name" if stem in data_ids else f"not called TASK_METHOD{_ENDING}"
        else:
            reason = f"no task '{stem.split('_')[0]}' in the setup"
        ignored.append((name, reason))
    return ignored


def _is_text(name: str) -> bool:
    return name.lower().endswith(_ENDING)


def read_submission(path: Path, rows: int, budget: int) -> Order:
    """Read the rows to inspect, in order.

    A line is what `int` takes. Lines after the budget are not looked up, but must be whole numbers too.

    Args:
        path: the file.
        rows: of the task; an index is below it.
        budget: lines that count.

    Returns:
        int64 [K], K at most `budget`.

    Raises:
        InputError: a blank line, no whole number, an index that no row has, or nothing at all; with file and line.
    """
    numbers = list(_numbers(path))
    if not numbers:
        raise InputError("the submission is empty", where=str(path), fix="write one row index per line, from 0, worst first")
    for line, number in enumerate(numbers[:budget], start=1):
        if not 0 <= number < rows:
            raise InputError(f"index {number} is not in 0..{rows - 1}", where=f"{path}:{line}",
                             why=f"the task has {rows} train rows, counted from 0", fix="correct the line")
    return np.array(numbers[:budget], np.int64)


def _numbers(path: Path) -> Iterator[int]:
    require_file(path, "it must be plain text")
    try:
        # With or without the mark that Windows' editors put in front.
        with path.open(encoding="utf-8-sig") as file:
            for line, text in enumerate(file, start=1):
                yield _number(text.rstrip(), f"{path}:{line}")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the submission cannot be read: {error}", where=str(path), fix="it must be plain text") from error


def _number(text: str, where: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        what = f"'{text[:40]}' is not a whole number" if text else "a blank line"
        raise InputError(what, where=where, fix="write one row index per line, from 0") from error


def write_order(path: Path, order: Order) -> None:
    """Write a row index a line."""
    write_text(path, "".join(f"{row}\n" for row in order))


def write_submission(folder: Path, data_id: str, method: str, order: Order, seconds: float) -> Path:
    """Write an order and the seconds that it took to find, and give the order's file."""
    path = folder / f"{data_id}_{method}{_ENDING}"
    write_order(path, order)
    write_text(_time_file(folder, data_id, method), str(seconds))
    return path


def read_seconds(folder: Path, data_id: str, method: str) -> float | None:
    """Seconds that a method took; None where no file says so.

    Raises:
        InputError: the file holds no finite number.
    """
    path = _time_file(folder, data_id, method)
    if not path.is_file():
        return None
    try:
        seconds = float(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise InputError("the time file has no number", where=str(path), fix="write the seconds, such as 0.35") from error
    if not math.isfinite(seconds):
        raise InputError(f"the time file says {seconds}", where=str(path), fix="write the seconds, such as 0.35")
    return seconds


def _time_file(folder: Path, data_id: str, method: str) -> Path:
    return folder / f"{_TIME}_{data_id}_{method}{_ENDING}"
