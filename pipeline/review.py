"""A person's decisions come back in as a version on top of the current one."""

from __future__ import annotations

from pathlib import Path

from dataset.versions import ALWAYS_FROZEN, Version, apply_decisions
from filtering.decisions.human_review import read_review
from pipeline.data_stages import samples_of, versions_of
from pipeline.stages import Run, locked


def import_decisions(run: Run, file: Path, reviewer: str) -> Version:
    """Apply `decisions.csv`; the test split stays frozen for people too.

    Raises:
        InputError: the file names unknown samples or contradicts itself; nothing is applied then.
    """
    with locked(run.folder):
        samples, store = samples_of(run), versions_of(run)
        current = store.load("HEAD")
        decisions = read_review(file, samples, current.labels, reviewer)
        made = apply_decisions(samples, current, decisions, f"reviewed by {reviewer}", ALWAYS_FROZEN)
        store.save(made)
        return made
