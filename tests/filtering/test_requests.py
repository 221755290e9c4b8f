"""Requests to drop or review: what the policy does with them, and that they are no votes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinysieve.dataset.classes import DROPPED, NEGATIVE, POSITIVE, UNLABELED
from tinysieve.dataset.decisions import ACTIONS
from tinysieve.filtering.decisions.policy import FollowDetector, TwoSignals
from tinysieve.filtering.decisions.vote_table import vote_table
from tinysieve.filtering.opinion import ABSTAIN, ASK_DROP, ASK_REVIEW, Opinions
from tinysieve.ground.errors import InputError


def opinion(name: str, proposed: list[int], confidence: float = 0.95) -> Opinions:
    said = np.array(proposed, np.int8)
    return Opinions(name, name, said, np.where(said == ABSTAIN, 0, confidence).astype(np.float32),
                    np.zeros(len(said), np.int8), (f"{name} says so",))


def decided(filters: list[Opinions], labels: np.ndarray) -> tuple[dict[int, str], list[int]]:
    plan = TwoSignals().decide(filters, labels, np.ones(len(labels), bool))
    actions = {int(row): ACTIONS[action] for row, action in zip(plan.decisions.rows, plan.decisions.actions, strict=True)}
    return actions, sorted(plan.review.tolist())


def test_every_case_of_a_request() -> None:
    """Columns: drop alone; review alone; drop and a flip; review and a flip; drop and review; review and a lone vote;
    drop of an unlabeled; review of an unlabeled; review of one that would get a label; nothing."""
    labels = np.array([POSITIVE] * 6 + [UNLABELED] * 3 + [POSITIVE], np.int8)
    back, none = NEGATIVE, ABSTAIN
    one = opinion("one", [none, none, back, back, none, back, none, none, POSITIVE, none])
    two = opinion("two", [none, none, back, back, none, none, none, none, POSITIVE, none])
    drop, look = ASK_DROP, ASK_REVIEW
    asks = opinion("asks", [drop, look, drop, look, drop, look, drop, look, look, none])
    looks = opinion("looks", [none] * 4 + [ASK_REVIEW] + [none] * 5)
    actions, review = decided([one, two, asks, looks], labels)
    assert actions == {0: "drop", 2: "drop", 4: "drop", 6: "drop"}
    assert review == [1, 3, 5, 8]


def test_a_doubtful_request_to_drop_is_reviewed() -> None:
    actions, review = decided([opinion("asks", [ASK_DROP], 0.5)], np.array([POSITIVE], np.int8))
    assert not actions
    assert review == [0]


def test_the_score_and_reason_of_a_dropped_duplicate() -> None:
    plan = TwoSignals().decide([opinion("duplicates", [ASK_DROP], 0.97)], np.array([POSITIVE], np.int8), np.ones(1, bool))
    assert plan.decisions.scores == pytest.approx([0.97])
    assert plan.decisions.new_labels.tolist() == [DROPPED]
    assert plan.decisions.reasons[0].as_py() == "duplicates: duplicates says so"
    assert plan.decisions.by[0].as_py() == "duplicates:duplicates"


def test_held_out_rows_are_left() -> None:
    labels = np.array([POSITIVE, POSITIVE], np.int8)
    plan = TwoSignals().decide([opinion("asks", [ASK_DROP, ASK_REVIEW])], labels, np.zeros(2, bool))
    assert not len(plan.decisions)
    assert not len(plan.review)


words = st.sampled_from([ABSTAIN, NEGATIVE, POSITIVE, ASK_DROP, ASK_REVIEW])


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(words, words, words, st.sampled_from([UNLABELED, NEGATIVE, POSITIVE])), min_size=1, max_size=20))
def test_whatever_is_said(rows: list[tuple[int, int, int, int]]) -> None:
    """Order of filters does not matter; who is asked to go, goes; a request never makes or flips a label, nor keeps a wrong
    one from review."""
    labels = np.array([row[3] for row in rows], np.int8)
    filters = [opinion(name, [row[i] for row in rows]) for i, name in enumerate("abc")]
    actions, review = decided(filters, labels)
    assert decided(filters[::-1], labels) == (actions, review)
    silent = [opinion(name, [row[i] if row[i] >= 0 else ABSTAIN for row in rows]) for i, name in enumerate("abc")]
    without, without_review = decided(silent, labels)
    for place, row in enumerate(rows):
        asked = {ASK_DROP, ASK_REVIEW} & set(row[:3])
        if ASK_DROP in asked:
            assert actions[place] == "drop"
        elif asked:
            assert place not in actions
            assert (place in review) == (labels[place] != UNLABELED or place in without or place in without_review)
        else:
            assert (actions.get(place), place in review) == (without.get(place), place in without_review)


def test_the_seed_policy_follows_votes_only() -> None:
    plan = FollowDetector().decide([opinion("x", [ASK_DROP, ASK_REVIEW, NEGATIVE])], np.ones(3, np.int8), np.ones(3, bool))
    assert plan.decisions.rows.tolist() == [2]


def test_the_table_counts_requests_apart() -> None:
    rows = vote_table([opinion("a", [ASK_DROP, ASK_REVIEW, POSITIVE, ASK_REVIEW]),
                       opinion("b", [POSITIVE, POSITIVE, NEGATIVE, ABSTAIN])],
                      np.array([0, 1, 1, -1], np.int8), np.array([True, True, True, False]))
    assert (rows[0].ask_drop, rows[0].ask_review) == (1, 1)
    assert (rows[0].coverage, rows[0].overlap, rows[0].conflict) == (1 / 3, 1 / 3, 1 / 3)
    assert (rows[1].ask_drop, rows[1].coverage, rows[1].overlap) == (0, 1, 1 / 3)


def test_another_number_is_no_proposal() -> None:
    with pytest.raises(InputError, match="something else"):
        opinion("x", [7])
