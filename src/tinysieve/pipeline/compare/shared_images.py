"""What the data of two runs share: images matched by the content of their files, and the labels that differ on them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.classes import Codes
from tinysieve.dataset.samples import SampleTable
from tinysieve.pipeline.stages.recorded_run import RecordedRun


@dataclass(frozen=True)
class LabelChange:
    """One image that both runs have, with another label."""

    sample_id: str
    filepath: str
    split: str
    a: str
    b: str


@dataclass(frozen=True)
class DataDifference:
    """What the two runs' data share.

    Args:
        only_a, only_b: images that one run has alone, by split.
        common: images of both, by content.
        moved: of these, in another split.
        as_ingested: of these, with another label in version 0.
        trained: with another label in the versions that were trained on; the test split is never mended.
        version_a, version_b: ids of those versions.
    """

    only_a: dict[str, int]
    only_b: dict[str, int]
    common: int
    moved: int
    as_ingested: tuple[LabelChange, ...]
    trained: tuple[LabelChange, ...]
    version_a: str
    version_b: str


def data_difference(a: RecordedRun, b: RecordedRun) -> DataDifference:
    """Images and labels of two runs, matched by the content of the files."""
    in_b = b.samples.rows_of(a.samples.sample_ids)
    rows_a, rows_b = np.flatnonzero(in_b >= 0), in_b[in_b >= 0]
    alone_b = np.setdiff1d(np.arange(len(b.samples)), rows_b)
    moved = a.samples.split_codes[rows_a] != b.samples.split_codes[rows_b]
    return DataDifference(
        only_a=_by_split(a.samples, np.flatnonzero(in_b < 0)), only_b=_by_split(b.samples, alone_b), common=len(rows_a),
        moved=int(moved.sum()), as_ingested=label_changes(a.samples, rows_a, a.samples.labels[rows_a], b.samples.labels[rows_b]),
        trained=label_changes(a.samples, rows_a, a.trained_version.labels[rows_a], b.trained_version.labels[rows_b]),
        version_a=a.trained_version.id, version_b=b.trained_version.id)


def label_changes(samples: SampleTable, rows: NDArray[np.int64], a: Codes, b: Codes) -> tuple[LabelChange, ...]:
    """Rows (of `samples`, int64 [M]) whose labels ``a`` and ``b`` (int8 [M]) differ, in sample order."""
    places = np.flatnonzero(a != b)
    taken = samples.table.select(["sample_id", "filepath", "split"]).take(rows[places])
    named = samples.classes.words
    words = ((named[old], named[new]) for old, new in zip(a[places].tolist(), b[places].tolist(), strict=True))
    return tuple(LabelChange(row["sample_id"], row["filepath"], row["split"], *pair)
                 for row, pair in zip(taken.to_pylist(), words, strict=True))


def counted(changes: tuple[LabelChange, ...]) -> dict[str, int]:
    """Changes by their kind, "cat -> dropped", the most frequent first."""
    return dict(Counter(f"{change.a} -> {change.b}" for change in changes).most_common())


def _by_split(samples: SampleTable, rows: NDArray[np.int64]) -> dict[str, int]:
    return dict(sorted(Counter(samples.table["split"].take(rows).to_pylist()).items()))
