"""How filters stand to each other and to the labels: coverage, overlap, conflict, proposed flips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinysieve.dataset.classes import NEGATIVE, POSITIVE, UNLABELED, Codes
from tinysieve.dataset.samples import Mask
from tinysieve.filtering.opinion import ASK_DROP, ASK_REVIEW, Opinions


@dataclass(frozen=True)
class FilterRow:
    """One filter's row of the table; shares are of the eligible samples.

    Args:
        coverage: it votes for a label; requests to drop or review are counted apart.
        overlap: it votes and another signal votes too.
        conflict: it votes and another signal votes otherwise.
        to_positive, to_negative: labelled samples it would flip, count.
        new_positive, new_negative: unlabeled samples it would label, count.
        ask_drop, ask_review: samples that it asks to drop, or to show to a person, count.
    """

    filter: str
    signal: str
    coverage: float
    overlap: float
    conflict: float
    to_positive: int
    to_negative: int
    new_positive: int
    new_negative: int
    ask_drop: int
    ask_review: int


def vote_table(opinions: Sequence[Opinions], labels: Codes, eligible: Mask) -> list[FilterRow]:
    """One row a filter.

    Args:
        opinions: of N samples each.
        labels: int8 [N], current labels.
        eligible: bool [N], samples that the policy may touch.
    """
    return [_row(opinion, [other for other in opinions if other.signal != opinion.signal], labels, eligible)
            for opinion in opinions]


def _row(opinion: Opinions, others: Sequence[Opinions], labels: Codes, eligible: Mask) -> FilterRow:
    votes = eligible & opinion.votes
    overlap = np.zeros(len(labels), bool)
    conflict = np.zeros(len(labels), bool)
    for other in others:
        both = votes & other.votes
        overlap |= both
        conflict |= both & (other.proposed != opinion.proposed)
    total = max(int(eligible.sum()), 1)

    def proposes(old: int, new: int) -> int:
        return int((votes & (labels == old) & (opinion.proposed == new)).sum())

    return FilterRow(
        opinion.filter, opinion.signal, votes.sum() / total, overlap.sum() / total, conflict.sum() / total,
        proposes(NEGATIVE, POSITIVE), proposes(POSITIVE, NEGATIVE),
        proposes(UNLABELED, POSITIVE), proposes(UNLABELED, NEGATIVE),
        int((eligible & (opinion.proposed == ASK_DROP)).sum()), int((eligible & (opinion.proposed == ASK_REVIEW)).sum()),
    )
