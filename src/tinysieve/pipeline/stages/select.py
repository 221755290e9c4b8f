"""Stage `select`: from the mended labels to the photos that the budget holds, as a version on top."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import typer
from pydantic import TypeAdapter

from tinysieve.dataset.classes import Codes
from tinysieve.dataset.decisions import drop
from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.version_store import VersionStore
from tinysieve.dataset.versions import Version, apply_decisions
from tinysieve.filtering.selection.choose import choose
from tinysieve.filtering.selection.registry import WAYS
from tinysieve.filtering.selection.settings import Selection
from tinysieve.filtering.selection.way import Rows
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.stages import Run, Stage
from tinysieve.pipeline.stages.filters import EVIDENCE
from tinysieve.pipeline.stages.ingest import samples_of, versions_of
from tinysieve.pipeline.stages.libraries import LEARNING
from tinysieve.pipeline.stages.run_evidence import RunEvidence
from tinysieve.pipeline.stages.select_facts import SELECT_FACTS, Kept, SelectFacts
from tinysieve.pipeline.stages.slices import slices_of

NOTE = "selection: "


def base_of(store: VersionStore) -> str:
    """Id of the version to choose from: the current one, or what stood before the first selection on the way to it."""
    chain = store.chain("HEAD")
    first = next((place for place, version in enumerate(chain) if version.note.startswith(NOTE)), len(chain))
    return chain[first - 1].id


def _work(run: Run, folder: Path) -> str:
    samples, store, settings = samples_of(run), versions_of(run), _settings_of(run.config)
    base = store.load(base_of(store))
    rows = np.flatnonzero(samples.in_split("train", "unlabeled") & (base.labels >= 0))
    with progress("select"):
        kept = choose(settings, RunEvidence(run), base.labels, rows, np.random.default_rng(run.config.seed))
    left = np.setdiff1d(rows, kept)
    made = apply_decisions(samples, base, drop(left, "selection", f"not among the {len(kept):,} photos kept by {settings.words}"),
                           f"{NOTE}{len(kept):,} of {len(rows):,} photos kept by {settings.words}", frozenset({"validation"}))
    SELECT_FACTS.write(SelectFacts(
        by=settings.words, per_class=settings.per_class, photos=Kept(len(rows), len(kept)),
        classes=_classes(samples, base.labels, rows, kept), slices=_slices(samples, rows, kept), version=made.id,
        parent=base.id), folder)
    _make_current(store, made, base.id)
    return made.id


def _make_current(store: VersionStore, made: Version, base: str) -> None:
    if made.id == base:
        # The budget holds all: an earlier, smaller selection must not stay.
        store.checkout(base)
    elif left := store.advance(made):
        typer.echo(f"what was decided on top of the earlier selection ({', '.join(left)}) is no part of the new one: import the "
                   f"decisions again, or 'tinysieve checkout {left[-1]}' to go on from there", err=True)


def _classes(samples: SampleTable, labels: Codes, rows: Rows, kept: Rows) -> dict[str, Kept]:
    return {name: Kept(int((labels[rows] == code).sum()), int((labels[kept] == code).sum()))
            for code, name in enumerate(samples.classes.in_code_order)}


def _slices(samples: SampleTable, rows: Rows, kept: Rows) -> dict[str, Kept]:
    after = slices_of(samples, kept)
    return {name: Kept(int(inside.sum()), int(after[name].sum())) for name, inside in slices_of(samples, rows).items()}


def _settings_of(config: Config) -> Selection:
    settings = config.policy.select
    if settings is None:
        raise InputError("nothing to select: no policy.select in the configuration", where="policy.select",
                         fix="set policy.select, such as {budget: 0.5, by: [coverage]}")
    return settings


def _settings(config: Config) -> object:
    asked: dict[str, Any] = TypeAdapter(Selection).dump_python(_settings_of(config), mode="json")
    return asked | {"seed": config.seed}


def _base(run: Run) -> dict[str, str]:
    """Selection follows what people decided before it, and stays where they took it back."""
    store = versions_of(run)
    if not (store.folder / "HEAD").exists():
        return {"version": "none yet"}
    try:
        return {"version": base_of(store)}
    except InputError as error:
        # The stage that made the damaged version makes it again, if one did; else the selection itself stops at it.
        return {"version": f"damaged: {error.what}"}


def _version_made(run: Run) -> tuple[Path, ...]:
    made = SELECT_FACTS.read(run.folder / "select.partial" / SELECT_FACTS.file)
    return versions_of(run).files_of(made.version)


def selecting_kinds(config: Config) -> set[str]:
    """Kinds of evidence that the configured selection needs."""
    settings = config.policy.select
    return set() if settings is None else {kind for step in settings.by for kind in WAYS[step.way].needs}


def select_stages(config: Config) -> tuple[Stage, ...]:
    """The stage, where the configuration asks for a selection."""
    if config.policy.select is None:
        return ()
    kinds = selecting_kinds(config)
    needs = [EVIDENCE[kind](config).name for kind in EVIDENCE if kind in kinds]
    return (Stage("select", 1, ("ingest", *needs, "policy"), _settings, _work, _base, (*LEARNING, "pyarrow"), _version_made),)
