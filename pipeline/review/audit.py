"""An audit of a run: a random sample out to a person as CSV, and what the answers say of the policy."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from dataset.atomic import replacing
from dataset.errors import InputError
from dataset.samples import DROPPED, UNLABELED, Codes, SampleTable
from dataset.sources.tables import read_table
from filtering.decisions.answers import settle
from filtering.decisions.audit import STRATA, AnsweredStratum, draw_audit, judge_audit, strata_of
from filtering.decisions.filter_precision import Share
from filtering.decisions.human_review import read_answers
from pipeline.consensus import BELIEFS
from pipeline.data_stages import samples_of, versions_of
from pipeline.filter_stages import eligible_rows
from pipeline.stages import Run

AUDIT = "audit.csv"


def write_audit(run: Run, looks: int) -> Path:
    """Draw an audit of the policy's version into `audit.csv` of the run folder: stratum, its size, and room for a decision."""
    samples = samples_of(run)
    before, after = _labels(run)
    strata = strata_of(before, after, _p_wrong(run, len(before)), eligible_rows(run, samples))
    drawn = draw_audit(strata, looks, np.random.default_rng(run.config.seed))
    table = samples.table.select(["sample_id", "filepath", "split"]).take(pa.array(drawn.rows))
    names = [STRATA[code] for code in drawn.strata]
    table = table.append_column("stratum", pa.array(names, pa.string()))
    table = table.append_column("stratum_size", pa.array([drawn.sizes[name] for name in names], pa.int64()))
    table = table.append_column("decision", pa.array([""] * len(names), pa.string()))
    path = run.folder / AUDIT
    with replacing(path) as temporary:
        pacsv.write_csv(table, temporary)
    return path


def read_audit(run: Run, path: Path) -> list[AnsweredStratum]:
    """Count a filled audit against the labels before and after the policy.

    Raises:
        InputError: no column `stratum`, an unknown stratum, nothing answered, or whatever `read_answers` refuses.
    """
    table = read_table(path)
    missing = [name for name in ("stratum", "stratum_size") if name not in table.column_names]
    if missing:
        raise InputError(f"no column '{missing[0]}'", where=f"{path}:1", why="answers count for their stratum",
                         fix="fill the file that 'tinysieve audit sample' wrote")
    samples, (before, after) = samples_of(run), _labels(run)
    decisions = settle(read_answers(path, "human"), samples, before).agreed()
    if not len(decisions):
        raise InputError("nothing is answered", where=str(path), fix="fill the column 'decision'")
    said = np.full(len(before), UNLABELED, np.int8)
    said[decisions.rows] = decisions.new_labels
    return [_count(samples, table, name, said, before, after) for name in STRATA]


def audit_result(run: Run, path: Path) -> dict[str, Share | None]:
    """Precision and recall of the policy, with intervals; see `judge_audit`."""
    return judge_audit(read_audit(run, path), np.random.default_rng(run.config.seed))


def _count(samples: SampleTable, table: pa.Table, stratum: str, said: Codes, before: Codes, after: Codes) -> AnsweredStratum:
    places = np.flatnonzero(np.asarray(table["stratum"].to_pylist()) == stratum)
    if not len(places):
        return AnsweredStratum(stratum, 0, 0, 0, 0)
    rows = samples.rows_of(table["sample_id"].combine_chunks().take(pa.array(places)))
    rows = np.unique(rows[said[rows] != UNLABELED])
    size = int(str(table["stratum_size"][int(places[0])].as_py()))
    wrong_after = (after[rows] != said[rows]) & (after[rows] != DROPPED)
    return AnsweredStratum(stratum, size, len(rows), int((before[rows] != said[rows]).sum()), int(wrong_after.sum()))


def _labels(run: Run) -> tuple[Codes, Codes]:
    """Labels before and after the policy, whatever people changed since."""
    made, store = json.loads((run.at("policy") / "policy.json").read_text()), versions_of(run)
    return store.load(made["parent"]).labels, store.load(made["version"]).labels


def _p_wrong(run: Run, count: int) -> np.ndarray:
    path = run.at("policy") / BELIEFS
    if not path.is_file():
        return np.zeros(count, np.float32)
    with np.load(path) as stored:
        return np.asarray(stored["p_wrong"])
