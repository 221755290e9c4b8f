"""All that a run knows of its samples as one table, for conditions and sorting."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tinysieve.dataset.classes import UNLABELED
from tinysieve.dataset.label_table import label_table
from tinysieve.dataset.samples import SampleTable
from tinysieve.ground.errors import InputError
from tinysieve.ground.row_condition import rows_where
from tinysieve.pipeline.engine.stages import Run
from tinysieve.pipeline.stages.ingest import samples_of, versions_of
from tinysieve.pipeline.stages.known_issues import known_issues
from tinysieve.pipeline.stages.opinions import opinions_of
from tinysieve.pipeline.stages.policy import REVIEW_QUEUE

QUALITY = "label_quality"


def query(run: Run, reference: str, condition: str, sort: str) -> pa.Table:
    """The samples of a version that fulfil a condition, sorted.

    Args:
        run: its ingest has finished; stages that have not run have no columns.
        reference: of the version: an id or its beginning, a name, "HEAD" or "0".
        condition: see `row_condition`; "" for all samples.
        sort: a column, with "-" in front the largest first; "" for the worst label quality first where it is known.

    Raises:
        InputError: a condition that cannot be read, or no such column or version.
    """
    table = known_of(run, reference)
    if condition.strip():
        table = table.filter(pa.array(rows_where(table, condition)))
    column, order = sort.removeprefix("-"), "descending" if sort.startswith("-") else "ascending"
    if column and column not in table.column_names:
        raise InputError(f"no column '{column[:60]}' to sort by", where="--sort", fix="one of " + ", ".join(table.column_names))
    column = column or (QUALITY if QUALITY in table.column_names else "")
    if not column:
        return table
    # Ties stay in sample order.
    table = table.append_column("_row", pa.array(np.arange(table.num_rows)))
    return table.sort_by([(column, order), ("_row", "ascending")]).drop_columns(["_row"])


def known_of(run: Run, reference: str = "HEAD") -> pa.Table:
    """One row a sample: path, split, label with reason and version, label as given, issues, opinions, the source's columns."""
    samples, chain = samples_of(run), versions_of(run).chain(reference)
    table = label_table(samples, chain, {})
    table = table.add_column(3, "given", samples.classes.states(chain[0].labels))
    for name, values in {**_issues(run, samples, chain[-1].labels), **_others(run, samples)}.items():
        free = name if name not in table.column_names else f"tinysieve_{name}"
        table = table.append_column(free, values)
    return table.append_column("sample_id", samples.sample_ids) if "sample_id" not in table.column_names else table


def _issues(run: Run, samples: SampleTable, labels: np.ndarray) -> dict[str, pa.Array]:
    """What confident learning says of the labelled train samples of this version; null for all others."""
    known = known_issues(run, samples, labels)
    if known is None:
        return {}
    columns: dict[str, pa.Array] = {"p_positive": pa.array(known.p_positive.astype(np.float32))}
    if (errors := known.errors) is None:
        return columns
    where = np.full(len(samples), -1)
    where[known.judged] = np.arange(len(known.judged))
    place = pa.array(where, mask=where < 0)
    columns["is_label_issue"] = pa.array(errors.is_label_issue).take(place)
    columns[QUALITY] = pa.array(errors.label_quality).take(place)
    columns["predicted_labels"] = samples.classes.names(errors.predicted_labels.astype(np.int8)).take(place)
    return columns


def _others(run: Run, samples: SampleTable) -> dict[str, pa.Array]:
    columns = {f"opinion_{opinions.filter}": samples.classes.names(np.where(opinions.proposed < 0, np.int8(UNLABELED),
                                                                            opinions.proposed).astype(np.int8))
               for opinions in opinions_of(run)}
    if REVIEW_QUEUE.exists(run):
        queued = REVIEW_QUEUE.of(run)["sample_id"].combine_chunks()
        columns["review_place"] = pc.index_in(samples.sample_ids.combine_chunks(), queued)
    return columns
