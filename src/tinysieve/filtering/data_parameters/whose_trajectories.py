"""Whose trajectories are these? The triage table that stands beside them names every row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tinysieve.ground.errors import InputError

TABLE = "triage.parquet"


def refuse_other_rows(file: Path, column: str, names: Sequence[str]) -> None:
    """Refuse trajectories of other samples, or of the same ones in another order; silent where no table stands beside them.

    Args:
        file: `trajectories.npy`, which `data-parameters` leaves beside its triage table.
        column: of that table, that names a sample.
        names: of the N samples at hand, in the order in which trajectories are expected.

    Raises:
        InputError: row i is another sample; names the first.
    """
    beside = file.with_name(TABLE)
    if not beside.is_file():
        return
    try:
        table = pq.read_table(beside, columns=[column, "trajectory_row"])
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"cannot read whose trajectories these are: {error}", where=str(beside),
                         fix="run 'tinysieve data-parameters' again, or move the trajectories elsewhere") from error
    theirs = table.sort_by("trajectory_row")[column].to_numpy(zero_copy_only=False)
    ours = np.asarray(names, object)
    other = np.flatnonzero(theirs != ours) if len(theirs) == len(ours) else np.arange(1)
    if len(other):
        raise InputError(f"trajectories of {len(theirs):,} samples, but there are {len(ours):,}" if len(theirs) != len(ours) else
                         f"row {other[0]:,} of the trajectories is {theirs[other[0]]}, not {ours[other[0]]}", where=str(file),
                         why="row i of both must be the same sample",
                         fix="use those that were learnt on these samples, with the same --seed")
