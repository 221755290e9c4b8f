"""A version as one table: the source's own columns, and beside them each label as it is now, with its reason and its version.

Source `table` reads it back with nothing changed: photos that a version drops, and files that ingest left out, stand in it as
`dropped`, since a photo that no row names would come back as unlabeled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tinysieve.dataset.classes import DROPPED_WORD
from tinysieve.dataset.csv_table import write_csv_table
from tinysieve.dataset.samples import REQUIRED, SampleTable
from tinysieve.dataset.versions import Version
from tinysieve.ground.atomic_files import replacing
from tinysieve.ground.errors import InputError

LABEL, REASON, VERSION = "label", "reason", "version"


@dataclass(frozen=True)
class PathColumns:
    """What the columns of path and split are called."""

    path: str = "filename"
    split: str = "split"


def label_table(samples: SampleTable, chain: Sequence[Version], left_out: Mapping[str, str],
                names: PathColumns = PathColumns()) -> pa.Table:
    """One row a sample in sample order, then the files that were left out.

    Args:
        samples: the sample table of the versions.
        chain: versions from 0 to the one whose labels count.
        left_out: files of the image folder that are no samples, with the reason.
        names: of the columns of path and split.

    Returns:
        path, split, `label` (a class, "dropped" or null), `reason` and `version` of the last change (of what nothing changed
        null and version 0), then the source's own columns; one of those that is called like ours is called `source_<name>`.
    """
    reasons, versions = _last_change(samples, chain)
    table = pa.table({
        names.path: samples.table["filepath"], names.split: samples.table["split"],
        LABEL: samples.classes.states(chain[-1].labels), REASON: reasons, VERSION: versions})
    for column in samples.table.drop_columns(list(REQUIRED)).column_names:
        name = column
        while name in table.column_names:
            name = f"source_{name}"
        table = table.append_column(name, samples.table[column])
    gone = pa.table({
        names.path: pa.array(left_out, pa.string()), names.split: pa.array(["unlabeled"] * len(left_out), pa.string()),
        LABEL: pa.array([DROPPED_WORD] * len(left_out), pa.string()), REASON: pa.array(left_out.values(), pa.string()),
        VERSION: pa.array([chain[0].id] * len(left_out), pa.string())})
    return pa.concat_tables([table, gone], promote_options="default")


def write_label_table(table: pa.Table, path: Path) -> None:
    """Write as Parquet if the name ends so, else as CSV.

    Raises:
        InputError: a CSV file cannot hold a column.
    """
    if path.suffix.lower() == ".parquet":
        with replacing(path) as temporary:
            pq.write_table(table, temporary, compression="zstd")
        return
    try:
        write_csv_table(path, table)
    except pa.ArrowException as error:
        nested = [field.name for field in table.schema if pa.types.is_nested(field.type)]
        raise InputError(f"a CSV file cannot hold the columns {', '.join(nested) or error}", where=str(path),
                         fix="write Parquet: --parquet FILE") from error


def _last_change(samples: SampleTable, chain: Sequence[Version]) -> tuple[pa.Array, pa.Array]:
    """For each sample the reason of the last ledger that names it, and the version of that ledger."""
    which = np.zeros(len(samples), np.int64)
    reasons = np.full(len(samples), None, object)
    for number, version in enumerate(chain):
        rows = samples.rows_of(version.ledger["sample_id"].combine_chunks())
        which[rows] = number
        reasons[rows] = version.ledger["reason"].to_pylist()
    return pa.array(reasons, pa.string()), pc.take(pa.array([version.id for version in chain]), pa.array(which))
