"""Out-of-fold probabilities of many classes: ridge, polish, temperature, and any classifier through the protocol."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from tinysieve.filtering.label_errors.class_probabilities import class_probabilities
from tinysieve.filtering.label_errors.fold_classifiers import cross_validated_probabilities
from tinysieve.filtering.label_errors.fold_moments import FoldMoments, prepared_chunks
from tinysieve.filtering.label_errors.logistic_polish import polish
from tinysieve.filtering.label_errors.out_of_fold import assign_folds, out_of_fold_probabilities
from tinysieve.filtering.label_errors.temperature import cool, fit_temperature, log_loss, softmax
from tinysieve.ground.errors import InputError


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def problem(count: int = 900, classes: int = 4, noise: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gaussian classes in 12 dimensions, given labels with uniform noise, true labels."""
    random = np.random.default_rng(11)
    true = random.integers(0, classes, count)
    features = (random.normal(size=(count, 12)) + 2.6 * np.eye(12)[true]).astype(np.float32)
    wrong = random.random(count) < noise
    given = np.where(wrong, (true + random.integers(1, classes, count)) % classes, true)
    return features, given, true


@pytest.mark.parametrize("passes", [0, 8])
def test_rows_are_distributions_and_planted_errors_come_first(passes: int) -> None:
    features, given, true = problem(2000, noise=0.2)
    pred_probs = class_probabilities(features, given, 4, 5, rng(), polish_passes=passes)
    np.testing.assert_allclose(pred_probs.sum(axis=1), 1, atol=1e-5)
    assert (pred_probs >= 0).all()
    assert roc_auc_score(given != true, 1 - pred_probs[np.arange(2000), given]) > 0.9
    assert (pred_probs.argmax(axis=1) == true).mean() > 0.75


def test_two_classes_rank_as_the_binary_function_does() -> None:
    features, given, _ = problem(classes=2, noise=0.1)
    both = class_probabilities(features, given, 2, 5, rng())[:, 1]
    one = out_of_fold_probabilities(features, given.astype(np.int8), 5, rng())
    assert np.corrcoef(np.argsort(np.argsort(both)), np.argsort(np.argsort(one)))[0, 1] > 0.9999


def test_a_rows_own_label_has_no_say() -> None:
    """Its features stay, its label changes: its own score comes from the other folds and stays, but for what all share."""
    features, given, _ = problem()
    folds = assign_folds(given, 5, rng(), names=["a", "b", "c", "d"])
    weights, _ = FoldMoments.gather(features, given, folds, 5, np.eye(4, dtype=np.float32)).ridge((1.0,))
    other = given.copy()
    mine = folds == 2
    other[mine] = (given[mine] + 1) % 4
    changed, _ = FoldMoments.gather(features, other, folds, 5, np.eye(4, dtype=np.float32)).ridge((1.0,))
    np.testing.assert_allclose(changed[2], weights[2], atol=1e-6)
    assert np.abs(changed[1] - weights[1]).max() > 1e-3


def test_unlabelled_rows_get_the_mean_model_and_teach_nothing() -> None:
    features, given, true = problem()
    half = given.copy()
    half[450:] = -1
    alone = class_probabilities(features[:450], given[:450], 4, 5, rng())
    pred_probs = class_probabilities(features, half, 4, 5, rng())
    np.testing.assert_allclose(pred_probs[:450], alone, atol=1e-4)
    assert (pred_probs[450:].argmax(axis=1) == true[450:]).mean() > 0.75


@pytest.mark.parametrize("offset", [0.0, 20.0, 300.0])
def test_features_far_from_zero_tell_as_much(offset: float) -> None:
    """Sums of squares in float32 would lose a variance that is a millionth of the mean square."""
    features, given, true = problem()
    apart = class_probabilities(np.sign(features) * features**2 * 0.04 + offset, given, 4, 5, rng())
    assert (apart[:450].argmax(axis=1) == true[:450]).mean() > 0.7


def test_features_that_are_no_numbers_are_refused() -> None:
    features, given, _ = problem()
    features[3, 1] = np.inf
    with pytest.raises(InputError, match="cannot be solved"):
        class_probabilities(features, given, 4, 5, rng())


def test_chunks_do_not_show() -> None:
    features, given, _ = problem()
    whole = class_probabilities(features, given, 4, 5, rng())
    np.testing.assert_allclose(class_probabilities(features, given, 4, 5, rng(), chunk=77), whole, atol=3e-4)


def test_polish_goes_to_logistic_regression_and_never_uphill() -> None:
    """The fixed point is sklearn's optimum of the same penalised loss; every pass lowers the loss on the other folds."""
    features, given, _ = problem(600, 3, noise=0.2)
    folds = assign_folds(given, 2, rng(), names=["a", "b", "c"])
    moments = FoldMoments.gather(features, given, folds, 2, np.eye(3, dtype=np.float32))
    others = folds != 0
    prepared = next(prepared_chunks(features, moments.shift, 600))[1]
    spread = prepared[others, :-1].std(axis=0)
    losses = []
    for passes in (0, 1, 2, 5, 20, 200):
        weights = polish(np.zeros((2, 13, 3), np.float32), features, given, folds, moments, 0.1, passes)[0]
        penalty = 0.05 * ((weights[:-1] * spread[:, np.newaxis]) ** 2).sum()
        losses.append(log_loss(prepared[others] @ weights, given[others]) + penalty)
    assert (np.diff(losses) < 1e-7).all()
    # sklearn's C multiplies the sum of the losses where our penalty stands against their mean.
    oracle = LogisticRegression(C=1 / (0.1 * others.sum()), tol=1e-8, max_iter=1000)
    oracle.fit(prepared[others, :-1] / spread, given[others])
    expected = oracle.decision_function(prepared[:, :-1] / spread)
    found = prepared @ weights
    np.testing.assert_allclose(softmax(found), softmax(expected), atol=1e-3)


def test_temperature_is_found_and_keeps_the_order() -> None:
    random = np.random.default_rng(5)
    logits = random.normal(size=(20_000, 3)) * 2
    labels = (random.random((20_000, 1)) > softmax(logits).cumsum(axis=1)).sum(axis=1).clip(max=2)
    assert fit_temperature(logits, labels) == pytest.approx(1, abs=0.05)
    assert fit_temperature(3 * logits, labels) == pytest.approx(3, abs=0.15)
    sharp = softmax(3 * logits)
    cooled = cool(sharp, labels)
    np.testing.assert_allclose(cooled, softmax(logits), atol=0.02)
    np.testing.assert_array_equal(cooled.argmax(axis=1), sharp.argmax(axis=1))


def test_any_scikit_learn_classifier() -> None:
    features, given, true = problem(noise=0.1)
    given[::9] = -1
    steps: list[tuple[int, int]] = []
    pred_probs = cross_validated_probabilities(LogisticRegression, features, given, 4, 3, rng(),
                                               progress=lambda *step: steps.append(step))
    np.testing.assert_allclose(pred_probs.sum(axis=1), 1, atol=1e-5)
    assert (pred_probs.argmax(axis=1) == true).mean() > 0.75
    assert steps == [(1, 3), (2, 3), (3, 3)]


class Memory:
    """Knows by heart what it was taught, and nothing else: out of fold it can know nothing."""

    def fit(self, features: np.ndarray, labels: np.ndarray) -> Memory:
        self.known = dict(zip(map(bytes, features), labels.tolist(), strict=True))
        return self

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        known = [self.known.get(bytes(row), -1) for row in features]
        return np.array([np.eye(4)[label] if label >= 0 else np.full(4, 0.25) for label in known])


def test_no_row_is_scored_by_a_classifier_that_has_seen_it() -> None:
    features, given, _ = problem(200)
    assert (cross_validated_probabilities(Memory, features, given, 4, 5, rng()) == 0.25).all()


class Wrong:
    """Gives a column too few, or logits."""

    def __init__(self, given: np.ndarray) -> None:
        self.given = given

    def fit(self, features: np.ndarray, labels: np.ndarray) -> Wrong:
        return self

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        return np.tile(self.given, (len(features), 1))


@pytest.mark.parametrize(("row", "message"), [
    (np.full(3, 1 / 3), r"expected \[\d+, 4\]"), (np.array([3.0, -1, 0, 1]), "less than 0"), (np.full(4, 0.5), "sum to 2"),
])
def test_a_classifier_that_gives_no_probabilities_is_named(row: np.ndarray, message: str) -> None:
    features, given, _ = problem(200)
    with pytest.raises(InputError, match=message) as caught:
        cross_validated_probabilities(lambda: Wrong(row), features, given, 4, 5, rng())
    assert "Wrong.predict_proba" in str(caught.value)


def test_fewer_samples_than_folds() -> None:
    features, given, _ = problem(200)
    given[given == 3] = 2
    given[:2] = 3
    with pytest.raises(InputError, match="2 groups labelled class 3 for 5 folds"):
        class_probabilities(features, given, 4, 5, rng())


def test_skorch_nets_fit_the_protocol() -> None:
    skorch = pytest.importorskip("skorch")
    torch = pytest.importorskip("torch")
    features, given, true = problem(400)

    def make() -> object:
        torch.manual_seed(0)
        return skorch.NeuralNetClassifier(torch.nn.Linear(12, 4), criterion=torch.nn.CrossEntropyLoss, lr=0.5, max_epochs=8,
                                          train_split=None, verbose=0, predict_nonlinearity=lambda x: torch.softmax(x, -1))

    pred_probs = cross_validated_probabilities(make, features, given, 4, 2, rng())
    assert (pred_probs.argmax(axis=1) == true).mean() > 0.6


def test_keras_models_fit_the_protocol() -> None:
    keras = pytest.importorskip("keras")
    from tinysieve.filtering.label_errors.keras_classifier import KerasClassifier

    features, given, true = problem(400)
    keras.utils.set_random_seed(0)

    def build() -> object:
        return keras.Sequential([keras.Input((12,)), keras.layers.Dense(4)])

    pred_probs = cross_validated_probabilities(lambda: KerasClassifier(build, 15, 32, 0.03), features, given, 4, 2, rng())
    assert (pred_probs.argmax(axis=1) == true).mean() > 0.6
