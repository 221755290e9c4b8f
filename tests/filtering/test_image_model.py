"""A model of the user's own as a signal: what its outputs mean is stated, and what was not stated is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinysieve.dataset.classes import ClassNames
from tinysieve.filtering.filters.image_model import ImageModel, positive_column, positive_probability
from tinysieve.ground.errors import InputError


def test_logits_of_two_classes_are_a_softmax() -> None:
    logits = np.random.default_rng(0).normal(size=(50, 2)) * 5
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    for column in (0, 1):
        np.testing.assert_allclose(positive_probability(logits, column, 2, "logits"), softmax[:, column], atol=1e-6)


def test_one_logit_is_a_sigmoid_and_many_classes_are_one_against_the_rest() -> None:
    logits = np.array([[-2.0], [0.0], [3.0]])
    np.testing.assert_allclose(positive_probability(logits, 0, 1, "logits"), 1 / (1 + np.exp(-logits[:, 0])), atol=1e-6)
    many = np.random.default_rng(1).normal(size=(20, 5))
    softmax = np.exp(many) / np.exp(many).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(positive_probability(many, 3, 5, "logits"), softmax[:, 3], atol=1e-6)


def test_the_order_of_the_outputs_turns_the_answer_round() -> None:
    cat = ClassNames("cat", "no_cat")
    outputs = np.array([[4.0, -4.0]])
    said = [positive_probability(outputs, positive_column(order, cat), 2, "logits")[0] for order in (("cat", "x"), ("x", "cat"))]
    assert said[0] == pytest.approx(1 - said[1], abs=1e-6)
    assert said[0] > 0.99


def test_huge_logits_neither_overflow_nor_leave_the_range() -> None:
    probability = positive_probability(np.array([[6e4, -6e4], [-6e4, 6e4]]), 1, 2, "logits")
    assert probability.tolist() == [0.0, 1.0]


@pytest.mark.parametrize(("outputs", "classes", "kind", "words"), [
    (np.zeros((3, 2)), 3, "logits", "gives 2 numbers an image"),
    (np.array([[-1.5, 2.5]]), 2, "probabilities", "are no probabilities"),
])
def test_outputs_that_are_not_what_was_stated_are_refused(outputs: np.ndarray, classes: int, kind: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        positive_probability(outputs, 0, classes, kind)


def test_a_model_without_the_positive_class_is_refused() -> None:
    with pytest.raises(InputError, match="lack 'person'"):
        positive_column(("cat", "dog"), ClassNames())


@pytest.mark.parametrize(("settings", "missing"), [({}, "file"), ({"file": Path("m.tflite")}, "classes")])
def test_what_must_be_stated_is_asked_for(settings: dict, missing: str) -> None:
    with pytest.raises(InputError, match=f"no '{missing}'"):
        ImageModel(enabled=True, **settings)
