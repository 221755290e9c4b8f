"""Out-of-fold probabilities: exact ridge, blind to a row's own label, and able to find planted errors."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from tinysieve.filtering.label_errors.fold_moments import STRENGTHS, FoldMoments, score
from tinysieve.filtering.label_errors.out_of_fold import PERSON_TARGET, assign_folds, out_of_fold_probabilities
from tinysieve.ground.errors import InputError


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def problem(count: int = 400, noise: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features whose first five columns tell the class, given labels with `noise`, true labels."""
    random = np.random.default_rng(1)
    true = random.integers(0, 2, count).astype(np.int8)
    features = random.normal(size=(count, 20)).astype(np.float32)
    features[:, :5] += 1.4 * (2 * true[:, np.newaxis] - 1)
    given = np.where(random.random(count) < noise, 1 - true, true).astype(np.int8)
    return features, given, true


def test_it_is_ridge_regression_on_the_other_folds() -> None:
    features, labels, _ = problem(noise=0.2)
    labels[300:] = -1
    folds = assign_folds(labels, 4, rng())
    moments = FoldMoments.gather(features, labels, folds, 4, PERSON_TARGET, 64)
    weights, strength = moments.ridge((2.0,))
    found = score(features, moments.shift, labels, folds, weights, 64)[:, 0]
    rooted = np.sign(features) * np.sqrt(np.abs(features))
    scores = np.zeros((4, 400))
    for fold in range(4):
        train = (labels >= 0) & (folds != fold)
        scaler = StandardScaler().fit(rooted[train])
        # sklearn's penalty is on the sum over rows, ours on the mean.
        model = Ridge(alpha=2.0 * train.sum()).fit(scaler.transform(rooted[train]), labels[train])
        scores[fold] = model.predict(scaler.transform(rooted))
    expected = np.where(labels >= 0, scores[folds, np.arange(400)], scores.mean(axis=0))
    assert strength == 2.0
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_strength_is_the_one_with_the_least_out_of_fold_error() -> None:
    """Chosen from Gram matrices alone, it is what scoring every row and counting would choose."""
    features, labels, _ = problem(noise=0.3)
    folds = assign_folds(labels, 5, rng())
    moments = FoldMoments.gather(features, labels, folds, 5, PERSON_TARGET)
    errors = []
    for strength in STRENGTHS:
        weights, _ = moments.ridge((strength,))
        errors.append(((score(features, moments.shift, labels, folds, weights)[:, 0] - labels) ** 2).mean())
    assert moments.ridge()[1] == STRENGTHS[int(np.argmin(errors))]


def test_platt_is_a_straight_line_in_logits() -> None:
    # Noise keeps the probabilities away from 0 and 1, where float32 has no digits left for their logits.
    features, labels, _ = problem(noise=0.2)
    p_positive = out_of_fold_probabilities(features, labels, 4, rng()).astype(float)
    folds = assign_folds(labels, 4, rng())
    moments = FoldMoments.gather(features, labels, folds, 4, PERSON_TARGET)
    scores = score(features, moments.shift, labels, folds, moments.ridge()[0])[:, 0]
    logits = np.log(p_positive / (1 - p_positive))
    slope, intercept = np.polyfit(scores, logits, 1)
    assert slope > 0
    np.testing.assert_allclose(logits, slope * scores + intercept, atol=2e-3)


@pytest.mark.parametrize("noise", [0.07, 0.25])
def test_planted_errors_come_first(noise: float) -> None:
    features, given, true = problem(1000, noise)
    p_positive = out_of_fold_probabilities(features, given, 5, rng())
    suspicion = np.where(given == 1, 1 - p_positive, p_positive)
    assert roc_auc_score(given != true, suspicion) > 0.95
    assert ((p_positive > 0.5) == true).mean() > 0.95


def test_chunks_change_nothing_and_the_seed_everything() -> None:
    features, labels, _ = problem()
    whole = out_of_fold_probabilities(features.astype(np.float16), labels, 5, rng())
    pieces = out_of_fold_probabilities(features.astype(np.float16), labels, 5, rng(), chunk=37)
    np.testing.assert_allclose(pieces, whole, atol=1e-4)
    assert whole.dtype == np.float32
    assert (whole > 0).all()
    assert (whole < 1).all()
    np.testing.assert_array_equal(whole, out_of_fold_probabilities(features.astype(np.float16), labels, 5, rng()))
    assert (whole != out_of_fold_probabilities(features.astype(np.float16), labels, 5, np.random.default_rng(8))).any()


def test_rows_without_a_label_teach_nothing() -> None:
    features, labels, _ = problem()
    labels[::4] = -1
    before = out_of_fold_probabilities(features, labels, 5, rng())
    disturbed = features.copy()
    disturbed[0] = 50
    labels[4] = -2
    after = out_of_fold_probabilities(disturbed, labels, 5, rng())
    np.testing.assert_allclose(after[1:], before[1:], atol=1e-6)


def test_probabilities_are_those_of_the_given_labels() -> None:
    features, given, true = problem(4000, 0.25)
    p_positive = out_of_fold_probabilities(features, given, 5, rng())
    sure = p_positive > np.quantile(p_positive, 0.7)
    assert true[sure].mean() > 0.99
    # A quarter of them is called background, and that is what the probability says.
    assert p_positive[sure].mean() == pytest.approx(1 - 0.25, abs=0.04)


def test_groups_stay_whole_and_folds_are_balanced() -> None:
    labels = np.repeat(np.array([0, 1], np.int8), 100)
    groups = np.arange(200) // 4
    folds = assign_folds(labels, 5, rng(), groups)
    assert all(len(set(folds[groups == group])) == 1 for group in range(50))
    for label in (0, 1):
        # 25 groups of a class in five folds: five each, of four images.
        assert np.bincount(folds[labels == label], minlength=5).tolist() == [20] * 5


def test_copies_in_one_group_cannot_vouch_for_each_other() -> None:
    """Ten wrong labels, each on an image that is there ten times: seen apart, the copies confirm the error."""
    features, given, true = problem(300)
    features[:, :5] *= 0.3
    given[:10] = 1 - true[:10]
    rows = np.concatenate([np.repeat(np.arange(10), 10), np.arange(10, 300)])
    apart = out_of_fold_probabilities(features[rows], given[rows], 5, rng())
    grouped = out_of_fold_probabilities(features[rows], given[rows], 5, rng(), groups=rows)
    agreement = [np.where(given[rows] == 1, p, 1 - p)[:100].mean() for p in (apart, grouped)]
    assert agreement[0] > agreement[1] + 0.1


@pytest.mark.parametrize(("folds", "people", "message"), [(1, 10, "1 folds"), (5, 4, "4 groups labelled person for 5 folds")])
def test_too_little_to_fold_is_an_error(folds: int, people: int, message: str) -> None:
    labels = np.concatenate([np.ones(people, np.int8), np.zeros(50, np.int8)])
    with pytest.raises(InputError, match=message):
        out_of_fold_probabilities(np.zeros((len(labels), 3)), labels, folds, rng())


def test_rows_that_disagree_are_an_error() -> None:
    with pytest.raises(InputError, match="rows disagree"):
        out_of_fold_probabilities(np.zeros((3, 2)), np.zeros(4, np.int8), 2, rng())


def test_a_constant_feature_is_harmless() -> None:
    features, labels, true = problem()
    features[:, 7] = 3
    assert ((out_of_fold_probabilities(features, labels, 5, rng()) > 0.5) == true).mean() > 0.95
