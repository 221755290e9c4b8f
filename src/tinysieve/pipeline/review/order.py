"""Cleaning orders in and out: the review queue as a DataPerf submission, and a submission as the order of a review.

The rows of a run's submission are those of its sample table, counted from 0.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from tinysieve.dataperf.submissions import Order, read_submission, write_order
from tinysieve.dataset.classes import UNLABELED
from tinysieve.dataset.csv_table import write_csv_table
from tinysieve.dataset.decisions import no_decisions
from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.sources.tables import read_table
from tinysieve.filtering.decisions.human_review import write_review_queue
from tinysieve.filtering.decisions.policy import Plan
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.engine.stages import Run
from tinysieve.pipeline.stages.ingest import samples_of, versions_of
from tinysieve.pipeline.stages.policy import REVIEW_QUEUE


def save_queue_as_submission(run: Run, queue: Path, path: Path) -> None:
    """Write the samples of a review queue as row indexes, in its order."""
    write_order(path, samples_of(run).rows_of(read_table(queue)["sample_id"].combine_chunks()))


def queue_in_order(run: Run, submission: Path) -> Path:
    """Write a review queue that asks in the order of a submission, into the run folder; each sample once.

    Raises:
        InputError: the file is no submission (see `read_submission`), or names a row of the frozen test split, with line.
    """
    samples = samples_of(run)
    order = read_submission(submission, len(samples), len(samples))
    _refuse_test_rows(samples, order, submission)
    _, first = np.unique(order, return_index=True)
    asked = order[np.sort(first)]
    words = pa.array([f"place {place} in {submission.name}" for place in range(1, len(asked) + 1)], pa.string())
    plan = Plan(no_decisions(), asked, np.full(len(asked), UNLABELED, np.int8), words)
    path = run.folder / REVIEW_QUEUE.file
    write_review_queue(path, plan, samples, versions_of(run).load("HEAD").labels)
    return path


def first_looks(run: Run, queue: Path, looks: int) -> Path:
    """Write the first `looks` samples of a queue as a queue into the run folder."""
    path = run.folder / REVIEW_QUEUE.file
    table = read_table(queue).slice(0, looks)
    write_csv_table(path, table)
    return path


def _refuse_test_rows(samples: SampleTable, order: Order, path: Path) -> None:
    frozen = np.flatnonzero(samples.in_split("test")[order])
    if len(frozen):
        raise InputError(f"row {order[frozen[0]]} is in the test split ({len(frozen)} such lines)",
                         where=f"{path}:{frozen[0] + 1}", why="nobody may change the test split", fix="leave these rows out")
