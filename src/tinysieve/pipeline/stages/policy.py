"""Stage `policy`: from opinions to the mended version and the review queue."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer
from pydantic import TypeAdapter

from tinysieve.dataset.classes import DROPPED, NEGATIVE, POSITIVE, UNLABELED, ClassNames, Codes
from tinysieve.dataset.samples import Mask, SampleTable
from tinysieve.dataset.sources.tables import read_table
from tinysieve.dataset.versions import apply_decisions
from tinysieve.filtering.decisions.consensus import Beliefs, Consensus
from tinysieve.filtering.decisions.error_model import ErrorModel
from tinysieve.filtering.decisions.human_review import write_review_queue
from tinysieve.filtering.decisions.policy import Plan, refuse_large_change
from tinysieve.filtering.decisions.vote_table import vote_table
from tinysieve.filtering.opinion import Opinions
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.engine.artifacts import Artifact
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.stages import Run, Stage
from tinysieve.pipeline.stages.consensus import (
    BELIEFS,
    answers_fingerprint,
    beliefs_of,
    precision_table,
    save_beliefs,
)
from tinysieve.pipeline.stages.ingest import samples_of, versions_of
from tinysieve.pipeline.stages.libraries import LEARNING
from tinysieve.pipeline.stages.opinions import opinions_of, stage_name
from tinysieve.pipeline.stages.policy_facts import POLICY_FACTS, ErrorModelFacts, NextLooks, PolicyFacts

# A quarter of an hour with the keyboard.
NEXT_LOOKS = 50
REVIEW_QUEUE = Artifact("policy", "review_queue.csv", read_table)


def eligible_rows(run: Run, samples: SampleTable) -> Mask:
    """bool [N]: rows that the policy may change; never the test split."""
    mended = ("train", "unlabeled", "validation") if run.config.policy.mend_validation else ("train", "unlabeled")
    return samples.in_split(*mended)


def _work(run: Run, folder: Path) -> str:
    with progress("policy"):
        return _decided(run, folder)


def _decided(run: Run, folder: Path) -> str:
    samples, store, settings = samples_of(run), versions_of(run), run.config.policy
    first, eligible = store.load("0"), eligible_rows(run, samples)
    opinions = opinions_of(run)
    beliefs = beliefs_of(run, samples, first.labels) if isinstance(settings, Consensus) else None
    plan = _decide(run, opinions, beliefs, first.labels, eligible, samples.classes)
    refuse_large_change(first.labels, plan.decisions, eligible, settings.max_change, samples.classes)
    frozen = frozenset() if settings.mend_validation else frozenset({"validation"})
    mended = apply_decisions(samples, first, plan.decisions, f"policy {settings.kind}", frozen)
    write_review_queue(folder / REVIEW_QUEUE.file, plan, samples, mended.labels)
    if beliefs is not None:
        save_beliefs(beliefs, first.labels, folder / BELIEFS)
    POLICY_FACTS.write(PolicyFacts(
        policy=settings.kind, filters=tuple(vote_table(opinions, first.labels, eligible)),
        precision=precision_table(run, samples, first.labels, opinions, eligible, beliefs),
        changes=_changes(first.labels, mended.labels, samples), review=len(plan.review), version=mended.id, parent=first.id,
        model=None if beliefs is None else _model_facts(beliefs.model), next_looks=_next_looks(plan)), folder)
    if left := store.advance(mended):
        typer.echo(f"what was decided on top of the earlier version ({', '.join(left)}) is no part of the new one: import the "
                   f"decisions again, or 'tinysieve checkout {left[-1]}' to go on from there", err=True)
    return mended.id


def _decide(run: Run, opinions: Sequence[Opinions], beliefs: Beliefs | None, labels: Codes, eligible: Mask,
            classes: ClassNames) -> Plan:
    policy = run.config.policy
    if isinstance(policy, Consensus):
        assert beliefs is not None, "the consensus decides by beliefs"
        return policy.decide(opinions, beliefs, labels, eligible, classes)
    return policy.decide(opinions, labels, eligible)


def _model_facts(model: ErrorModel) -> ErrorModelFacts:
    return ErrorModelFacts(dict(zip(model.names, model.weights.round(4).tolist(), strict=True)), round(model.intercept, 4),
                           round(model.rates.negative_as_positive, 4), round(model.rates.positive_as_negative, 4),
                           round(model.prior_share, 4))


def _next_looks(plan: Plan) -> NextLooks | None:
    if plan.review_gains is None or not len(plan.review):
        return None
    gains = plan.review_gains[:NEXT_LOOKS]
    return NextLooks(len(gains), round(float(gains.sum()), 2))


def _changes(old: Codes, new: Codes, samples: SampleTable) -> dict[str, int]:
    names = {**samples.classes.words, UNLABELED: "none"}
    changed, counts = old != new, {}
    for before in (POSITIVE, NEGATIVE, UNLABELED):
        for after in (POSITIVE, NEGATIVE, DROPPED):
            if before != after:
                counts[f"{names[before]} -> {names[after]}"] = int((changed & (old == before) & (new == after)).sum())
    return counts | {"left without a label": int((samples.in_split("unlabeled") & (new == UNLABELED)).sum())}


def _version_made(run: Run) -> tuple[Path, ...]:
    made = POLICY_FACTS.read(run.folder / "policy.partial" / POLICY_FACTS.file)
    return versions_of(run).files_of(made.version)


def policy_stage(config: Config) -> Stage:
    """The stage; it reads every filter that is on."""
    filters = tuple(stage_name(judge.name) for judge in config.filter.active)
    return Stage("policy", 8, ("ingest", *filters), _settings, _work, lambda run: answers_fingerprint(run.config.policy),
                 (*LEARNING, "pyarrow"), _version_made)


def _settings(config: Config) -> object:
    policy: dict[str, Any] = TypeAdapter(type(config.policy)).dump_python(config.policy, mode="json")
    # The selection is a stage of its own.
    del policy["select"]
    return policy | {"filters": [judge.name for judge in config.filter.active]}
