"""The way out to a person and back: a review queue as CSV, and a person's answers as CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tinysieve.dataset.classes import PERSON_TASK, ClassNames, Codes
from tinysieve.dataset.csv_table import write_csv_table
from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.sources.label_words import as_text, plain
from tinysieve.dataset.table_file import TableFile, open_table
from tinysieve.filtering.decisions.answers import Answers, answer_codes, decision_words, refuse_first
from tinysieve.filtering.decisions.policy import Plan
from tinysieve.ground.errors import InputError

_UNKNOWN = np.int8(-9)


def write_review_queue(path: Path, plan: Plan, samples: SampleTable, labels: Codes) -> None:
    """Write the queue, most doubtful first, with an empty column `decision` to fill in."""
    rows = pa.array(plan.review)
    table = samples.table.select(["sample_id", "filepath", "split"]).take(rows)
    table = table.append_column("label", samples.classes.states(labels[plan.review]))
    table = table.append_column("proposed", samples.classes.names(plan.review_proposals))
    table = table.append_column("reason", pc.cast(plan.review_reasons, pa.string()))
    table = table.append_column("decision", pa.array([""] * len(rows), pa.string()))
    write_csv_table(path, table)


def _refuse_strangers(file: TableFile) -> None:
    """A table without ids is not what `review queue` wrote; Label Studio's has columns of its own."""
    names = {name.strip().casefold() for name in file.table.column_names}
    if "sample_id" not in names:
        fix = ("export the project as JSON: its tasks are matched by file name" if {"choice", "annotation_id"} & names else
               "fill in the table that 'tinysieve review queue' writes, or add its column sample_id")
        raise InputError("no column 'sample_id'", where=f"{file.path}:1", why="nothing says which sample a decision is about",
                         fix=f"{fix}; its columns: {', '.join(file.table.column_names)}")


def read_answers(path: Path, reviewer: str, classes: ClassNames = PERSON_TASK,
                 given: Mapping[str, Sequence[str]] | None = None) -> Answers:
    """Read columns `sample_id`, `decision` and, if there, `reviewer` and `at`; the lines are in the order of the answers.

    `decision` is a class, drop, skip, empty, or undo, which takes back what the same reviewer said above; `answer_codes` says how
    each may be written.

    Args:
        path: CSV, Excel or Parquet.
        reviewer: who answered where the file does not say.
        classes: names of the two classes.
        given: the user's own words for a class.

    Raises:
        InputError: no such file or column, or an unknown word, with line.
    """
    file = open_table(path)
    _refuse_strangers(file)
    ids, said = (_texts(file, file.column(name)) for name in ("sample_id", "decision"))
    codes = answer_codes(classes, given)
    words = said.dictionary_encode()
    known = np.array([codes.get(plain(word), _UNKNOWN) for word in words.dictionary.to_pylist()], np.int8)
    given_codes = known[words.indices.to_numpy()] if len(known) else np.zeros(0, np.int8)
    refuse_first(given_codes == _UNKNOWN, said, file.place, f"the decision is {', '.join(decision_words(classes))} or undo, not",
                 "write the whole word: a short form counts where it can mean only one of them")
    who = _texts(file, "reviewer")
    named = pc.if_else(pc.equal(who, ""), reviewer, who)
    return Answers(ids, given_codes, named, _when(_texts(file, "at")), file.place)


def _texts(file: TableFile, name: str) -> pa.Array:
    """A column as text without spaces around it; empty where there is no such column."""
    if name not in file.table.column_names:
        return pa.array([""] * file.table.num_rows, pa.string())
    column = as_text(file.table[name])
    return pc.fill_null(column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column, "")


def _when(texts: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
