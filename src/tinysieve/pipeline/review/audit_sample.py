"""An audit of a run: a random sample out to a person as CSV, and what the answers say of the policy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from tinysieve.dataset.classes import DROPPED, UNLABELED, Codes
from tinysieve.dataset.csv_table import write_csv_table
from tinysieve.dataset.samples import Mask, SampleTable
from tinysieve.dataset.table_file import TableFile, open_table
from tinysieve.filtering.decisions.answers import resolve_answers
from tinysieve.filtering.decisions.audit import STRATA, AnsweredStratum, draw_audit, judge_audit, strata_of
from tinysieve.filtering.decisions.filter_precision import Share
from tinysieve.filtering.decisions.human_review import read_answers
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.engine.stages import Run
from tinysieve.pipeline.stages.consensus import BELIEFS
from tinysieve.pipeline.stages.ingest import samples_of, versions_of
from tinysieve.pipeline.stages.policy import eligible_rows
from tinysieve.pipeline.stages.policy_facts import POLICY_FACTS

AUDIT = "audit.csv"


def write_audit(run: Run, looks: int) -> Path:
    """Draw an audit of the policy's version into `audit.csv` of the run folder: stratum, and room for a decision."""
    samples = samples_of(run)
    before, after = _labels(run)
    drawn = draw_audit(_strata(run, samples, before, after), looks, np.random.default_rng(run.config.seed))
    table = samples.table.select(["sample_id", "filepath", "split"]).take(pa.array(drawn.rows))
    names = [STRATA[code] for code in drawn.strata]
    table = table.append_column("stratum", pa.array(names, pa.string()))
    table = table.append_column("decision", pa.array([""] * len(names), pa.string()))
    path = run.folder / AUDIT
    write_csv_table(path, table)
    return path


def read_audit(run: Run, path: Path) -> list[AnsweredStratum]:
    """Count a filled audit against the labels before and after the policy.

    Raises:
        InputError: no column `stratum`, a sample that is not in that stratum now, nothing answered, or whatever `read_answers`
            refuses.
    """
    file = open_table(path)
    missing = [name for name in ("sample_id", "stratum") if name not in file.table.column_names]
    if missing:
        raise InputError(f"no column '{missing[0]}'", where=f"{path}:1", why="answers count for their stratum",
                         fix="fill the file that 'tinysieve audit sample' wrote")
    samples, (before, after) = samples_of(run), _labels(run)
    answers = read_answers(path, "human", samples.classes, run.config.dataset.classes)
    decisions = resolve_answers(answers, samples, before).agreed()
    if not len(decisions):
        raise InputError("nothing is answered", where=str(path), fix="fill the column 'decision'")
    strata = _strata(run, samples, before, after)
    _refuse_other_strata(file, strata[samples.rows_of(answers.sample_ids)])
    said = np.full(len(before), UNLABELED, np.int8)
    said[decisions.rows] = decisions.new_labels
    return [_count(strata == code, name, said, before, after) for code, name in enumerate(STRATA)]


def audit_result(run: Run, path: Path) -> dict[str, Share | None]:
    """Precision and recall of the policy, with intervals; see `judge_audit`."""
    return judge_audit(read_audit(run, path), np.random.default_rng(run.config.seed))


def _strata(run: Run, samples: SampleTable, before: Codes, after: Codes) -> Codes:
    return strata_of(before, after, _p_wrong(run, len(before)), eligible_rows(run, samples))


def _refuse_other_strata(file: TableFile, codes: Codes) -> None:
    """An audit of one policy says nothing of another: the strata are drawn with other chances."""
    now = [STRATA[code] if code >= 0 else "no stratum" for code in codes]
    for row, (drawn, present) in enumerate(zip(file.table["stratum"].to_pylist(), now, strict=True)):
        if drawn != present:
            raise InputError(f"drawn from '{drawn}', and now in '{present}'", where=file.place(row),
                             why="the policy has changed since the audit was drawn, so its answers stand for other samples",
                             fix="draw a new one with 'tinysieve audit sample', or go back to the settings it was drawn under")


def _count(inside: Mask, stratum: str, said: Codes, before: Codes, after: Codes) -> AnsweredStratum:
    rows = np.flatnonzero(inside & (said != UNLABELED))
    wrong_after = (after[rows] != said[rows]) & (after[rows] != DROPPED)
    return AnsweredStratum(stratum, int(inside.sum()), len(rows), int((before[rows] != said[rows]).sum()), int(wrong_after.sum()))


def _labels(run: Run) -> tuple[Codes, Codes]:
    """Labels before and after the policy, whatever people changed since."""
    made, store = POLICY_FACTS.of(run), versions_of(run)
    return store.load(made.parent).labels, store.load(made.version).labels


def _p_wrong(run: Run, count: int) -> np.ndarray:
    path = run.at("policy") / BELIEFS
    if not path.is_file():
        return np.zeros(count, np.float32)
    with np.load(path) as stored:
        return np.asarray(stored["p_wrong"])
