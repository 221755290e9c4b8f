"""The number of right labels that a cut takes: by the definition, and against planted errors."""

from __future__ import annotations

import numpy as np
import pytest

from tinysieve.filtering.label_errors.expected_losses import right_label_probability
from tinysieve.filtering.label_errors.label_errors import find_label_errors


@pytest.mark.parametrize("classes", [2, 4])
def test_it_is_bayes_rule_where_the_joint_is_true(classes: int) -> None:
    """P(true = given | x, given) from p(x) and T by hand, for probabilities of the noisy label."""
    rng = np.random.default_rng(0)
    transition = 0.7 * np.eye(classes) + 0.3 / classes
    true = rng.dirichlet(np.ones(classes), 50)
    labels = rng.integers(0, classes, 50)
    noisy = true @ transition
    by_hand = [transition[k, k] * p[k] / sum(transition[j, k] * p[j] for j in range(classes))
               for p, k in zip(true, labels, strict=True)]
    joint = np.rint(transition.T * 10_000).astype(np.int64)
    np.testing.assert_allclose(right_label_probability(noisy, labels, joint), by_hand, atol=2e-3)


def test_without_errors_every_label_is_right() -> None:
    noisy = np.array([[0.3, 0.7], [0.9, 0.1]])
    assert right_label_probability(noisy, np.array([0, 1]), np.diag([10, 20])).tolist() == [1, 1]


@pytest.mark.parametrize("share", [0.05, 0.15, 0.3])
def test_the_number_lost_is_near_the_number_that_is_lost(share: float) -> None:
    """Labels drawn from known probabilities, a share flipped.

    The joint takes some doubt for noise, so the estimate is low; it is never high, and within half.
    """
    rng = np.random.default_rng(1)
    true_probs = 1 / (1 + np.exp(-rng.normal(0, 4, 20_000)))
    true = rng.random(20_000) < true_probs
    wrong = rng.random(20_000) < share
    noisy = true_probs * (1 - share) + (1 - true_probs) * share
    probabilities, labels = np.stack([1 - noisy, noisy], axis=1), (true ^ wrong).astype(np.int64)
    found = find_label_errors(probabilities, labels, "predicted_neq_given")
    expected = right_label_probability(probabilities, labels, found.joint)[found.issues].sum()
    lost = (~wrong[found.issues]).sum()
    assert 0.5 < expected / lost < 1.1
