"""A person's decisions come back in as a version on top of the current one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tinysieve.dataset.versions import ALWAYS_FROZEN, Version, apply_decisions
from tinysieve.filtering.decisions.answers import NO_ANSWER, Answers, Review, decision_words, resolve_answers
from tinysieve.filtering.decisions.human_review import read_answers
from tinysieve.filtering.decisions.label_studio_answers import read_annotations
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.engine.stages import Run, locked
from tinysieve.pipeline.review.decision_log import DECISION_LOG
from tinysieve.pipeline.stages.ingest import samples_of, versions_of


@dataclass(frozen=True, eq=False)
class Imported:
    """A review that was applied.

    Args:
        version: the current one now.
        changed: labels that differ from before.
        confirmed: samples whose label a person found right; they leave no trace in a ledger.
        review: what was answered.
    """

    version: Version
    changed: int
    confirmed: int
    review: Review


def import_answers(run: Run, answers: Answers, leave_conflicts: bool) -> Imported:
    """Apply people's answers, all of them or none; the test split stays frozen for people too.

    Args:
        leave_conflicts: samples on which people contradict each other stay as they are, instead of stopping the import.

    Raises:
        InputError: unknown samples, or a conflict.
        FrozenSplit: a decision would change the test split.
    """
    with locked(run.folder):
        samples, store = samples_of(run), versions_of(run)
        current = store.load("HEAD")
        review = resolve_answers(answers, samples, current.labels)
        decisions = review.decisions if leave_conflicts else review.agreed()
        who = ", ".join(sorted(set(decisions.by.to_pylist())))
        made = apply_decisions(samples, current, decisions, f"reviewed by {who}", ALWAYS_FROZEN)
        store.save(made)
    changed = int((current.labels[decisions.rows] != decisions.new_labels).sum())
    return Imported(made, changed, len(decisions) - changed, review)


def read_file(run: Run, file: Path, reviewer: str, control: str | None = None) -> Answers:
    """Answers from a decisions file, or from Label Studio's JSON export (`.json`).

    Args:
        control: which control of Label Studio decides; None for ours, or for the only one.

    Raises:
        InputError: nothing is decided in it, or whatever the readers refuse.
    """
    samples, given = samples_of(run), run.config.dataset.classes
    if file.suffix.lower() == ".json":
        answers = read_annotations(file, reviewer, samples, given, control)
    elif control is not None:
        raise InputError("--control is for an export of Label Studio", where=str(file), fix="leave it out, or name a .json file")
    else:
        answers = read_answers(file, reviewer, samples.classes, given)
    if (answers.codes == NO_ANSWER).all():
        raise InputError(f"nothing is decided in it: {len(answers):,} rows, all empty or skipped", where=str(file),
                         fix=f"decide with {', '.join(decision_words(samples.classes))} in the column 'decision'")
    return answers


def read_diary(run: Run) -> Answers:
    """What was decided in the run's own reviews.

    Raises:
        InputError: nothing was decided yet.
    """
    decision_log = run.folder / DECISION_LOG
    if not decision_log.exists():
        raise InputError("nothing was decided yet", where=str(decision_log), fix="decide with 'tinysieve review', or name a file")
    return read_answers(decision_log, "", samples_of(run).classes)
