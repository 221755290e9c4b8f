"""The way out to a person and back: a review queue as CSV, and a person's answers as CSV."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tinysieve.dataset.classes import PERSON_TASK, ClassNames, Codes
from tinysieve.dataset.csv_table import write_csv_table
from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.sources.tables import read_table
from tinysieve.filtering.decisions.answers import Answers, answer_codes, decision_words, refuse_first
from tinysieve.filtering.decisions.policy import Plan
from tinysieve.ground.errors import InputError


def write_review_queue(path: Path, plan: Plan, samples: SampleTable, labels: Codes) -> None:
    """Write the queue, most doubtful first, with an empty column `decision` to fill in."""
    rows = pa.array(plan.review)
    table = samples.table.select(["sample_id", "filepath", "split"]).take(rows)
    table = table.append_column("label", samples.classes.states(labels[plan.review]))
    table = table.append_column("proposed", samples.classes.names(plan.review_proposals))
    table = table.append_column("reason", pc.cast(plan.review_reasons, pa.string()))
    table = table.append_column("decision", pa.array([""] * len(rows), pa.string()))
    write_csv_table(path, table)


def read_answers(path: Path, reviewer: str, classes: ClassNames = PERSON_TASK) -> Answers:
    """Read columns `sample_id`, `decision` and, if there, `reviewer` and `at`; the lines are in the order of the answers.

    `decision` is a class, drop, skip, empty, or undo, which takes back what the same reviewer said above.

    Args:
        path: CSV, or Parquet.
        reviewer: who answered where the file does not say.
        classes: names of the two classes.

    Raises:
        InputError: no such file or column, or an unknown word, with line.
    """
    table = read_table(path)
    missing = [name for name in ("sample_id", "decision") if name not in table.column_names]
    if missing:
        raise InputError(f"no column '{missing[0]}'", where=f"{path}:1")

    def place(number: int) -> str:
        return f"{path}:{number + 2}"

    codes = answer_codes(classes)
    words = pc.utf8_lower(pc.utf8_trim_whitespace(_texts(table, "decision"))).combine_chunks()
    index = pc.fill_null(pc.index_in(words, pa.array(list(codes))), -1).to_numpy()
    refuse_first(index < 0, table["decision"], place, f"the decision is {', '.join(decision_words(classes))} or undo, not")
    who = _texts(table, "reviewer").combine_chunks()
    named = pc.if_else(pc.equal(who, ""), reviewer, who)
    return Answers(_texts(table, "sample_id").combine_chunks(), np.array(list(codes.values()), np.int8)[index], named,
                   _when(_texts(table, "at").combine_chunks()), place)


def _texts(table: pa.Table, name: str) -> pa.ChunkedArray:
    if name not in table.column_names:
        return pa.chunked_array([pa.array([""] * table.num_rows, pa.string())])
    return pc.fill_null(pc.cast(table[name], pa.string()), "")


def _when(texts: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
