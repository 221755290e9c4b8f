"""Decisions: what is to be done to which rows. Policies and people make them, only `apply_decisions` carries them out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tinysieve.dataset.classes import DROPPED, Codes
from tinysieve.ground.errors import InputError

RELABEL, DROP, LABEL, RESTORE = 0, 1, 2, 3
ACTIONS = ("relabel", "drop", "label", "restore")


@dataclass(frozen=True)
class Decisions:
    """M decisions, column by column; at most one for a row.

    Args:
        rows: int64 [M], rows of the sample table.
        actions: int8 [M], index into ACTIONS.
        new_labels: int8 [M], the label afterwards (DROPPED for a drop).
        by: string [M], which opinions or which person stand behind it.
        scores: float32 [M] in [0, 1], 1 surely right.
        reasons: string [M], words for a person.
        at: string [M] or None; when a person decided. Machine decisions carry no time, so that the same seed gives
            the same bytes; when they were applied is in the journal.

    Raises:
        InputError: a row is named twice.
    """

    rows: NDArray[np.int64]
    actions: Codes
    new_labels: Codes
    by: pa.Array
    scores: NDArray[np.float32]
    reasons: pa.Array
    at: pa.Array | None = None

    def __post_init__(self) -> None:
        unique, counts = np.unique(self.rows, return_counts=True)
        if (counts > 1).any():
            raise InputError(f"row {unique[counts > 1][0]} has two decisions", fix="keep one decision for each sample")

    def __len__(self) -> int:
        return len(self.rows)


def no_decisions() -> Decisions:
    """Nothing to do."""
    empty = np.zeros(0, np.int8)
    strings = pa.array([], pa.string())
    return Decisions(np.zeros(0, np.int64), empty, empty, strings, np.zeros(0, np.float32), strings)


def drop(rows: NDArray[np.int64], by: str, reason: str) -> Decisions:
    """Drop the rows, all for one reason."""
    count = len(rows)
    return Decisions(
        rows, np.full(count, DROP, np.int8), np.full(count, DROPPED, np.int8),
        pa.array([by] * count, pa.string()), np.ones(count, np.float32), pa.array([reason] * count, pa.string()),
    )
