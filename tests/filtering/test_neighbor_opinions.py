"""What neighbours say: votes by hand, values against every coalition, and which way typicality points."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tinysieve.dataset.classes import NEGATIVE, POSITIVE, UNLABELED
from tinysieve.filtering.evidence.nearest import nearest
from tinysieve.filtering.evidence.neighbors import NOBODY, Neighbors
from tinysieve.filtering.evidence.typicality import representativeness, uniqueness
from tinysieve.filtering.filters.neighbor_agreement import neighbor_agreement, positive_share
from tinysieve.filtering.label_errors.knn_shapley import knn_shapley
from tinysieve.filtering.opinion import ABSTAIN
from tinysieve.ground.errors import InputError


def near(features: np.ndarray, k: int) -> Neighbors:
    return nearest(features, k, 10**9, lambda done, total: None)


def two_clouds(count: int = 400, noise: float = 0.1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, given labels, true labels."""
    rng = np.random.default_rng(3)
    true = rng.integers(0, 2, count).astype(np.int8)
    features = rng.normal(size=(count, 6)).astype(np.float32)
    features[:, 0] += 5 * (2 * true - 1)
    return features, np.where(rng.random(count) < noise, 1 - true, true).astype(np.int8), true


def test_shares_and_votes_by_hand() -> None:
    """Six voters: 5 of 6 say person (83 %), 6 of 6 background, 3 of 6 nothing; four voters are too few."""
    labels = np.array([1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], np.int8)
    rows = np.full((12, 6), NOBODY, np.int32)
    rows[0] = [1, 2, 3, 4, 5, 0]
    rows[1] = [5, 6, 7, 8, 9, 10]
    rows[2] = [0, 1, 3, 5, 6, 7]
    rows[3, :4] = [5, 6, 7, 8]
    voters = Neighbors(rows, np.zeros(rows.shape, np.float32))
    share, heard = positive_share(voters, labels, 6)
    assert share[:4] == pytest.approx([5 / 6, 0, 0.5, 0])
    assert heard[:5].tolist() == [6, 6, 6, 4, 0]
    opinion = neighbor_agreement(voters, labels, 6, 0.8, "look")
    assert opinion.proposed[:5].tolist() == [POSITIVE, NEGATIVE, ABSTAIN, ABSTAIN, ABSTAIN]
    assert opinion.confidence[:3] == pytest.approx([5 / 6, 1, 0])
    assert opinion.reasons[opinion.reason_codes[0]] == "80 % or more of 6 look-alikes are labelled person"
    assert opinion.reasons[opinion.reason_codes[1]] == "all 6 look-alikes are labelled background"
    assert opinion.signal == "look"
    assert positive_share(voters, labels, 5)[0][0] == pytest.approx(4 / 5)


def test_permuting_samples_permutes_votes_and_values() -> None:
    features, labels, _ = two_clouds(150)
    order = np.random.default_rng(1).permutation(150)
    one, two = near(features, 12), near(features[order], 12)
    np.testing.assert_array_equal(neighbor_agreement(one, labels, 10, 0.7, "x").proposed[order],
                                  neighbor_agreement(two, labels[order], 10, 0.7, "x").proposed)
    np.testing.assert_allclose(knn_shapley(one, labels, 5)[order], knn_shapley(two, labels[order], 5), atol=1e-12)


def test_copies_of_a_sample_have_no_say_in_its_label() -> None:
    """A wrong label copied eight times would outvote the right ones around it; told that they are one picture, it does not."""
    features, labels, _ = two_clouds(200, noise=0)
    wrong = np.int8(1 - labels[0])
    more = np.concatenate([features, np.repeat(features[:1], 8, axis=0)])
    said = np.concatenate([[wrong], labels[1:], np.full(8, wrong, np.int8)])
    groups = np.concatenate([np.arange(200), np.zeros(8, int)])
    table, everyone = near(more, 30), np.ones(208, bool)
    assert neighbor_agreement(table.among(everyone), said, 8, 0.8, "x").proposed[0] == wrong
    assert neighbor_agreement(table.among(everyone, groups), said, 8, 0.8, "x").proposed[0] == labels[0]


@pytest.mark.parametrize(("k", "sure", "message"), [(4, 0.8, "too few"), (8, 0.5, "not in"), (8, 1.1, "not in")])
def test_settings_out_of_range(k: int, sure: float, message: str) -> None:
    features, labels, _ = two_clouds(40)
    with pytest.raises(InputError, match=message):
        neighbor_agreement(near(features, 8), labels, k, sure, "x")


def test_voters_without_a_label_and_lengths_that_differ() -> None:
    features, labels, _ = two_clouds(40)
    with pytest.raises(InputError, match="40 samples and 39 labels"):
        neighbor_agreement(near(features, 8), labels[:39], 8, 0.8, "x")
    labels[11] = UNLABELED
    with pytest.raises(InputError, match="row 11 has no label"):
        neighbor_agreement(near(features, 39), labels, 8, 0.8, "x")
    with pytest.raises(InputError, match="39 labels"):
        knn_shapley(near(features, 8), labels[:39], 5)


def by_coalitions(order: list[int], labels: np.ndarray, evaluated: int, k: int) -> dict[int, float]:
    """Shapley's own definition: the mean gain over all coalitions of the others, each size weighing the same."""
    def worth(members: set[int]) -> float:
        return sum(labels[one] == labels[evaluated] for one in [one for one in order if one in members][:k]) / k

    values = {}
    for one in order:
        rest = [other for other in order if other != one]
        values[one] = sum(
            factorial(size) * factorial(len(rest) - size) / factorial(len(order)) * (worth({*some, one}) - worth(set(some)))
            for size in range(len(order)) for some in combinations(rest, size))
    return values


@pytest.mark.parametrize("k", [1, 2, 3, 9])
def test_values_are_shapleys_over_all_coalitions(k: int) -> None:
    features = np.random.default_rng(k).normal(size=(7, 3))
    labels = np.array([0, 1, 1, 0, 1, 0, UNLABELED], np.int8)
    table = near(features, 6).among(labels >= 0)
    expected = np.zeros(7)
    for row in range(6):
        for one, value in by_coalitions([one for one in table.rows[row].tolist() if one != NOBODY], labels, row, k).items():
            expected[one] += value / 5
    np.testing.assert_allclose(knn_shapley(table, labels, k), expected, atol=1e-12)


def test_the_truncated_values_err_by_less_than_promised() -> None:
    features, labels, _ = two_clouds(120)
    whole = knn_shapley(near(features, 119), labels, 5)
    for known in (5, 10, 40):
        assert np.abs(knn_shapley(near(features, known), labels, 5) - whole).max() <= 1 / known


def test_values_of_a_whole_data_set_add_up_to_its_leave_one_out_accuracy() -> None:
    """Efficiency: the shares in classifying a sample add up to the share of its k nearest with its label."""
    features, labels, _ = two_clouds(80)
    table, k = near(features, 79), 5
    right = (labels[table.rows[:, :k]] == labels[:, np.newaxis]).mean(axis=1)
    assert knn_shapley(table, labels, k).sum() == pytest.approx(right.sum() / 79)


def test_wrong_labels_are_worth_less() -> None:
    features, labels, true = two_clouds()
    values = knn_shapley(near(features, 20), labels, 10)
    assert roc_auc_score(labels != true, -values) > 0.97
    assert values[labels == true].mean() > 0 > values[labels != true].mean()


def test_uniqueness_is_high_for_the_stray_and_low_for_the_copied() -> None:
    rng = np.random.default_rng(0)
    crowd = rng.normal(size=(60, 5)) * 0.2 + [3, 0, 0, 0, 0]
    other = rng.normal(size=(60, 5)) * 0.2 - [3, 0, 0, 0, 0]
    features = np.concatenate([crowd, other, np.repeat(crowd[:1], 4, axis=0), [[0, 9, 0, 0, 0]]])
    score = uniqueness(near(features, 6))
    assert score.argmax() == 124
    assert score[124] == 1
    assert score[120:124].max() < 0.05
    assert (score >= 0).all()


def test_one_stray_image_does_not_rescale_the_others() -> None:
    """One more place below it is all that changes: i of N - 1 becomes i of N."""
    similarity = np.linspace(0.5, 0.99, 100, dtype=np.float32)[:, np.newaxis]
    rows = np.zeros((101, 1), np.int32)
    before = uniqueness(Neighbors(rows[:100], similarity))
    after = uniqueness(Neighbors(rows, np.concatenate([similarity, [[-1]]])))
    np.testing.assert_allclose(after[:100], before * 99 / 100, atol=1e-6)
    assert after[100] == 1


def test_representativeness_falls_with_the_distance_from_the_centre() -> None:
    """The direction that a popular tool has upside down."""
    rng = np.random.default_rng(1)
    spread = np.linspace(0.01, 2, 100)[:, np.newaxis]
    one, two = (centre + spread * rng.normal(size=(100, 4)) for centre in ([9.0, 0, 0, 0], [-9.0, 0, 0, 0]))
    score = representativeness(np.concatenate([one, two]), 2, np.random.default_rng(0))
    assert np.corrcoef(score, np.concatenate([spread, spread])[:, 0])[0, 1] < -0.7
    assert score[[0, 100]].min() > 0.9
    assert score[80:100].mean() < 0.3
    assert score[180:].mean() < 0.3
    np.testing.assert_array_equal(score, representativeness(np.concatenate([one, two]), 2, np.random.default_rng(0)))


def test_clusters_out_of_range() -> None:
    with pytest.raises(InputError, match="7 clusters of 5 samples"):
        representativeness(np.random.default_rng(0).normal(size=(5, 2)), 7, np.random.default_rng(0))
