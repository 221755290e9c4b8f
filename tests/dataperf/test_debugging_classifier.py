"""The classifier without torch: the same start to the last bit, the same course to rounding."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from tinysieve.dataperf.classifier import initial_layers, rounded_accuracy, sigmoid, tuned_threshold
from tinysieve.dataperf.classifier_fit import _Scaled, fit_layers


def test_initial_weights_are_torchs_to_the_bit() -> None:
    digest, layers = hashlib.blake2b(digest_size=8), initial_layers(2048)
    for array in (layers.hidden_weight, layers.hidden_bias, layers.output_weight, layers.output_bias):
        digest.update(array.tobytes())
    assert digest.hexdigest() == "56e33d0dc9ea80df"


@pytest.mark.parametrize("dimensions", [12, 2048])
def test_initial_weights_against_torch(dimensions: int) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(42)
    first, second = torch.nn.Linear(dimensions, 128), torch.nn.Linear(128, 1)
    layers = initial_layers(dimensions)
    for ours, theirs in ((layers.hidden_weight, first.weight), (layers.hidden_bias, first.bias),
                         (layers.output_weight, second.weight[0]), (layers.output_bias, second.bias)):
        np.testing.assert_array_equal(ours, theirs.detach().numpy())


def test_a_fit_follows_torchs() -> None:
    """100 rows are two batches, the second one smaller; AdamW of torch itself."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    features = np.abs(rng.normal(size=(100, 200))).astype(np.float32)
    labels = rng.integers(0, 2, 100)
    torch.manual_seed(42)
    model = torch.nn.Sequential(torch.nn.Linear(200, 128), torch.nn.Linear(128, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.9)
    inputs, targets = torch.tensor(features), torch.tensor(labels, dtype=torch.float32)
    for _ in range(20):
        for rows in (slice(0, 64), slice(64, 100)):
            optimizer.zero_grad()
            torch.nn.functional.binary_cross_entropy_with_logits(model(inputs[rows])[:, 0], targets[rows]).backward()
            optimizer.step()
    theirs = torch.sigmoid(model(inputs)[:, 0]).detach().numpy()
    np.testing.assert_allclose(fit_layers(features, labels).probabilities(features), theirs, atol=2e-5)


def test_a_fit_leaves_the_shared_start_as_it_was() -> None:
    before = initial_layers(5).hidden_weight.copy()
    fit_layers(np.ones((4, 5), np.float32), np.array([0, 1, 0, 1]))
    np.testing.assert_array_equal(initial_layers(5).hidden_weight, before)


def test_a_decaying_matrix_is_the_sum_it_stands_for() -> None:
    """sum of 0.9^(t - s) u v^T over s: also after the scale has become too small and was multiplied in."""
    rng = np.random.default_rng(0)
    matrix, plain = _Scaled(np.zeros((3, 4), np.float32)), np.zeros((3, 4))
    for _ in range(300):
        column, row = rng.normal(size=3).astype(np.float32), rng.normal(size=4).astype(np.float32)
        matrix.decay(0.9)
        matrix.add_outer(0.1, column, row)
        plain = 0.9 * plain + 0.1 * np.outer(column, row)
    assert matrix.scale > 1e-7
    np.testing.assert_allclose(matrix.scale * matrix.stored, plain, atol=1e-5)


def test_the_first_of_equal_thresholds_wins() -> None:
    """All rows are right from 0.1 to 0.4, so 0.1; with every row wrong at any threshold, 0."""
    assert tuned_threshold(np.array([0.05, 0.42], np.float32), np.array([0, 1])) == np.float32(0.1)
    assert tuned_threshold(np.array([0.99, 0.01], np.float32), np.array([0, 1])) == 0


def test_accuracy_has_two_decimals_and_rounds_half_to_even() -> None:
    """1 of 8 is 0.125, and numpy rounds it to 0.12."""
    assert rounded_accuracy(np.array([True] + [False] * 7), np.array([1] * 8)) == 0.12


def test_sigmoid_of_any_logit_is_finite() -> None:
    assert np.isfinite(sigmoid(np.array([-1e30, -100, 0, 100, 1e30], np.float32))).all()
