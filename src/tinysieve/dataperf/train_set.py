"""A train set of the selection benchmark: image ids with 1 (the class) or 0, as the CSV that entrants upload."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tinysieve.dataperf.embedding_rows import IMAGE_ID
from tinysieve.dataset.sources.tables import read_table
from tinysieve.ground.atomic_files import write_text
from tinysieve.ground.errors import InputError

CONFIDENCE = "Confidence"
ONLINE_LIMIT = 1000
# No separator, quote or line break, and no beginning of a formula; a hyphen may begin a plain word.
_PLAIN_ID = re.compile(r'(?:[^-=+@,"\s][^,"\r\n]*|-[\w.-]*)?')


@dataclass(frozen=True)
class TrainSet:
    """Ids and labels, row by row; a row that comes twice weighs twice.

    Args:
        ids: N image ids.
        labels: bool [N], True for the class.
    """

    ids: tuple[str, ...]
    labels: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.ids)


def read_train_set(path: Path) -> TrainSet:
    """Read a CSV with the columns ImageID and Confidence, among others and in any order.

    Raises:
        InputError: a column is missing (in the original's words), no UTF-8 CSV, or a Confidence other than 0 or 1.
    """
    table = read_table(path)
    require_columns(table.column_names, (IMAGE_ID, CONFIDENCE), path)
    labels = binary_labels(table[CONFIDENCE], path, first_line=2)
    return TrainSet(tuple(pc.cast(table[IMAGE_ID], pa.string()).to_pylist()), labels)


def write_train_set(train: TrainSet, path: Path) -> None:
    """Write the CSV, atomically; its lines end as Python's csv does not: with a bare newline.

    Raises:
        InputError: an id that the benchmark's reader would take apart, or a spreadsheet for a formula: its form has no escapes.
    """
    odd = next((name for name in train.ids if not _PLAIN_ID.fullmatch(name)), None)
    if odd is not None:
        raise InputError(f"the id {odd[:60]!r} cannot stand in a train set", where=str(path),
                         why="the benchmark's files are plain CSV, without quotes or escapes", fix="give the image another id")
    lines = [f"{name},{int(label)}" for name, label in zip(train.ids, train.labels, strict=True)]
    write_text(path, "\n".join([f"{IMAGE_ID},{CONFIDENCE}", *lines]) + "\n")


def require_columns(present: Sequence[str], needed: Sequence[str], path: Path) -> None:
    """Stop when a column is missing; the original says "Train file" of test sets too.

    Raises:
        InputError: as said.
    """
    for name in needed:
        if name not in present:
            raise InputError(f'{path}: Train file does not have "{name}" column', fix="its columns: " + ", ".join(present))
        if list(present).count(name) > 1:
            raise InputError(f'{path} has the column "{name}" twice', fix="remove one of them")


def binary_labels(column: pa.ChunkedArray, path: Path, first_line: int = 0) -> NDArray[np.bool_]:
    """Confidence as bool [N]: "1" is True, "0" is False, written as text or number.

    Args:
        first_line: line of the first row in a text file; 0 where rows are counted instead.

    Raises:
        InputError: any other value; names the first.
    """
    text = pc.fill_null(pc.cast(column, pa.string()), "")
    known = pc.is_in(text, value_set=pa.array(["0", "1"])).to_numpy()
    if not known.all():
        row = int(np.flatnonzero(~known)[0])
        where = f"{path}:{row + first_line}" if first_line else f"{path}, row {row}"
        raise InputError(f"{CONFIDENCE} is {text[row].as_py()!r}", where=where,
                         why="1 is the class to find, 0 everything else", fix="write 0 or 1")
    return np.asarray(pc.equal(text, "1").to_numpy())
