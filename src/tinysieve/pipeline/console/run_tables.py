"""What the commands print: tables for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa
import typer
from rich.table import Table

from tinysieve.dataset.classes import ClassNames
from tinysieve.dataset.sources.match_files import NO_FILE
from tinysieve.dataset.version_store import LogEntry
from tinysieve.filtering.decisions.vote_table import FilterRow
from tinysieve.pipeline.console.verdict import show_verdict, terminal
from tinysieve.pipeline.engine.artifacts import Artifact
from tinysieve.pipeline.engine.loudness import LOUDNESS
from tinysieve.pipeline.engine.records import require_recorded
from tinysieve.pipeline.engine.stage_words import does
from tinysieve.pipeline.engine.stages import FIRST_RUN, Run, StageStatus
from tinysieve.pipeline.engine.words import count
from tinysieve.pipeline.report.report_stage import REPORT_PAGE
from tinysieve.pipeline.review.queue import Imported
from tinysieve.pipeline.stages.ingest import INGEST_FACTS, LEAKS, QUARANTINE, SKIPPED, IngestFacts
from tinysieve.pipeline.stages.policy_facts import POLICY_FACTS, PolicyFacts, PrecisionFacts
from tinysieve.pipeline.stages.quantize import QUANTIZE_FACTS
from tinysieve.pipeline.stages.select_facts import SELECT_FACTS, SelectFacts
from tinysieve.pipeline.stages.train import TRAIN_FACTS
from tinysieve.pipeline.stages.verify import VERDICT, read_verdict
from tinysieve.pipeline.track.track_stage import TRACK_FACTS

_SHOWN_DIFFERENCES = 20
# What `--json` prints after a stage.
_SUMMARIES: tuple[Artifact[Any], ...] = (INGEST_FACTS, POLICY_FACTS, SELECT_FACTS, *TRAIN_FACTS.values(),
                                         *QUANTIZE_FACTS.values(), VERDICT)
_SUMMARY_OF = {facts.stage: facts for facts in _SUMMARIES} | {"report": VERDICT}


def printable(text: str) -> str:
    r"""Text in which what a terminal obeys, or cannot show, stands as an escape: names of files come from anywhere.

    >>> print(printable("café \x1b[31mred.jpg"))
    café \x1b[31mred.jpg
    """
    return "".join(character if character.isprintable() else character.encode("unicode_escape").decode() for character in text)


def announce(status: StageStatus) -> None:
    """One line a stage, as it is reached: what it does and, where it ran before, why again."""
    if not LOUDNESS.quiet:
        typer.echo(f"run  {status.stage}: {_purpose(status)}" if status.runs else f"skip {status.stage}: {status.reasons[0]}",
                   err=True)


def _purpose(status: StageStatus) -> str:
    why = "; ".join(reason for reason in status.reasons[:1] if reason != FIRST_RUN)
    return does(status.stage) + (f" ({why})" if why else "")


def show_plan(statuses: Sequence[StageStatus], explain: bool, as_json: bool) -> None:
    """What would run and, if asked, why."""
    if as_json:
        _json([asdict(status) for status in statuses])
        return
    for status in statuses:
        reasons = (does(status.stage) if reason == FIRST_RUN else reason for reason in status.reasons)
        why = ": " + "; ".join(reasons) if explain else ""
        typer.echo(f"{'would run' if status.runs else 'up to date'}  {status.stage}{why if status.runs else ''}")


def show_log(entries: Sequence[LogEntry], as_json: bool) -> None:
    """Versions, newest first, the current one marked."""
    if as_json:
        _json([asdict(entry) for entry in entries])
        return
    for entry in entries:
        mark = "*" if entry.current else " "
        noun = "change " if entry.changes == 1 else "changes"
        typer.echo(f"{mark} {entry.id}  {entry.at}  {entry.changes:>8,} {noun}  "
                   f"{''.join(f'[{name}] ' for name in entry.names)}{printable(entry.note)}")


def show_diff(table: pa.Table, as_json: bool) -> None:
    """Counts of each change and the first rows."""
    if as_json:
        _json(table.to_pylist())
        return
    counts = table.group_by(["split", "old_label", "new_label"]).aggregate([("sample_id", "count")])
    for row in counts.sort_by([("split", "ascending"), ("old_label", "ascending")]).to_pylist():
        change = f"{row['old_label'] or 'none'} -> {row['new_label'] or 'none'}"
        typer.echo(f"{row['sample_id_count']:>8,}  {row['split']:<11} {change}")
    for row in table.slice(0, _SHOWN_DIFFERENCES).to_pylist():
        typer.echo(f"  {row['sample_id'][:12]}  {printable(row['filepath'])}  "
                   f"{row['old_label'] or 'none'} -> {row['new_label'] or 'none'}")
    if table.num_rows > _SHOWN_DIFFERENCES:
        typer.echo(f"  and {table.num_rows - _SHOWN_DIFFERENCES:,} more (--json for all)")


def show_imported(imported: Imported, as_json: bool) -> None:
    """What became of people's answers."""
    review, conflicts = imported.review, imported.review.conflicts
    counts = {"changed": imported.changed, "confirmed": imported.confirmed, "skipped": review.skipped,
              "repeated": review.repeated, "taken_back": review.taken_back, "conflicts": len(conflicts)}
    if as_json:
        _json({"version": imported.version.id, **counts, "left": [asdict(conflict) for conflict in conflicts]})
        return
    typer.echo(f"current version: {imported.version.id} ({count(imported.changed, 'change', 'changes')})")
    words = {"conflicts": "conflict" if len(conflicts) == 1 else "conflicts", "taken_back": "taken back"}
    typer.echo(", ".join(f"{number:,} {words.get(name, name)}" for name, number in counts.items() if name != "changed"))
    for conflict in conflicts[:_SHOWN_DIFFERENCES]:
        typer.echo(f"  unchanged: {conflict.sample_id[:12]}: {printable(conflict.first)} against {printable(conflict.second)}")


def show_filters(rows: Sequence[FilterRow], classes: ClassNames) -> None:
    """The table of filters before the policy."""
    table = Table(title="filters, over samples that may change")
    for name in ("filter", "signal", "coverage", "overlap", "conflict", *(f"-> {name}" for name in classes.positive_first),
                 *(f"new {name}" for name in classes.positive_first), "drop", "review"):
        words = name in ("filter", "signal")
        table.add_column(name, justify="left" if words else "right", no_wrap=words)
    for row in rows:
        shares = (f"{value:.1%}" for value in (row.coverage, row.overlap, row.conflict))
        counts = (f"{value:,}" for value in (row.to_positive, row.to_negative, row.new_positive, row.new_negative,
                                              row.ask_drop, row.ask_review))
        table.add_row(row.filter, row.signal, *shares, *counts)
    terminal().print(table)


def show_precision(precision: Mapping[str, PrecisionFacts]) -> None:
    """Estimated share of each filter's votes against given labels that is right, and of all wrong labels that it finds."""
    voting = {name: votes for name, votes in precision.items() if votes.precision is not None}
    if not voting:
        return
    table = Table(title="votes against given labels, estimated from all scores")
    for name in ("filter", "votes against", "precision", "95 % interval", "recall"):
        table.add_column(name, justify="left" if name == "filter" else "right")
    for name, votes in voting.items():
        recall = "" if votes.recall is None else f"{votes.recall:.0%}"
        if (share := votes.precision) is not None:
            table.add_row(name, f"{votes.against:,}", f"{share.value:.1%}", f"{share.low:.1%} to {share.high:.1%}", recall)
    terminal().print(table)


def show_ingest(facts: IngestFacts) -> None:
    """What became samples and what did not, with the files that name it."""
    typer.echo(f"{count(facts.samples, 'sample', 'samples')}, version {facts.version}")
    for name, number, listed in (("quarantined", facts.quarantined, QUARANTINE), ("skipped", facts.skipped, SKIPPED),
                                 ("leaked", facts.leaked, LEAKS)):
        if number:
            typer.echo(f"{number:,} {name}: see {listed.stage}/{listed.file}")
        if listed is SKIPPED:
            _show_skipped_rows(facts.skipped_rows)
    if facts.conflicts:
        typer.echo(f"{count(facts.conflicts, 'photo', 'photos')} filed under both labels: see ingest/conflicts.csv")
    for note in facts.notes:
        typer.echo(f"note: {note}")


def _show_skipped_rows(reasons: Mapping[str, int]) -> None:
    for reason, number in reasons.items():
        fate = "; photos without a row count as unlabeled" if reason == NO_FILE else ""
        typer.echo(f"  {count(number, 'row', 'rows')}: {reason}{fate}")


def show_policy(facts: PolicyFacts, classes: ClassNames) -> None:
    """The filters, then what the policy did."""
    show_filters(facts.filters, classes)
    show_precision(facts.precision)
    show_pairs(f"policy '{facts.policy}': {facts.parent} -> {facts.version}",
               {**facts.changes, "in the review queue": facts.review})


def show_selection(facts: SelectFacts) -> None:
    """Photos of each class and slice, before and after."""
    table = Table(title=f"selection by {facts.by}: {facts.parent} -> {facts.version}")
    for name in ("photos", "before", "kept", "share"):
        table.add_column(name, justify="left" if name == "photos" else "right")
    for name, kept in facts.rows:
        table.add_row(name, f"{kept.before:,}", f"{kept.after:,}", f"{kept.after / kept.before:.1%}" if kept.before else "n/a")
    terminal().print(table)


def show_pairs(title: str, pairs: dict[str, int]) -> None:
    """A small table of counts."""
    # A title is wrapped at the table's width.
    table = Table(title=title, show_header=False, min_width=len(title))
    table.add_column()
    table.add_column(justify="right")
    for name, number in pairs.items():
        table.add_row(name, f"{number:,}")
    terminal().print(table)


def show_result(run: Run, last: str, as_json: bool) -> None:
    """What the last stage found, and where it lies."""
    folder = run.at(last)
    if as_json:
        summary = _SUMMARY_OF.get(last)
        typer.echo(json.dumps({"folder": str(folder)}) if summary is None else
                   require_recorded(run.at(summary.stage), summary.file).read_text("utf-8").rstrip())
        return
    if last in ("ingest", "policy"):
        show_ingest(INGEST_FACTS.of(run))
    if last == "policy":
        show_policy(POLICY_FACTS.of(run), run.config.task.classes)
    if last == "select":
        show_selection(SELECT_FACTS.of(run))
    if last in ("verify", "report"):
        show_verdict(read_verdict(run))
    if last == "report" and TRACK_FACTS.exists(run) and run.config.track.to:
        typer.echo(f"tracked: {TRACK_FACTS.of(run).show}")
    typer.echo(f"done: {REPORT_PAGE.path(run) if last == 'report' else folder}")


def _json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=1))
