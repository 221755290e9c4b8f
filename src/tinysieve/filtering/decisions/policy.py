"""Policies turn opinions into decisions. They propose; `tinysieve.dataset.versions.apply_decisions` carries out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from tinysieve.dataset.classes import DROPPED, NEGATIVE, PERSON_TASK, POSITIVE, UNLABELED, ClassNames, Codes
from tinysieve.dataset.decisions import DROP, LABEL, RELABEL, Decisions
from tinysieve.dataset.samples import Mask
from tinysieve.filtering.opinion import ABSTAIN, ASK_DROP, ASK_REVIEW, Opinions
from tinysieve.filtering.selection.settings import Selection
from tinysieve.ground.errors import ChangeTooLarge, InputError
from tinysieve.ground.settings import Share
from tinysieve.ground.worded import worded

MAX_SIGNALS = 127


@dataclass(frozen=True, eq=False)
class Plan:
    """What a policy would do.

    Args:
        decisions: to be applied.
        review: int64 [R], rows that a person should look at, most doubtful first; their labels stay.
        review_proposals: int8 [R], what the filters propose for them (ABSTAIN where they contradict each other).
        review_reasons: string [R].
        review_gains: float64 [R], right labels that each look is expected to gain; None from a policy that only counts votes.
    """

    decisions: Decisions
    review: NDArray[np.int64]
    review_proposals: Codes
    review_reasons: pa.Array
    review_gains: NDArray[np.float64] | None = None


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What every policy lets a person set; subclasses add their own, and pydantic checks all when a configuration is read.

    Args:
        max_change: share of a class above which nothing is changed and the setting is named.
        mend_validation: whether the validation split may change too; the test split never does.
        select: how many of the photos to train on and which, as a step of its own after the policy; all without it.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    max_change: Share = 0.25
    mend_validation: bool = False
    select: Selection | None = None


@dataclass(frozen=True)
class TwoSignals(Policy):
    """The default policy: two independent signals flip a label, one lone strong signal drops it, doubt is reviewed.

    Args:
        flip_votes: signals that must agree against a label, with none for it, before it is flipped.
        label_votes: signals that must agree, with none against, before an unlabeled sample gets a label.
        drop_confidence: one signal against and none for drops the sample at or above this confidence; below it,
            and wherever signals contradict each other, the sample goes to review with its label as it is. A filter's
            request to drop is held to the same limit.

    A request for review stops every change of that sample but a requested drop: a duplicate is one too many whatever it shows.
    """

    flip_votes: Annotated[int, Field(ge=1)] = 2
    label_votes: Annotated[int, Field(ge=1)] = 2
    drop_confidence: Annotated[float, Field(ge=0)] = 0.6
    kind: Literal["default"] = "default"

    def decide(self, opinions: Sequence[Opinions], labels: Codes, eligible: Mask) -> Plan:
        """Weigh all opinions.

        Args:
            opinions: of N samples each.
            labels: int8 [N], current labels.
            eligible: bool [N], samples whose label may change.
        """
        votes = count_votes(opinions, len(labels))
        labelled, free = eligible & (labels > UNLABELED), eligible & (labels == UNLABELED)
        given_positive = labels == POSITIVE
        against = np.where(given_positive, votes.negative, votes.positive)
        support = np.where(given_positive, votes.positive, votes.negative)
        removed = eligible & (labels != DROPPED) & (votes.drop > 0) & (votes.drop >= np.float32(self.drop_confidence))
        held = (votes.look > 0) | (votes.drop > 0)
        flip = labelled & (support == 0) & (against >= self.flip_votes)
        lone = labelled & (support == 0) & (against > 0) & ~flip
        dropped = lone & (votes.strongest >= np.float32(self.drop_confidence))
        named = free & (np.minimum(votes.positive, votes.negative) == 0) & (votes.total >= self.label_votes)
        # A label that one signal supports and another disputes, and an unlabeled sample with a lone vote.
        doubt = (labelled & (against > 0) & ~flip & ~dropped) | (free & (votes.total > 0) & ~named)
        doubt = (doubt | held & (labelled | named)) & ~removed
        new = np.where(votes.positive > votes.negative, POSITIVE, NEGATIVE).astype(np.int8)
        dropped = removed | dropped & ~held
        actions = np.select([dropped, flip & ~held, named & ~held], [np.int8(DROP), np.int8(RELABEL), np.int8(LABEL)],
                            np.int8(-1))
        return _plan(opinions, actions, np.where(dropped, np.int8(DROPPED), new), votes, doubt)


@dataclass(frozen=True)
class FollowDetector(Policy):
    """The seed submission's policy: whatever the one filter says is done."""

    kind: Literal["seed"] = "seed"

    def decide(self, opinions: Sequence[Opinions], labels: Codes, eligible: Mask) -> Plan:
        """Flip every disagreement, label every unlabeled sample.

        Raises:
            InputError: not exactly one filter.
        """
        if len(opinions) != 1:
            raise InputError(f"policy 'seed' follows one filter and got {len(opinions)}")
        proposed = opinions[0].proposed
        differs = eligible & opinions[0].votes & (proposed != labels) & (labels != DROPPED)
        actions = np.where(differs, np.where(labels == UNLABELED, np.int8(LABEL), np.int8(RELABEL)), np.int8(-1))
        return _plan(opinions, actions, proposed, count_votes(opinions, len(labels)), np.zeros(len(labels), bool))


def refuse_large_change(labels: Codes, decisions: Decisions, eligible: Mask, max_change: float,
                        classes: ClassNames = PERSON_TASK) -> None:
    """Stop a policy that would change too much of a class.

    Raises:
        ChangeTooLarge: more than `max_change` of the eligible samples of a class would be relabelled or dropped.
    """
    for code, name in enumerate(classes.in_code_order):
        total = int((eligible & (labels == code)).sum())
        made = decisions.new_labels[(labels[decisions.rows] == code) & (decisions.new_labels != code)]
        if len(made) > max_change * total:
            dropped = int((made == DROPPED).sum())
            raise ChangeTooLarge(
                f"the policy would change {len(made):,} of {total:,} samples labelled {name} ({len(made) / total:.1%}; "
                f"{len(made) - dropped:,} flipped, {dropped:,} dropped), more than max_change {max_change:.0%}",
                why="so large a change is more often a wrong setting than so many wrong labels",
                fix="check detector and crop rule; if it is right, set policy.max_change higher",
            )


@dataclass(frozen=True, eq=False)
class Votes:
    """Signals that vote for each class, and the strongest vote, request to drop and request for review, 0 where none."""

    positive: Codes
    negative: Codes
    strongest: NDArray[np.float32]
    drop: NDArray[np.float32]
    look: NDArray[np.float32]

    @property
    def total(self) -> Codes:
        """Signals that vote at all."""
        return self.positive + self.negative

    @property
    def weight(self) -> NDArray[np.float32]:
        """The strongest vote or request."""
        return np.maximum.reduce([self.strongest, self.drop, self.look])


def count_votes(opinions: Sequence[Opinions], count: int) -> Votes:
    """One vote a signal and class, however many filters look at the same evidence."""
    signals = sorted({opinion.signal for opinion in opinions})
    if len(signals) > MAX_SIGNALS:
        raise InputError(f"{len(signals)} signals are more than {MAX_SIGNALS}")
    positive, negative = np.zeros(count, np.int8), np.zeros(count, np.int8)
    for signal in signals:
        same = [opinion for opinion in opinions if opinion.signal == signal]
        positive += np.logical_or.reduce([opinion.proposed == POSITIVE for opinion in same])
        negative += np.logical_or.reduce([opinion.proposed == NEGATIVE for opinion in same])
    def strongest(*proposals: int) -> NDArray[np.float32]:
        confidences = [np.where(np.isin(opinion.proposed, proposals), opinion.confidence, np.float32(0)) for opinion in opinions]
        return np.maximum.reduce([np.zeros(count, np.float32), *confidences])

    return Votes(positive, negative, strongest(POSITIVE, NEGATIVE), strongest(ASK_DROP), strongest(ASK_REVIEW))


def _plan(opinions: Sequence[Opinions], actions: Codes, new: Codes, votes: Votes, doubt: Mask) -> Plan:
    rows = np.flatnonzero(actions >= 0)
    by, reasons = explain(opinions, rows)
    decisions = Decisions(rows, actions[rows], new[rows], by, votes.weight[rows], reasons)
    review = np.flatnonzero(doubt)
    review = review[np.argsort(-votes.weight[review], kind="stable")]
    contradiction = (votes.positive == votes.negative)[review] | (np.minimum(votes.positive, votes.negative)[review] > 0)
    leaning = np.where(votes.positive > votes.negative, POSITIVE, NEGATIVE)[review]
    proposals = np.where(contradiction, ABSTAIN, leaning).astype(np.int8)
    return Plan(decisions, review, proposals, explain(opinions, review)[1])


def explain(opinions: Sequence[Opinions], rows: NDArray[np.int64]) -> tuple[pa.Array, pa.Array]:
    """Who voted, and why, in words; made once for each combination of reasons and not once for each row."""
    pattern = np.zeros(len(rows), np.int64)
    for opinion in opinions:
        pattern = pattern * len(opinion.reasons) + opinion.reason_codes[rows]
    _, first, inverse = np.unique(pattern, return_index=True, return_inverse=True)
    by, reasons = [], []
    for row in rows[first]:
        voting = [opinion for opinion in opinions if opinion.proposed[row] != ABSTAIN]
        by.append(" + ".join(f"{opinion.filter}:{opinion.signal}" for opinion in voting))
        reasons.append("; ".join(f"{opinion.signal}: {opinion.reasons[opinion.reason_codes[row]]}" for opinion in voting))
    return worded(inverse.astype(np.int32), by), worded(inverse.astype(np.int32), reasons)
