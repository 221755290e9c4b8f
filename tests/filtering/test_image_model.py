"""A model of the user's own as a signal: what its outputs mean is stated, and what was not stated is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinysieve.dataset.classes import ClassNames
from tinysieve.filtering.filters.image_model import ImageModel, calibrated, positive_column, positive_margin
from tinysieve.ground.errors import InputError


def sigmoid(margin: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-margin.astype(np.float64)))


def test_logits_of_two_classes_are_a_softmax() -> None:
    logits = np.random.default_rng(0).normal(size=(50, 2)) * 5
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    for column in (0, 1):
        np.testing.assert_allclose(sigmoid(positive_margin(logits, column, 2, "logits")), softmax[:, column], atol=1e-6)


def test_one_logit_is_a_sigmoid_and_many_classes_are_one_against_the_rest() -> None:
    logits = np.array([[-2.0], [0.0], [3.0]])
    np.testing.assert_allclose(positive_margin(logits, 0, 1, "logits"), logits[:, 0], atol=1e-6)
    many = np.random.default_rng(1).normal(size=(20, 5))
    softmax = np.exp(many) / np.exp(many).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(sigmoid(positive_margin(many, 3, 5, "logits")), softmax[:, 3], atol=1e-6)


def test_the_order_of_the_outputs_turns_the_answer_round() -> None:
    cat = ClassNames("cat", "no_cat")
    outputs = np.array([[4.0, -4.0]])
    said = [positive_margin(outputs, positive_column(order, cat), 2, "logits")[0] for order in (("cat", "x"), ("x", "cat"))]
    assert said == [8.0, -8.0]


def test_huge_logits_neither_overflow_nor_leave_what_float16_holds() -> None:
    margin = positive_margin(np.array([[6e4, -6e4], [-6e4, 6e4]]), 1, 2, "logits")
    assert np.isfinite(margin.astype(np.float16)).all()
    assert margin.tolist() == [-6e4, 6e4]


@pytest.mark.parametrize("factor", [1.0, 266.7, 1e-3])
def test_the_scale_of_a_models_logits_does_not_matter(factor: float) -> None:
    rng = np.random.default_rng(0)
    truth = (rng.random(2000) < 0.3).astype(np.int8)
    margin = (2 * truth - 1) + rng.normal(size=2000)
    probable = calibrated(margin * factor, truth)
    np.testing.assert_allclose(probable, calibrated(margin, truth), atol=1e-5)
    assert abs(float(probable.mean()) - float(truth.mean())) < 0.01
    assert (np.argsort(margin, kind="stable") == np.argsort(probable, kind="stable")).mean() > 0.99


def test_labels_that_contradict_the_model_leave_it_without_a_voice() -> None:
    margin = np.linspace(-1, 1, 400)
    assert np.ptp(calibrated(margin, (margin < 0).astype(np.int8))) < 1e-3


def test_without_labels_the_margin_is_taken_as_it_is() -> None:
    np.testing.assert_allclose(calibrated(np.array([0.0, 2.0]), np.array([-1, -1], np.int8)), sigmoid(np.array([0.0, 2.0])))


@pytest.mark.parametrize(("outputs", "classes", "kind", "words"), [
    (np.zeros((3, 2)), 3, "logits", "gives 2 numbers an image"),
    (np.array([[-1.5, 2.5]]), 2, "probabilities", "are no probabilities"),
])
def test_outputs_that_are_not_what_was_stated_are_refused(outputs: np.ndarray, classes: int, kind: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        positive_margin(outputs, 0, classes, kind)


def test_a_model_without_the_positive_class_is_refused() -> None:
    with pytest.raises(InputError, match="lack 'person'"):
        positive_column(("cat", "dog"), ClassNames())


@pytest.mark.parametrize(("settings", "missing"), [({}, "file"), ({"file": Path("m.tflite")}, "classes")])
def test_what_must_be_stated_is_asked_for(settings: dict, missing: str) -> None:
    with pytest.raises(InputError, match=f"no '{missing}'"):
        ImageModel(enabled=True, **settings)
