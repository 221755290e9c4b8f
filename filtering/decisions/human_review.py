"""The way out to a person and back: a review queue as CSV, and a person's decisions as CSV."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from dataset.atomic import replacing
from dataset.decisions import DROP, LABEL, RELABEL, RESTORE, Decisions
from dataset.errors import InputError
from dataset.samples import BACKGROUND, DROPPED, PERSON, UNLABELED, Codes, SampleTable, label_names
from dataset.sources.tables import read_table
from filtering.decisions.policy import Plan

_VERDICTS = {"person": PERSON, "background": BACKGROUND, "drop": DROPPED, "skip": UNLABELED, "": UNLABELED}


def write_review_queue(path: Path, plan: Plan, samples: SampleTable, labels: Codes) -> None:
    """Write the queue, most doubtful first, with an empty column `decision` to fill in."""
    rows = pa.array(plan.review)
    table = samples.table.select(["sample_id", "filepath", "split"]).take(rows)
    table = table.append_column("label", label_names(labels[plan.review]))
    table = table.append_column("proposed", label_names(plan.review_proposals))
    table = table.append_column("reason", pc.cast(plan.review_reasons, pa.string()))
    table = table.append_column("decision", pa.array([""] * len(rows), pa.string()))
    with replacing(path) as temporary:
        pacsv.write_csv(table, temporary)


def read_review(path: Path, samples: SampleTable, labels: Codes, reviewer: str) -> Decisions:
    """Read columns `sample_id`, `decision` (person, background, drop, skip or empty) and, if there, `at`.

    Raises:
        InputError: an id that does not exist, an unknown word, or two different decisions for one sample, with line.
    """
    table = read_table(path)
    missing = [name for name in ("sample_id", "decision") if name not in table.column_names]
    if missing:
        raise InputError(f"no column '{missing[0]}'", where=f"{path}:1")
    rows = samples.rows_of(table["sample_id"].combine_chunks())
    _refuse_first(rows < 0, table["sample_id"], path, "no sample has the id")
    words = pc.utf8_lower(pc.utf8_trim_whitespace(table["decision"])).combine_chunks()
    index = pc.fill_null(pc.index_in(words, pa.array(list(_VERDICTS))), -1).to_numpy()
    _refuse_first(index < 0, table["decision"], path, "person, background, drop or skip, not")
    new = np.array(list(_VERDICTS.values()), np.int8)[index]
    _refuse_contradiction(rows, new, path)
    decided = np.flatnonzero(new != UNLABELED)
    _, first = np.unique(rows[decided], return_index=True)
    taken = decided[first]
    at = pc.cast(table["at"], pa.string()).combine_chunks().take(pa.array(taken)) if "at" in table.column_names else None
    old = labels[rows[taken]]
    actions = np.select([new[taken] == DROPPED, old == UNLABELED, old == DROPPED], [DROP, LABEL, RESTORE], RELABEL)
    count = len(taken)
    return Decisions(rows[taken], actions.astype(np.int8), new[taken], pa.array([reviewer] * count, pa.string()),
                     np.ones(count, np.float32), pa.array(["reviewed by a person"] * count, pa.string()), at)


def _refuse_first(bad: np.ndarray, values: pa.ChunkedArray, path: Path, what: str) -> None:
    lines = np.flatnonzero(bad)
    if len(lines):
        raise InputError(f"{what} {values[int(lines[0])].as_py()!r} ({len(lines)} such lines)",
                         where=f"{path}:{lines[0] + 2}", why="nothing of the file was applied", fix="mend the line")


def _refuse_contradiction(rows: np.ndarray, new: Codes, path: Path) -> None:
    order = np.argsort(rows, kind="stable")
    same = (rows[order][1:] == rows[order][:-1]) & (new[order][1:] != new[order][:-1])
    if same.any():
        line = int(order[1:][same][0])
        raise InputError("two different decisions for one sample", where=f"{path}:{line + 2}",
                         why="nothing of the file was applied", fix="keep one of them")
