"""Depictions: a head learned from examples votes background where a person is said to be; without examples it only asks."""

from __future__ import annotations

import numpy as np
import pytest

from tinysieve.dataset.classes import NEGATIVE, POSITIVE
from tinysieve.filtering.decisions.policy import TwoSignals
from tinysieve.filtering.filters.depictions import DEPICTED, REAL, UNKNOWN, contested_persons, depiction_probabilities, depictions
from tinysieve.filtering.opinion import ABSTAIN, ASK_REVIEW, Opinions
from tinysieve.ground.errors import InputError


def detector(proposed: list[int]) -> Opinions:
    votes = np.array(proposed, np.int8)
    return Opinions("disagreement", "boxes", votes, np.where(votes >= 0, 0.9, 0).astype(np.float32),
                    np.zeros(len(votes), np.int8), ("a box",))


def test_examples_teach_what_is_told_apart_on_others() -> None:
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 2, 300).astype(np.int8)
    features = rng.normal(size=(300, 10))
    features[:, 2] += 4 * kind
    examples = np.where(np.arange(300) < 120, kind, np.int8(UNKNOWN)).astype(np.int8)
    probable = depiction_probabilities(features, examples, 5, np.random.default_rng(0))
    assert ((probable[120:] > 0.5) == (kind[120:] == DEPICTED)).mean() > 0.9


def test_a_confirmed_depiction_is_never_flipped_to_person() -> None:
    """Detector and classifier say person, the label background: two signals would flip it, the depiction's vote stops that."""
    labels = np.array([NEGATIVE, NEGATIVE, POSITIVE], np.int8)
    boxes = detector([POSITIVE, POSITIVE, POSITIVE])
    classifier = Opinions("out_of_fold", "out_of_fold", boxes.proposed, boxes.confidence, boxes.reason_codes, ("looks like one",))
    drawn = depictions(np.array([0.95, 0.1, 0.95], np.float32), np.ones(3, bool), 0.9)
    assert drawn.proposed.tolist() == [NEGATIVE, ABSTAIN, NEGATIVE]
    assert TwoSignals().decide([boxes, classifier], labels, np.ones(3, bool)).decisions.rows.tolist() == [0, 1]
    plan = TwoSignals().decide([boxes, classifier, drawn], labels, np.ones(3, bool))
    assert plan.decisions.rows.tolist() == [1]
    assert sorted(plan.review.tolist()) == [0, 2]


def test_it_has_no_opinion_of_images_without_persons() -> None:
    opinion = depictions(np.array([0.99], np.float32), np.zeros(1, bool), 0.9)
    assert opinion.proposed.tolist() == [ABSTAIN]


def test_without_examples_it_asks_where_boxes_and_look_disagree() -> None:
    seen = detector([POSITIVE, POSITIVE, NEGATIVE, ABSTAIN])
    opinion = contested_persons(seen, np.array([0.1, 0.8, 0.1, 0.1], np.float32), 0.7)
    assert opinion.proposed.tolist() == [ASK_REVIEW, ABSTAIN, ABSTAIN, ABSTAIN]
    assert opinion.confidence[0] == pytest.approx(0.9)


def test_bad_input_is_named() -> None:
    few = np.array([DEPICTED, DEPICTED, REAL, REAL, REAL, REAL], np.int8)
    with pytest.raises(InputError, match="2 examples of depictions for 3 folds") as caught:
        depiction_probabilities(np.zeros((6, 2)), few, 3, np.random.default_rng(0))
    assert "filter.depictions" in caught.value.fix
    with pytest.raises(InputError, match=r"limit 0.4"):
        depictions(np.array([0.5], np.float32), np.ones(1, bool), 0.4)
    with pytest.raises(InputError, match=r"outside \[0, 1\]"):
        depictions(np.array([np.nan], np.float32), np.ones(1, bool), 0.9)
