"""A version of a run as one table, and how a configuration reads it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import TypeAdapter

from tinysieve.dataset.label_table import LABEL, PathColumns, label_table, write_label_table
from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.sources.image_places import ImagePlaces
from tinysieve.dataset.sources.table_source import TableSource
from tinysieve.pipeline.engine.stages import Run
from tinysieve.pipeline.stages.ingest import CONFLICTS, LEAKS, SKIPPED, samples_of, store_of, versions_of


@dataclass(frozen=True)
class WrittenLabels:
    """What was written.

    Args:
        file: the table.
        version: id of the version whose labels it holds.
        rows: of it; `left_out` of them are files that ingest left out.
        source: `dataset.source` of a configuration that reads it back.
    """

    file: str
    version: str
    rows: int
    left_out: int
    source: dict[str, Any]


def write_labels(run: Run, reference: str, path: Path) -> WrittenLabels:
    """Write a version of the labels as CSV or Parquet.

    Args:
        run: its ingest has finished.
        reference: of the version: an id or its beginning, a name, "HEAD" or "0".
        path: ends in .parquet for Parquet.

    Raises:
        InputError: no such version, or a file that cannot be written.
    """
    samples, chain = samples_of(run), versions_of(run).chain(reference)
    names, gone = _names(run, samples), _left_out(run, samples)
    table = label_table(samples, chain, gone, names)
    write_label_table(table, path)
    images = TypeAdapter(ImagePlaces).dump_python(run.config.dataset.source.images, mode="json")
    source = {"kind": "table", "images": images, "table": str(path), "filepath": names.path, "label": LABEL, "split": names.split}
    return WrittenLabels(str(path), chain[-1].id, table.num_rows, len(gone), source)


def _names(run: Run, samples: SampleTable) -> PathColumns:
    source, usual = run.config.dataset.source, PathColumns()
    if isinstance(source, TableSource):
        return PathColumns(source.filepath, source.split or usual.split)
    # No column of a source keeps the name `filepath`: the sample table has one.
    return PathColumns("filepath") if usual.path in samples.table.column_names else usual


def _left_out(run: Run, samples: SampleTable) -> Mapping[str, str]:
    """Images of the store that rows or copies of them kept out. Those in quarantine are not among them: they may mend."""
    stored = set(store_of(run.config).scan().photos.to_pylist())
    known = set(samples.table["filepath"].to_pylist())
    lists = ((SKIPPED.of(run), "filepath", "reason"), (LEAKS.of(run), "removed", "same_bytes_as"),
             (CONFLICTS.of(run), "filepath", "label"))
    words = {"reason": "{}", "same_bytes_as": "same bytes as the held-out {}", "label": "same bytes under both labels"}
    gone: dict[str, str] = {}
    for table, file, why in lists:
        for name, said in _pairs(table, file, why):
            if name not in known and name not in gone and name in stored:
                gone[name] = words[why].format(said)
    return gone


def _pairs(table: pa.Table, file: str, why: str) -> zip[tuple[str, str]]:
    return zip(table[file].to_pylist(), table[why].to_pylist(), strict=True)
