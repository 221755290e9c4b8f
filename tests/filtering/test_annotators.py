"""What several rows of a photo say is a signal of its own."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from tinysieve.dataset.classes import NEGATIVE, POSITIVE, UNLABELED, ClassNames
from tinysieve.dataset.decisions import ACTIONS
from tinysieve.dataset.samples import SampleTable
from tinysieve.filtering.decisions.policy import TwoSignals
from tinysieve.filtering.filters.annotators import annotators
from tinysieve.filtering.opinion import ABSTAIN, opine

# Rows that say person and background, of each photo; None where the photo has no row.
VOTES = [(2, 0), (1, 2), (1, 1), (1, 0), (None, None), (0, 3)]
NAMES = ClassNames("cat", "no_cat")


def samples(votes: list[tuple[int | None, int | None]]) -> SampleTable:
    count, ids = len(votes), [f"{number:02d}" for number in range(len(votes))]
    columns = {"sample_id": ids, "filepath": ids, "width": [1] * count, "height": [1] * count, "split": ["train"] * count,
               "label": pa.nulls(count, pa.string()), "pixel_row": list(range(count)),
               "votes_cat": pa.array([yes for yes, _ in votes], pa.int64()),
               "votes_no_cat": pa.array([no for _, no in votes], pa.int64())}
    return SampleTable(pa.table(columns), NAMES)


def test_the_majority_of_two_rows_or_more_votes_by_laplace() -> None:
    opinions = annotators(samples(VOTES))
    assert opinions.proposed.tolist() == [POSITIVE, NEGATIVE, ABSTAIN, ABSTAIN, ABSTAIN, NEGATIVE]
    assert opinions.confidence.tolist() == pytest.approx([3 / 4, 3 / 5, 0, 0, 0, 4 / 5])
    assert opinions.reasons[opinions.reason_codes[1]] == "most annotators say no_cat"


def test_a_source_with_a_row_a_photo_says_nothing() -> None:
    table = samples(VOTES).table.drop_columns(["votes_cat", "votes_no_cat"])
    assert (annotators(SampleTable(table, NAMES)).proposed == ABSTAIN).all()


def test_with_a_second_signal_the_majority_names_a_photo_whose_rows_contradict_each_other() -> None:
    """Alone it is one signal of the two that a label needs."""
    votes = annotators(samples(VOTES))
    labels = np.full(len(VOTES), UNLABELED, np.int8)
    boxes = opine("disagreement", "boxes", [(np.arange(len(VOTES)) == 1, NEGATIVE, "no cat")], np.full(len(VOTES), 0.9), "silent")
    alone = TwoSignals().decide([votes], labels, np.ones(len(VOTES), bool))
    assert len(alone.decisions) == 0
    together = TwoSignals().decide([votes, boxes], labels, np.ones(len(VOTES), bool)).decisions
    assert [(row, ACTIONS[action], label) for row, action, label in
            zip(together.rows, together.actions, together.new_labels, strict=True)] == [(1, "label", NEGATIVE)]
