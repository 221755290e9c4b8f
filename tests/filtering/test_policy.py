"""Policies: what two signals may do, what one may not, and what is the same whatever the order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinysieve.dataset.classes import DROPPED, NEGATIVE, POSITIVE, UNLABELED
from tinysieve.dataset.decisions import ACTIONS
from tinysieve.filtering.decisions.policy import FollowDetector, TwoSignals, refuse_large_change
from tinysieve.filtering.opinion import ABSTAIN, Opinions
from tinysieve.ground.errors import ChangeTooLarge, InputError


def opinion(name: str, proposed: list[int], confidence: float = 0.95) -> Opinions:
    votes = np.array(proposed, np.int8)
    return Opinions(name, name, votes, np.where(votes >= 0, confidence, 0).astype(np.float32),
                    np.zeros(len(votes), np.int8), (f"{name} says so",))


def decided(plan: object) -> dict[int, tuple[str, int]]:
    decisions = plan.decisions  # type: ignore[attr-defined]
    return {int(row): (ACTIONS[action], int(new)) for row, action, new
            in zip(decisions.rows, decisions.actions, decisions.new_labels, strict=True)}


def test_every_case_of_the_default_policy() -> None:
    """Columns: both against; one against and strong; one against, one for; both for; both label; one labels; quarrel."""
    labels = np.array([POSITIVE, POSITIVE, POSITIVE, POSITIVE, UNLABELED, UNLABELED, UNLABELED], np.int8)
    one = opinion("one", [NEGATIVE, NEGATIVE, NEGATIVE, POSITIVE, POSITIVE, POSITIVE, POSITIVE])
    two = opinion("two", [NEGATIVE, ABSTAIN, POSITIVE, POSITIVE, POSITIVE, ABSTAIN, NEGATIVE])
    plan = TwoSignals().decide([one, two], labels, np.ones(7, bool))
    assert decided(plan) == {0: ("relabel", NEGATIVE), 1: ("drop", DROPPED), 4: ("label", POSITIVE)}
    assert sorted(plan.review.tolist()) == [2, 5, 6]
    assert plan.decisions.reasons[0].as_py() == "one: one says so; two: two says so"
    proposals = dict(zip(plan.review.tolist(), plan.review_proposals.tolist(), strict=True))
    assert proposals == {2: ABSTAIN, 5: POSITIVE, 6: ABSTAIN}


def test_a_weak_lone_signal_is_reviewed_not_dropped() -> None:
    plan = TwoSignals().decide([opinion("one", [NEGATIVE], 0.5)], np.array([POSITIVE], np.int8), np.ones(1, bool))
    assert not len(plan.decisions)
    assert plan.review.tolist() == [0]


def test_two_filters_of_one_signal_are_one_vote() -> None:
    one = opinion("boxes", [NEGATIVE])
    same = Opinions("other", "boxes", one.proposed, one.confidence, one.reason_codes, one.reasons)
    plan = TwoSignals().decide([one, same], np.array([POSITIVE], np.int8), np.ones(1, bool))
    assert decided(plan) == {0: ("drop", DROPPED)}


def test_rows_that_may_not_change_are_left() -> None:
    both = [opinion("one", [NEGATIVE]), opinion("two", [NEGATIVE])]
    plan = TwoSignals().decide(both, np.array([POSITIVE], np.int8), np.zeros(1, bool))
    assert not len(plan.decisions)
    assert not len(plan.review)


votes = st.lists(st.tuples(*[st.sampled_from([ABSTAIN, NEGATIVE, POSITIVE])] * 3,
                           st.sampled_from([UNLABELED, NEGATIVE, POSITIVE])), min_size=1, max_size=20)


@settings(max_examples=60, deadline=None)
@given(votes)
def test_order_of_filters_and_rows_does_not_matter(rows: list[tuple[int, int, int, int]]) -> None:
    labels = np.array([row[3] for row in rows], np.int8)
    eligible = np.ones(len(rows), bool)
    filters = [opinion(name, [row[i] for row in rows]) for i, name in enumerate("abc")]
    plan = TwoSignals().decide(filters, labels, eligible)
    assert decided(TwoSignals().decide(filters[::-1], labels, eligible)) == decided(plan)
    back = [opinion(name, [row[i] for row in rows[::-1]]) for i, name in enumerate("abc")]
    mirrored = decided(TwoSignals().decide(back, labels[::-1], eligible))
    assert {len(rows) - 1 - row: what for row, what in mirrored.items()} == decided(plan)


@settings(max_examples=60, deadline=None)
@given(votes)
def test_a_label_with_support_is_never_flipped(rows: list[tuple[int, int, int, int]]) -> None:
    labels = np.array([row[3] for row in rows], np.int8)
    plan = TwoSignals().decide([opinion(name, [row[i] for row in rows]) for i, name in enumerate("abc")],
                               labels, np.ones(len(rows), bool))
    for row, (action, new) in decided(plan).items():
        if action == "relabel":
            assert labels[row] not in rows[row][:3]
            assert rows[row][:3].count(new) >= 2


def test_seed_policy_does_whatever_the_detector_says() -> None:
    labels = np.array([POSITIVE, NEGATIVE, UNLABELED, POSITIVE], np.int8)
    plan = FollowDetector().decide([opinion("seed_rule", [NEGATIVE, POSITIVE, NEGATIVE, POSITIVE])], labels, np.ones(4, bool))
    assert decided(plan) == {0: ("relabel", NEGATIVE), 1: ("relabel", POSITIVE), 2: ("label", NEGATIVE)}
    with pytest.raises(InputError):
        FollowDetector().decide([], labels, np.ones(4, bool))


def test_a_large_change_stops_and_names_the_setting() -> None:
    labels, eligible = np.array([POSITIVE] * 4 + [NEGATIVE] * 4, np.int8), np.ones(8, bool)
    both = [opinion(name, [NEGATIVE] * 2 + [POSITIVE] * 2 + [NEGATIVE] * 4) for name in ("one", "two")]
    decisions = TwoSignals().decide(both, labels, eligible).decisions
    refuse_large_change(labels, decisions, eligible, 0.5)
    with pytest.raises(ChangeTooLarge, match="2 of 4 samples labelled person") as caught:
        refuse_large_change(labels, decisions, eligible, 0.25)
    assert "policy.max_change" in caught.value.fix
