"""Near-duplicates as a list that a person can read, and the gate that keeps them out between training and test images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from tinysieve.dataset.classes import Codes
from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.sources.tables import read_table
from tinysieve.filtering.evidence.near_duplicates import DuplicateGroups
from tinysieve.filtering.filters.duplicates import leaks
from tinysieve.ground.atomic_files import replacing
from tinysieve.ground.errors import GateMissed
from tinysieve.pipeline.engine.stages import Run
from tinysieve.pipeline.stages.ingest import samples_of

NEAR_DUPLICATES = "near_duplicates.csv"
_NAMED = 5


def write_groups(path: Path, groups: DuplicateGroups, samples: SampleTable) -> None:
    """All samples that have a near-duplicate, group by group, who stays first."""
    rows = np.flatnonzero(groups.shared)
    rows = rows[np.lexsort((rows, ~groups.kept[rows], groups.group[rows]))]
    taken = pa.array(rows)
    table = samples.table.select(["sample_id", "filepath", "split"]).take(taken)
    table = table.append_column("label", samples.classes.names(samples.labels[rows]))
    table = table.append_column("group", samples.sample_ids.combine_chunks().take(pa.array(groups.group[rows])))
    table = table.append_column("stays", pa.array(np.where(groups.kept[rows], "yes", "no")))
    table = table.append_column("similarity", pa.array(np.round(groups.similarity[rows], 4)))
    with replacing(path) as temporary:
        pacsv.write_csv(table, temporary)


def read_groups(path: Path, samples: SampleTable) -> DuplicateGroups:
    """The inverse of `write_groups`."""
    table = read_table(path)
    rows, first = samples.rows_of(table["sample_id"].combine_chunks()), samples.rows_of(table["group"].combine_chunks())
    group, kept, similarity = np.arange(len(samples)), np.ones(len(samples), bool), np.zeros(len(samples), np.float32)
    group[rows], kept[rows] = first, np.asarray(pc.equal(table["stays"], "yes"))
    similarity[rows] = pc.cast(table["similarity"], pa.float32()).to_numpy()
    return DuplicateGroups(group, kept, similarity)


def leaked_rows(run: Run, labels: Codes) -> np.ndarray | None:
    """Rows that train under these labels, int8 [N], and are near-duplicates of test images; None where nobody looked."""
    path = run.at("opinions") / NEAR_DUPLICATES
    if not path.exists():
        return None
    samples = samples_of(run)
    return leaks(read_groups(path, samples), samples, labels)


def refuse_leaks(run: Run, labels: Codes) -> None:
    """Stop where the mended model was trained on near-duplicates of test images, unless verify.allow_leaks says to go on.

    Args:
        run: whose opinions stage has finished.
        labels: int8 [N], of the version that the model was trained on.

    Raises:
        GateMissed: names the samples, and what to do.
    """
    leaked = leaked_rows(run, labels)
    if leaked is None or not len(leaked) or run.config.verify.allow_leaks:
        return
    names = samples_of(run).table["filepath"].take(pa.array(leaked[:_NAMED])).to_pylist()
    more = f" and {len(leaked) - _NAMED:,} more" if len(leaked) > _NAMED else ""
    raise GateMissed(
        f"the model was trained on {len(leaked):,} near-duplicates of test images: {', '.join(names)}{more}",
        where=str(run.at("opinions") / NEAR_DUPLICATES), why="accuracy on images that the model has seen says nothing of others",
        fix="run 'tinysieve filter' with the policy 'default', which drops them, or drop them in a review; "
            "to let them pass set verify.allow_leaks: true",
    )
