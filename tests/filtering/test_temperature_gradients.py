"""The tempered loss and its gradients, against differences, against autograd, and by what they must mean."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinysieve.filtering.data_parameters.gradients import tempered_cross_entropy
from tinysieve.filtering.data_parameters.indexed_sgd import TableSettings
from tinysieve.filtering.data_parameters.temperatures import Temperatures


def batch(seed: int, size: int = 7, classes: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(0, 3, (size, classes)), rng.integers(0, classes, size), np.exp(rng.normal(0, 1, size))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_gradients_are_the_slopes_of_the_loss(seed: int) -> None:
    logits, labels, sigma = batch(seed)
    made, step = tempered_cross_entropy(logits, labels, sigma), 1e-6
    for sample in range(len(labels)):
        wiggled = sigma.copy()
        wiggled[sample] += step
        slope = (tempered_cross_entropy(logits, labels, wiggled).loss[sample] - made.loss[sample]) / step
        assert made.sigma_gradient[sample] == pytest.approx(slope, rel=1e-3, abs=1e-4)
        moved = logits.copy()
        moved[sample, 0] += step
        slope = (tempered_cross_entropy(moved, labels, sigma).loss[sample] - made.loss[sample]) / step
        assert made.logit_gradient[sample, 0] == pytest.approx(slope, rel=1e-3, abs=1e-4)


def test_joint_log_gradients_agree_with_autograd() -> None:
    """sigma = exp(class) + exp(instance): the gradient of each log is that of sigma times its own part of the sum."""
    torch = pytest.importorskip("torch")
    logits, labels, _ = batch(3)
    instance, by_class = np.random.default_rng(1).normal(0, 0.5, 7), np.random.default_rng(2).normal(0, 0.5, 4)
    s_instance, s_class = (torch.tensor(value, requires_grad=True) for value in (instance, by_class))
    sigma = s_class.exp()[torch.tensor(labels)] + s_instance.exp()
    torch.nn.functional.cross_entropy(torch.tensor(logits) / sigma[:, None], torch.tensor(labels)).backward()
    made = tempered_cross_entropy(logits, labels, sigma.detach().numpy())
    per_sample = made.sigma_gradient / len(labels)
    np.testing.assert_allclose(per_sample * np.exp(instance), s_instance.grad.numpy(), rtol=1e-6)
    visits = per_sample * np.exp(by_class)[labels]
    np.testing.assert_allclose(np.bincount(labels, visits, 4), s_class.grad.numpy(), rtol=1e-6, atol=1e-9)


def test_sigma_one_is_plain_cross_entropy_and_scale_cancels() -> None:
    logits, labels, sigma = batch(5)
    plain = tempered_cross_entropy(logits, labels, np.ones(7))
    expected = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(7), labels]
    np.testing.assert_allclose(plain.loss, expected)
    # Logits twice as large under a temperature twice as high are the same thing.
    once, twice = tempered_cross_entropy(logits, labels, sigma), tempered_cross_entropy(2 * logits, labels, 2 * sigma)
    np.testing.assert_allclose(once.loss, twice.loss)
    np.testing.assert_allclose(once.sigma_gradient, 2 * twice.sigma_gradient)


@pytest.mark.parametrize(("label", "sign"), [(0, 1), (1, -1)])
def test_contradicted_labels_heat_up_and_confirmed_ones_cool(label: int, sign: int) -> None:
    """The model is sure of class 0: a label 0 wants a lower temperature (positive gradient), a label 1 a higher one."""
    made = tempered_cross_entropy(np.array([[4.0, 0.0]]), np.array([label]), np.ones(1))
    assert np.sign(made.sigma_gradient[0]) == sign


def test_joint_temperatures_add_and_learn_by_hand() -> None:
    """Two samples of class 1 with sigma 1 + 1 = 2 and one step: each log moves by its own rate times its own gradient."""
    own, shared = TableSettings(learning_rate=0.5, momentum=0), TableSettings(learning_rate=0.1, momentum=0)
    made = Temperatures.start(5, 2, own, shared)
    rows, labels = np.array([4, 2]), np.array([1, 1])
    assert made.sigma(rows, labels).tolist() == [2, 2]
    pull = np.array([0.3, -0.2])
    made.follow(pull, rows, labels)
    assert made.instance is not None
    assert made.by_class is not None
    np.testing.assert_allclose(made.instance.log_sigma, [0, 0, 0.5 * 0.2, 0, -0.5 * 0.3], atol=1e-7)
    np.testing.assert_allclose(made.by_class.log_sigma, [0, -0.1 * (0.3 - 0.2)], atol=1e-7)


def test_without_tables_sigma_is_one() -> None:
    made = Temperatures.start(3, 2, None, None)
    assert made.sigma(np.array([0, 1]), np.array([1, 0])).tolist() == [1, 1]
