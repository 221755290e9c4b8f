"""The test split, frozen when something is first measured on it: later ingests of the run must find the same images and labels.

Before that, names and labels may be mended: nothing was measured that could no longer be compared.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tinysieve.dataset.samples import SampleTable
from tinysieve.ground.atomic_files import replacing
from tinysieve.ground.errors import FrozenSplit


def freeze_test_split(samples: SampleTable, file: Path) -> None:
    """Write the test split to `file`, once: something is about to be measured on it."""
    if not file.exists():
        with replacing(file) as temporary:
            pq.write_table(_test_rows(samples), temporary)


def check_test_split(samples: SampleTable, file: Path) -> None:
    """Compare the test split with what was frozen in `file`; nothing is to be compared where nothing was.

    Args:
        samples: what an ingest found.
        file: what `freeze_test_split` wrote, or no file.

    Raises:
        FrozenSplit: a test image came, went, or has another label than when the split was frozen.
    """
    if not file.exists():
        return
    now, before = _test_rows(samples), _read(file)
    came = _only_in(now, before)
    gone = _only_in(before, now)
    if came.num_rows or gone.num_rows:
        first = (came if came.num_rows else gone)["filepath"][0].as_py()
        raise FrozenSplit(
            f"the test split differs from the frozen one: {came.num_rows} images are new or relabelled, "
            f"{gone.num_rows} are missing or were relabelled", where=f"{first}; frozen in {file}",
            why="models of this run would no longer be comparable",
            fix="restore the test images and labels, or set another 'run' folder",
        )


def _read(file: Path) -> pa.Table:
    try:
        return pq.read_table(file, columns=["sample_id", "label", "filepath"])
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise FrozenSplit(f"the frozen test split cannot be read: {error}", where=str(file),
                          why="nothing else says which images and labels were measured on",
                          fix="bring the file back from a copy, or set another 'run' folder") from error


def _test_rows(samples: SampleTable) -> pa.Table:
    rows = pa.array(np.flatnonzero(samples.in_split("test")))
    return samples.table.select(["sample_id", "label", "filepath"]).take(rows).sort_by("sample_id")


def _only_in(table: pa.Table, other: pa.Table) -> pa.Table:
    def keys(table: pa.Table) -> pa.Array:
        return pc.binary_join_element_wise(table["sample_id"], table["label"], ":").combine_chunks()

    return table.filter(pc.invert(pc.is_in(keys(table), keys(other))))
