"""How hard a sample is to judge where no triage says so: by how strongly the signals contradict its label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.classes import NEGATIVE, POSITIVE, UNLABELED, Codes
from tinysieve.filtering.data_parameters.triage import EASY, HARD, NEED_REVIEW
from tinysieve.filtering.opinion import ASK_DROP, ASK_REVIEW, Opinions

MARGIN = 1 / 3


def contradiction(opinions: Sequence[Opinions], labels: Codes, rows: NDArray[np.int64]) -> Codes:
    """EASY, HARD or NEED_REVIEW for the samples at `rows`, int8 [M].

    With `against` the strongest vote against the label and `support` the strongest vote for it (0 where nobody votes):
    HARD where against - support >= 1/3, EASY where support - against >= 1/3, NEED_REVIEW between, where the signals
    balance each other or say nothing. A sample without a label is EASY where its two classes are 1/3 apart, else
    NEED_REVIEW. Nothing that a filter asks to drop or to look at is EASY, and nothing that was dropped.

    Args:
        opinions: of N samples each.
        labels: int8 [N].
        rows: int64 [M].

    >>> from tinysieve.filtering.opinion import opine
    >>> sure = opine("f", "boxes", [(np.array([True, True, False]), POSITIVE, "box")], np.full(3, .9), "none")
    >>> found = contradiction([sure], np.array([POSITIVE, NEGATIVE, POSITIVE], np.int8), np.arange(3))
    >>> found.tolist() == [EASY, HARD, NEED_REVIEW]
    True
    """
    positive, negative = (_strongest(opinions, (code,), rows) for code in (POSITIVE, NEGATIVE))
    asked = _strongest(opinions, (ASK_DROP, ASK_REVIEW), rows) > 0
    given = labels[rows]
    doubt = np.select([given == POSITIVE, given == NEGATIVE, given == UNLABELED],
                      [negative - positive, positive - negative, -np.abs(positive - negative)], np.float32(0))
    # float32 confidences: a third is told apart from a third only up to their rounding.
    close = np.abs(np.abs(doubt) - MARGIN) < 1e-6
    hard = (doubt >= MARGIN) | (close & (doubt > 0))
    easy = ((doubt <= -MARGIN) | (close & (doubt < 0))) & ~asked
    return np.select([hard & (given > UNLABELED), easy], [np.int8(HARD), np.int8(EASY)], np.int8(NEED_REVIEW))


def _strongest(opinions: Sequence[Opinions], proposals: tuple[int, ...], rows: NDArray[np.int64]) -> NDArray[np.float32]:
    confidences = [np.where(np.isin(opinion.proposed[rows], proposals), opinion.confidence[rows], np.float32(0))
                   for opinion in opinions]
    return np.maximum.reduce([np.zeros(len(rows), np.float32), *confidences])
