"""The consensus policy: actions by expected value, signals behind a flip, requests heard, looks in order of gain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from tinysieve.dataset.classes import DROPPED, NEGATIVE, POSITIVE, UNLABELED
from tinysieve.dataset.decisions import ACTIONS
from tinysieve.filtering.decisions.consensus import Beliefs, Consensus
from tinysieve.filtering.decisions.error_model import ErrorModel
from tinysieve.filtering.decisions.error_rates import ErrorRates
from tinysieve.filtering.decisions.expected_gain import choose, expected_value, worth_a_look
from tinysieve.filtering.decisions.filter_precision import filter_precision, wilson
from tinysieve.filtering.opinion import ABSTAIN, ASK_DROP, ASK_REVIEW, Opinions
from tinysieve.ground.errors import InputError

MODEL = ErrorModel(("x",), ("a",), np.zeros(1), np.ones(1), np.ones(1), 0.0, ErrorRates(0.1, 0.1))


def beliefs(p_positive: list[float], a: list[float], b: list[float], verified: list[int] | None = None) -> Beliefs:
    said = np.full(len(p_positive), UNLABELED, np.int8) if verified is None else np.array(verified, np.int8)
    return Beliefs(MODEL, np.array(p_positive), {"a": np.array(a), "b": np.array(b)}, said)


def opinion(proposed: list[int], confidence: float = 0.9, signal: str = "a") -> Opinions:
    codes = np.array(proposed, np.int8)
    return Opinions(signal, signal, codes, np.where(codes == ABSTAIN, 0, confidence).astype(np.float32),
                    np.zeros(len(codes), np.int8), ("because",))


def outcome(policy: Consensus, held: Beliefs, labels: list[int], opinions: list[Opinions] | None = None) -> list[str]:
    plan = policy.decide(opinions or [], held, np.array(labels, np.int8), np.ones(len(labels), bool))
    done = ["keep"] * len(labels)
    for row, action in zip(plan.decisions.rows, plan.decisions.actions, strict=True):
        done[row] = ACTIONS[action]
    return done


@for_all(st.floats(0, 1), st.floats(0, 10), st.booleans())
def test_the_choice_is_the_best_of_what_is_allowed(p: float, harm: float, may_flip: bool) -> None:
    choice = choose(np.array([p]), np.array([may_flip]), np.array([True]), harm)
    keep, turn = (float(expected_value(np.array([right]), harm)[0]) for right in (1 - p, p))
    allowed = [keep, 0.0, turn] if may_flip else [keep, 0.0]
    assert choice.value[0] == pytest.approx(max(allowed))
    assert not (choice.flip & choice.drop).any()
    assert not choice.flip[0] or may_flip


def test_limits_are_those_of_the_harm() -> None:
    """Harm 3: keep below 1/4, flip above 3/4, between them drop."""
    p = np.array([0.24, 0.26, 0.74, 0.76])
    choice = choose(p, np.ones(4, bool), np.ones(4, bool), 3.0)
    assert choice.flip.tolist() == [False, False, False, True]
    assert choice.drop.tolist() == [False, True, True, False]


def test_a_flip_needs_as_many_signals_as_asked_else_the_sample_goes() -> None:
    held = beliefs([0.95, 0.95, 0.05], [0.9, 0.9, 0.1], [0.8, 0.4, 0.3])
    assert outcome(Consensus(flip_signals=2), held, [NEGATIVE, NEGATIVE, POSITIVE]) == ["relabel", "drop", "relabel"]
    assert outcome(Consensus(), held, [NEGATIVE, NEGATIVE, POSITIVE]) == ["relabel"] * 3


def test_an_unlabelled_sample_is_named_where_nobody_votes_otherwise() -> None:
    held = beliefs([0.95, 0.95, 0.6], [0.9] * 3, [0.9] * 3)
    votes = [opinion([ABSTAIN, NEGATIVE, ABSTAIN])]
    assert outcome(Consensus(), held, [UNLABELED] * 3, votes) == ["label", "keep", "keep"]


def test_requests_are_heard() -> None:
    held = beliefs([0.99] * 3, [0.9] * 3, [0.9] * 3)
    assert outcome(Consensus(), held, [NEGATIVE] * 3, [opinion([ASK_REVIEW, ASK_DROP, ABSTAIN])]) == ["keep", "drop", "relabel"]
    plan = Consensus().decide([opinion([ASK_REVIEW, ASK_DROP, ABSTAIN])], held, np.zeros(3, np.int8), np.ones(3, bool))
    assert plan.review_gains is not None
    # A label that is right with .01 is worth .01 - 3 * .99; a look makes it worth 1.
    assert plan.review_gains[0] == pytest.approx(1 - (0.01 - 3 * 0.99))
    # Kept against all evidence because a filter asked for a look: of all looks the one that gains most.
    assert plan.review.tolist()[0] == 0
    assert 1 not in plan.review


def test_what_a_person_said_is_done_and_not_asked_again() -> None:
    held = beliefs([1.0, 0.0, 0.5], [0.1] * 3, [0.1] * 3, [POSITIVE, NEGATIVE, DROPPED])
    assert outcome(Consensus(), held, [NEGATIVE, NEGATIVE, POSITIVE]) == ["relabel", "keep", "drop"]
    plan = Consensus().decide([], held, np.array([0, 0, 1], np.int8), np.ones(3, bool))
    assert not len(plan.review)


def test_the_frozen_stay() -> None:
    held = beliefs([0.99] * 2, [0.9] * 2, [0.9] * 2)
    plan = Consensus().decide([opinion([ASK_DROP, ASK_DROP])], held, np.zeros(2, np.int8), np.array([False, True]))
    assert plan.decisions.rows.tolist() == [1]
    assert 0 not in plan.review


def test_looks_come_in_order_of_gain_within_the_budget() -> None:
    gain = np.array([0.05, 0.5, 2.0, 1.0, 1.0, 0.0])
    doubt = np.array([0, 0, 0, 0.1, 0.2, 0])
    asked = np.array([False, False, False, False, False, True])
    assert worth_a_look(gain, doubt, asked, 0.1, 10).tolist() == [2, 4, 3, 1, 5]
    assert worth_a_look(gain, doubt, asked, 0.1, 2).tolist() == [2, 4]


def test_a_look_gains_what_the_best_action_lacks() -> None:
    """Harm 2: kept at P(wrong) 0.1 is worth 0.9 - 0.2 = 0.7, so a look gains 0.3."""
    choice = choose(np.array([0.1]), np.ones(1, bool), np.ones(1, bool), 2.0)
    assert choice.gain_of_a_look[0] == pytest.approx(0.3)


def test_precision_of_a_filter_by_hand() -> None:
    labels = np.array([NEGATIVE, NEGATIVE, POSITIVE, POSITIVE, UNLABELED], np.int8)
    p_wrong = np.array([0.9, 0.5, 0.2, 0.4, 0.0])
    made = filter_precision([opinion([POSITIVE, POSITIVE, POSITIVE, ABSTAIN, POSITIVE])], labels, np.ones(5, bool), p_wrong)[0]
    assert made.against == 2
    assert made.precision is not None
    assert made.precision.value == pytest.approx((0.9 + 0.5) / 2)
    assert made.recall == pytest.approx(1.4 / 2.0)
    assert made.precision.low < made.precision.value < made.precision.high


def test_wilson_is_that_of_scipy() -> None:
    from scipy.stats import binomtest

    for right, total in ((0, 5), (3, 7), (180, 200)):
        theirs = binomtest(right, total).proportion_ci(method="wilson")
        ours = wilson(right, total)
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@pytest.mark.parametrize(("p", "harm", "words"), [(1.5, 2.0, "outside"), (0.5, -1.0, "harm -1.0")])
def test_nonsense_is_refused(p: float, harm: float, words: str) -> None:
    with pytest.raises(InputError, match=words):
        choose(np.array([p]), np.ones(1, bool), np.ones(1, bool), harm)
    with pytest.raises(InputError, match="no share"):
        wilson(3, 2)
